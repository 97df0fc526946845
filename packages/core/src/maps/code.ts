/**
 * The exports of the map code. Addresses in and out are i32 (JavaScript sees 2 GiB and more as negative: use
 * `>>> 0`); results are an address (0: none), or 0 and negative errnos.
 */
export interface MapCode {
	initMemory(dataBase: number, shared: number): number;
	/** Zeroed, 8-aligned; -ENOMEM when the control area would pass dataBase or the memory cannot grow. */
	allocControl(size: number): number;
	/** `size` as it was asked for. */
	freeControl(address: number, size: number): void;
	allocData(size: number): number;
	freeData(address: number, size: number): void;
	/** Bytes that a block of `size` takes. */
	blockSize(size: number): number;

	arrayCreate(map: number, perCpu: number): number;
	arrayLookup(map: number, key: number): number;
	arrayUpdate(map: number, key: number, value: number, flags: number): number;
	arrayCursorKey(map: number, cursor: number): number;
	percpuArrayLookup(map: number, key: number, cpu: number): number;
	percpuArrayUpdate(map: number, key: number, value: number, flags: number, cpu: number): number;
	percpuArrayUpdateAll(map: number, key: number, value: number, flags: number): number;

	hashCreate(map: number, seed: number, perCpu: number): number;
	hashLookup(map: number, key: number): number;
	hashUpdate(map: number, key: number, value: number, flags: number, cpu: number): number;
	/** `value` != 0: the value (`valueBytes`) is copied there before it goes. */
	hashDelete(map: number, key: number, value: number, valueBytes: number): number;
	percpuHashLookup(map: number, key: number, cpu: number): number;
	/** cpu -1: `value` holds every CPU's, rounded up to 8 each. */
	percpuHashUpdate(map: number, key: number, value: number, flags: number, cpu: number): number;

	lruCreate(map: number, seed: number, perCpu: number): number;
	lruLookup(map: number, key: number): number;
	lruUpdate(map: number, key: number, value: number, flags: number, cpu: number): number;
	lruDelete(map: number, key: number, value: number, valueBytes: number): number;
	lruPercpuLookup(map: number, key: number, cpu: number): number;
	/** `cpu` gives the element, `which` is the CPU whose value it is (-1: all). */
	lruPercpuUpdate(map: number, key: number, value: number, flags: number, cpu: number, which: number): number;

	lpmLookup(map: number, key: number): number;
	lpmUpdate(map: number, key: number, value: number, flags: number): number;
	lpmDelete(map: number, key: number): number;
	/** The node after a key (0: the first); 0 at the end. */
	lpmNextKey(map: number, key: number): number;
	lpmKey(map: number, node: number, into: number): void;

	queuePush(map: number, value: number, flags: number): number;
	queueGet(map: number, value: number, stack: number, take: number): number;

	arrayOfMapsLookup(map: number, key: number): number;
	hashOfMapsLookup(map: number, key: number): number;

	/** By the type in the header: for maps that are known at run time only. */
	mapLookup(map: number, key: number, cpu: number): number;
	mapUpdate(map: number, key: number, value: number, flags: number, cpu: number): number;
	mapDelete(map: number, key: number): number;

	ringbufCreate(map: number): void;
	/** The ring buffer whose record starts at `sample`, or 0. */
	ringbufOf(sample: number): number;
	ringbufReserve(map: number, size: number): number;
	ringbufSubmit(map: number, sample: number, discard: number): number;
	ringbufOutput(map: number, from: number, size: number): number;
	ringbufQuery(map: number, what: number): number;
	ringbufPeek(map: number): number;
	ringbufAdvance(map: number): void;

	/** The element of a key, 0 if there is none; of a key of 4, 8 or 16 bytes. */
	tableFind(map: number, key: number): number;
	tableFind4(map: number, key: number): number;
	tableFind8(map: number, key: number): number;
	tableFind16(map: number, key: number): number;
	/** Elements as cursors: the one after `element` (0: the first), 0 at the end. */
	tableNext(map: number, element: number): number;
	/** What stands behind an element now (as i32), and the element that such a link leads to. */
	tableLink(map: number, element: number): number;
	tableFollow(map: number, link: number): number;
	tableNextKey(map: number, key: number): number;
	/** In the control area. */
	tableKey(map: number, element: number): number;
	/** A copy in the data area, for programs. */
	tableKeyCopy(map: number, element: number): number;
	tableValue(map: number, element: number, cpu: number): number;
	jhash(key: number, length: number, seed: number): number;

	slotsCreate(map: number): number;
	slotLoad(map: number, index: number): number;
	slotExchange(map: number, index: number, word: number): number;
	slotsSwap(map: number, words: number): number;
}
