// The map code: every export that JavaScript or compiled programs call. See src/maps/code.ts for the types.

export { allocControl, allocData, blockSize, freeControl, freeData, initMemory } from "./alloc";
export {
	arrayCreate, arrayCursorKey, arrayLookup, arrayUpdate, percpuArrayLookup, percpuArrayUpdate, percpuArrayUpdateAll,
} from "./array";
export { mapDelete, mapLookup, mapUpdate } from "./dispatch";
export { hashCreate, hashDelete, hashLookup, hashUpdate, percpuHashLookup, percpuHashUpdate } from "./hash";
export { jhash } from "./jhash";
export { lpmDelete, lpmKey, lpmLookup, lpmNextKey, lpmUpdate } from "./lpm";
export { lruCreate, lruDelete, lruLookup, lruPercpuLookup, lruPercpuUpdate, lruUpdate } from "./lru";
export { arrayOfMapsLookup, hashOfMapsLookup } from "./maps";
export { queueGet, queuePush } from "./queue";
export {
	ringbufAdvance, ringbufCreate, ringbufOf, ringbufOutput, ringbufPeek, ringbufQuery, ringbufReserve, ringbufSubmit,
} from "./ringbuf";
export { slotExchange, slotLoad, slotsCreate, slotsSwap } from "./slots";
export { find as tableFind, find16 as tableFind16, find4 as tableFind4, find8 as tableFind8 } from "./table";
export { tableFollow, tableKey, tableKeyCopy, tableLink, tableNext, tableNextKey, tableValue } from "./table";
