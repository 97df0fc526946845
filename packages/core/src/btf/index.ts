export type { Btf } from "./types.ts";
