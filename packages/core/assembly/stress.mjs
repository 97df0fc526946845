// Several workers over one shared memory at once: node packages/core/assembly/stress.mjs [seconds] [workers]
// Each runs its own instance of the map code on the same maps; afterwards the structures must add up, and a
// consumer must have seen every ring-buffer record whole and in its producer's order.
import { readFileSync } from "node:fs";
import { Worker, isMainThread, workerData } from "node:worker_threads";

const DATA_BASE = 2 ** 24;
const HEADER = 128;
const ENTRIES = 512;
const NO_PREALLOC = 1;
const KINDS = { hash: 1, sparse: 1, percpuHash: 5, lru: 9, lpm: 11, queue: 22, ring: 27 };

function instantiate(memory) {
	const source = readFileSync(new URL("../src/maps/wasm.generated.ts", import.meta.url), "utf8");
	const bytes = Buffer.from(/"([A-Za-z0-9+/=]+)"/.exec(source)[1], "base64");
	const code = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
	if (code.initMemory(DATA_BASE, 1) !== 0) throw new Error("initMemory");
	return code;
}

function random(seed) {
	let state = seed;
	return (below) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor((state / 2 ** 32) * below);
	};
}

function run({ memory, maps, cpu, until }) {
	const code = instantiate(memory);
	const words = () => new Uint32Array(memory.buffer);
	const next = random(cpu + 1);
	const key = code.allocControl(16) >>> 0;
	const value = code.allocControl(64) >>> 0;
	const blocks = [];
	let calls = 0;
	let serial = 0;
	while (Date.now() < until) {
		for (let i = 0; i < 2000; i++, calls++) {
			let at = words();
			const k = next(ENTRIES * 2);
			at[key / 4] = k;
			at[value / 4] = k;
			at[value / 4 + 1] = ~k;
			switch (next(12)) {
				case 0:
				case 1:
					// now and then as another's CPU
					code.hashUpdate(maps.hash, key, value, next(3), next(4) ? cpu : 0);
					code.hashUpdate(maps.sparse, key, value, next(3), cpu);
					break;
				case 2:
					code.hashDelete(maps.hash, key, 0, 0);
					code.hashDelete(maps.sparse, key, 0, 0);
					break;
				case 3:
					code.hashLookup(maps.hash, key);
					code.percpuHashLookup(maps.percpuHash, key, cpu);
					code.lruLookup(maps.lru, key);
					break;
				case 4:
					if (next(3)) code.percpuHashUpdate(maps.percpuHash, key, value, 0, cpu);
					else code.hashDelete(maps.percpuHash, key, 0, 0);
					break;
				case 5:
				case 6:
					if (next(8)) code.lruUpdate(maps.lru, key, value, 0, cpu);
					else code.lruDelete(maps.lru, key, 0, 0);
					break;
				case 7:
					at[key / 4] = next(33);
					at[key / 4 + 1] = next(64) << 2;
					if (next(3)) code.lpmUpdate(maps.lpm, key, value, 0);
					else code.lpmDelete(maps.lpm, key);
					code.lpmLookup(maps.lpm, key);
					break;
				case 8:
					if (next(2)) code.queuePush(maps.queue, value, 2);
					else code.queueGet(maps.queue, value, 0, 1);
					break;
				case 9:
				case 10: {
					const length = 8 + 4 * next(200);
					const sample = code.ringbufReserve(maps.ring, length) >>> 0;
					if (sample === 0) break;
					serial++;
					at = words();
					at[sample / 4] = cpu;
					at[sample / 4 + 1] = serial;
					for (let w = 2; w < length / 4; w++) at[sample / 4 + w] = serial;
					code.ringbufSubmit(maps.ring, sample, 0);
					break;
				}
				default: {
					if (blocks.length > 50 || (blocks.length && next(2))) {
						const block = blocks.splice(next(blocks.length), 1)[0];
						for (let w = 0; w < block.size / 4; w++)
							if (at[block.at / 4 + w] !== block.tag) throw new Error("a block was given out twice");
						if (block.data) code.freeData(block.at, block.size);
						else code.freeControl(block.at, block.size);
						break;
					}
					const data = next(2) === 1;
					const size = 16 * (1 + next(100));
					const place = (data ? code.allocData(size) : code.allocControl(size)) >>> 0;
					at = words();
					for (let w = 0; w < size / 4; w++) if (at[place / 4 + w] !== 0) throw new Error("a block is not zero");
					const tag = (cpu + 1) * 2 ** 20 + calls;
					at.fill(tag, place / 4, (place + size) / 4);
					blocks.push({ at: place, size, data, tag });
				}
			}
		}
	}
	return calls;
}

function setUp(memory, code, cpus) {
	const maps = {};
	for (const [name, type] of Object.entries(KINDS)) {
		const map = code.allocControl(HEADER) >>> 0;
		const keySize = { queue: 0, ring: 0, lpm: 8 }[name] ?? 4;
		const [valueSize, entries] = name === "ring" ? [0, 16384] : [8, ENTRIES];
		const flags = name === "sparse" ? NO_PREALLOC : 0;
		new Uint32Array(memory.buffer).set([0, type, keySize, valueSize, entries, flags, cpus], map / 4);
		maps[name] = map;
	}
	code.hashCreate(maps.hash, 1, 0);
	code.hashCreate(maps.sparse, 4, 0);
	code.hashCreate(maps.percpuHash, 2, 1);
	code.lruCreate(maps.lru, 3, 0);
	code.ringbufCreate(maps.ring);
	return maps;
}

/** Reads what is there; each producer's serials must rise, each record must be whole. */
function drain(memory, code, ring, last) {
	let count = 0;
	for (let sample = code.ringbufPeek(ring) >>> 0; sample !== 0; sample = code.ringbufPeek(ring) >>> 0) {
		const at = new Uint32Array(memory.buffer);
		const length = (at[sample / 4 - 2] & 0x3fffffff) / 4;
		const [cpu, serial] = at.subarray(sample / 4, sample / 4 + 2);
		if (!(serial > (last[cpu] ?? 0))) throw new Error(`record ${serial} of ${cpu} after ${last[cpu]}`);
		for (let w = 2; w < length; w++) if (at[sample / 4 + w] !== serial) throw new Error("a torn record");
		last[cpu] = serial;
		code.ringbufAdvance(ring);
		count++;
	}
	return count;
}

function verify(memory, code, maps) {
	const at = new Uint32Array(memory.buffer);
	const word = (map, offset) => at[(map + offset) / 4];
	for (const name of ["hash", "sparse", "percpuHash", "lru"]) {
		const map = maps[name];
		const seen = new Set();
		for (let element = code.tableNext(map, 0) >>> 0; element !== 0; element = code.tableNext(map, element) >>> 0) {
			const key = code.tableKey(map, element) >>> 0;
			if (seen.has(at[key / 4])) throw new Error(`${name}: key ${at[key / 4]} twice`);
			seen.add(at[key / 4]);
			const value = at[element / 4 + 2];
			const found = (name === "lru" ? code.lruLookup(map, key) : code.hashLookup(map, key)) >>> 0;
			if (found !== value) throw new Error(`${name}: a key is not found`);
			if (name !== "percpuHash" && at[value / 4] !== at[key / 4]) throw new Error(`${name}: a wrong value`);
		}
		if (seen.size !== word(map, 32)) throw new Error(`${name}: ${seen.size} elements, counted ${word(map, 32)}`);
		if (seen.size > ENTRIES) throw new Error(`${name}: too many`);
		let free = 0;
		for (let element = word(map, 40 + 28); element !== 0; element = at[element / 4 + 3]) free++;
		const all = free + seen.size;
		const carved = word(map, 40 + 32);
		// where replacements take from the free list, too, they have made some of all, and one more for each worker
		const lost = name === "sparse" ? all < carved || all > ENTRIES + 8 : all !== carved;
		if (name !== "lru" && lost) throw new Error(`${name}: lost elements`);
		console.log(`${name}: ${seen.size} elements, ${free} free`);
	}
	let prefixes = 0;
	const key = code.allocControl(8) >>> 0;
	for (let node = code.lpmNextKey(maps.lpm, 0) >>> 0; node !== 0; node = code.lpmNextKey(maps.lpm, key) >>> 0) {
		code.lpmKey(maps.lpm, node, key);
		prefixes++;
	}
	if (prefixes !== word(maps.lpm, 32)) throw new Error(`lpm: ${prefixes} prefixes, counted ${word(maps.lpm, 32)}`);
	console.log(`lpm: ${prefixes} prefixes`);
}

if (isMainThread) {
	const seconds = Number(process.argv[2] ?? 3);
	const workers = Number(process.argv[3] ?? 3);
	const memory = new WebAssembly.Memory({ initial: DATA_BASE / 65536 + 1, maximum: 65536, shared: true });
	const code = instantiate(memory);
	const maps = setUp(memory, code, workers);
	const until = Date.now() + seconds * 1000;
	const last = [];
	let records = 0;
	const consumer = setInterval(() => {
		records += drain(memory, code, maps.ring, last);
	}, 1);
	const runs = Array.from({ length: workers }, (_, cpu) => {
		const worker = new Worker(new URL(import.meta.url), { workerData: { memory, maps, cpu, until } });
		return new Promise((resolve, reject) => {
			worker.on("error", reject);
			worker.on("exit", (status) => (status === 0 ? resolve() : reject(new Error(`worker ended with ${status}`))));
		});
	});
	const watchdog = setTimeout(() => {
		console.error("the workers hang");
		process.exit(1);
	}, seconds * 1000 + 20000);
	await Promise.all(runs);
	clearTimeout(watchdog);
	clearInterval(consumer);
	records += drain(memory, code, maps.ring, last);
	verify(memory, code, maps);
	if (code.ringbufQuery(maps.ring, 0) !== 0) throw new Error("the ring is not empty");
	console.log(`ring: ${records} records; ${workers} workers, ${seconds} s`);
} else {
	run(workerData);
}
