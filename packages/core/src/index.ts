export * from "./btf/index.ts";
export * from "./errors/index.ts";
export * from "./elf/index.ts";
export * from "./helpers/index.ts";
export * from "./hooks/index.ts";
