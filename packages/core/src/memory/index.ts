export { ALLOCATOR, CONTROL_BASE, CONTROL_HEAP, MACHINE } from "./layout.ts";
export { LinearMemory } from "./linear-memory.ts";
