export type { MapInstance } from "./types.ts";
