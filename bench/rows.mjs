/**
 * The rows of the benchmark: which object, what is in its maps before the first run, and what a figure counts.
 * Programs and sizes are fixed, so that figures compare from month to month.
 */
import { COMPUTE } from "./goals.mjs";
import { benchPacket, flowPackets } from "./packet.mjs";

/** @typedef {{ hostUpdate(key: Uint8Array, value: Uint8Array, flags: bigint): number }} HostMap */
/** @typedef {{ name: string, object: string, kind: "compute" | "map" | "call" | "hop" | "chain", hops?: number, packets?: Uint8Array[], rodata?: Record<string, Uint8Array>, apart?: boolean, mixed?: boolean, native?: boolean, fill?: (map: (name: string) => HostMap) => void, lru?: boolean }} Row */

/** Pseudo-random u32, the same every time. */
function random(seed) {
	let x = seed;
	return () => {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		return x >>> 0;
	};
}

function put(map, key, value) {
	const result = map.hostUpdate(key, value, 0n);
	if (result < 0) throw new Error(`filling a map failed with ${result}`);
}
const u32 = (n) => new Uint8Array(Uint32Array.of(n).buffer);

/** The 32 flows that hlook, hmap and lru cut out of the packet, then others up to `count`: keys of 16 bytes. */
function flowKeys(count) {
	const packet = benchPacket();
	const next = random(7);
	return Array.from({ length: count }, (_, i) => {
		const key = new Uint8Array(16);
		if (i < 32) key.set(packet.subarray(64 + i * 16, 64 + i * 16 + 13));
		else for (let b = 0; b < 13; b++) key[b] = next();
		return key;
	});
}
const fillFlows = (map) => {
	const flows = map("flows");
	for (const key of flowKeys(1024)) put(flows, key, new Uint8Array(16).fill(1, 0, 1));
};

/** 10,000 different IPv4 prefixes of 8 to 32 bits; half of them cover addresses that the packet holds. */
const fillRoutes = (map) => {
	const routes = map("routes");
	const packet = benchPacket();
	const next = random(11);
	const seen = new Set();
	while (seen.size < 10_000) {
		const length = 8 + (next() % 25);
		const at = 64 + (next() % 32) * 4;
		const address = next() & 1 ? new DataView(packet.buffer).getUint32(at) : next();
		const prefix = length === 32 ? address : (address & ~(0xffff_ffff >>> length)) >>> 0;
		const key = new Uint8Array(8);
		new DataView(key.buffer).setUint32(0, length, true);
		new DataView(key.buffer).setUint32(4, prefix);
		if (seen.has(`${key}`)) continue;
		put(routes, key, u32(seen.size));
		seen.add(`${key}`);
	}
};

const table = () => {
	const next = random(13);
	return Uint8Array.from({ length: 32768 }, () => next() % 32);
};

const hops = ["hop-static", "hop-dynamic", "hop-random"].flatMap((name) => [name, `${name}-touch`]);

/** @type {Row[]} */
export const ROWS = [
	...COMPUTE.map((name) => ({ name, object: name, kind: /** @type {const} */ ("compute"), native: true })),
	{ name: "amap", object: "amap", kind: "map" },
	{ name: "hlook", object: "hlook", kind: "map", fill: fillFlows },
	{ name: "hmap", object: "hmap", kind: "map" },
	{ name: "lru", object: "lru", kind: "map", fill: fillFlows, lru: true },
	{ name: "lpm", object: "lpm", kind: "map", fill: fillRoutes },
	{ name: "route", object: "route", kind: "chain", packets: flowPackets(), fill: fillRoutes },
	// the flows in turn, as traffic comes: nothing of the kernel's test runs compares with that
	{
		name: "route-mixed",
		object: "route",
		kind: "chain",
		packets: flowPackets(),
		fill: fillRoutes,
		mixed: true,
	},
	{ name: "b2b", object: "b2b", kind: "call", native: true },
	// once more with a collection of its own for each program
	...[false, true].flatMap((apart) =>
		hops.map((name) => ({
			name: apart ? `${name}-apart` : name,
			object: name,
			kind: /** @type {const} */ ("hop"),
			hops: 32,
			...(apart ? { apart } : {}),
			...(name.startsWith("hop-random") ? { rodata: { table: table() } } : {}),
		})),
	),
];
