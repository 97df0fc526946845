export * from "./errors/index.ts";
export * from "./elf/index.ts";
