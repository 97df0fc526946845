export { chooseDataBase, createMemory, type MemoryOptions, PAGE as WASM_PAGE } from "./create.ts";
export { ALLOCATOR, CONTROL_BASE, CONTROL_HEAP, MACHINE } from "./layout.ts";
export { LinearMemory } from "./linear-memory.ts";
