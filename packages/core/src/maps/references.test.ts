import { type Bytes, buildObject, check, checkObject, type MapCase, type Step } from "@tailhop/testing";
import { describe, expect, test } from "vitest";
import { inMemory, le, newMap, newRuntime } from "./test-kit.ts";

// Devices, CPUs and sockets as values: the same calls of bpf(2) on the machine and on the kernel. lo, 1, is the
// device that both have.

type Answer = Bytes | { readonly errno: number };
const NAMES = { m: "m" };
const [ENOENT, E2BIG, EBADF, ENOMEM, EEXIST, ENODEV, EINVAL, ENOSPC, EOVERFLOW, EOPNOTSUPP, ENOTSUPP] = [
	2, 7, 9, 12, 17, 19, 22, 28, 75, 95, 524,
];

const update = (key: number, value: Bytes, result = 0, flags = 0n): Step => ({
	update: NAMES.m,
	key,
	value,
	flags,
	result: -result,
});
const lookup = (key: Bytes, value: Answer): Step => ({ lookup: NAMES.m, key, value });
const remove = (key: Bytes, result = 0): Step => ({ delete: NAMES.m, key, result: -result });
const next = (key: Bytes | null, answer: Answer): Step => ({ nextKey: NAMES.m, key, next: answer });
const no = (errno: number) => ({ errno });

/** An object without programs to speak of: the map and what user space does to it. */
async function steps(map: Omit<MapCase, "name">, list: readonly Step[]): Promise<void> {
	const linked = buildObject({ maps: [{ name: "m", ...map }], programs: { main: "r0 = 0\nexit" } });
	await checkObject(linked, list, { ignoreMaps: ["m"] });
}

/** struct bpf_devmap_val, bpf_cpumap_val. */
const pair = (first: number, program: number): bigint =>
	(BigInt.asUintN(32, BigInt(program)) << 32n) | BigInt(first);

test("devmap", () =>
	steps({ type: "devmap", valueSize: 8, maxEntries: 2 }, [
		lookup(0, no(ENOENT)),
		update(0, pair(1, 0)),
		lookup(0, pair(1, 0)),
		update(0, pair(1, -1)),
		lookup(0, pair(1, 0)),
		update(0, pair(1, 0), EEXIST, 1n),
		update(0, pair(1, 0), 0, 2n),
		update(1, pair(1, 0), 0, 2n),
		update(0, pair(1, 0), EINVAL, 3n),
		update(0, pair(99, 0), EINVAL),
		update(0, pair(1, 999), EINVAL),
		update(0, pair(0, 999), EINVAL),
		update(2, pair(1, 0), E2BIG),
		update(0, pair(0, 0)),
		lookup(0, no(ENOENT)),
		next(null, 0),
		next(1, no(ENOENT)),
		next(7, 0),
		remove(0),
		remove(1),
		remove(2, EINVAL),
		{ lookupAndDelete: "m", key: 0, value: no(ENOTSUPP) },
	]));

test("devmap_hash", () =>
	steps({ type: "devmap_hash", valueSize: 8, maxEntries: 2 }, [
		update(9999, pair(1, 0), 0, 2n),
		lookup(9999, pair(1, 0)),
		update(9999, pair(1, 0), EEXIST, 1n),
		update(9999, pair(0, 0), EINVAL),
		update(9999, pair(0, 0), EINVAL, 1n),
		update(9999, pair(99, 0), EINVAL),
		update(9999, pair(1, 77), EINVAL),
		update(7, pair(1, -1)),
		lookup(7, pair(1, 0)),
		update(8, pair(1, 0), E2BIG),
		remove(9999),
		remove(9999, ENOENT),
		next(null, 7),
		next(7, no(ENOENT)),
		{ lookupAndDelete: "m", key: 7, value: no(ENOTSUPP) },
	]));

test("cpumap", () =>
	steps({ type: "cpumap", maxEntries: 2, valueSize: 8 }, [
		lookup(0, no(ENOENT)),
		update(0, pair(100, 0)),
		lookup(0, pair(100, 0)),
		update(0, pair(16385, 0), EOVERFLOW),
		update(0, pair(16385, 0), EEXIST, 1n),
		update(0, pair(5, 999), ENOMEM),
		update(2, pair(100, 0), E2BIG),
		update(0, pair(0, 0)),
		lookup(0, no(ENOENT)),
		remove(0),
		remove(2, EINVAL),
	]));

test("cpumap: CPUs that are not possible", () =>
	steps({ type: "cpumap", maxEntries: 200, valueSize: 4 }, [
		update(199, 100, ENODEV),
		update(199, 0, ENODEV),
	]));

describe("sockets", () => {
	test("xskmap", () =>
		steps({ type: "xskmap", valueSize: 4, maxEntries: 2 }, [
			lookup(0, no(EOPNOTSUPP)),
			update(0, 0x7fff, EINVAL, 3n),
			update(2, 0x7fff, E2BIG),
			remove(0),
			remove(2, EINVAL),
			next(null, 0),
		]));

	test("sockmap, sockhash, reuseport_sockarray", async () => {
		await steps({ type: "sockmap", valueSize: 4, maxEntries: 2 }, [
			lookup(0, no(ENOSPC)),
			remove(0, EINVAL),
			remove(2, EINVAL),
		]);
		await steps({ type: "sockmap", valueSize: 8, maxEntries: 2 }, [
			lookup(0, no(ENOENT)),
			update(0, pair(1, 1), EINVAL),
		]);
		await steps({ type: "sockhash", valueSize: 4, maxEntries: 2 }, [
			lookup(0, no(ENOSPC)),
			remove(0, ENOENT),
			next(null, no(ENOENT)),
		]);
		await steps({ type: "sockhash", valueSize: 8, maxEntries: 2 }, [update(0, pair(1, 1), EINVAL)]);
		await steps({ type: "reuseport_sockarray", valueSize: 8, maxEntries: 2 }, [
			lookup(0, no(ENOENT)),
			update(2, pair(1, 0), E2BIG),
			remove(0, ENOENT),
			remove(2, E2BIG),
		]);
	});
});

test("stack_trace, cgroup_array, cgroup_storage: what user space may do", async () => {
	await steps({ type: "stack_trace", valueSize: 16, maxEntries: 3 }, [
		lookup(0, no(ENOENT)),
		update(0, 0, EINVAL),
		remove(3, ENOENT),
		remove(4, E2BIG),
		next(null, no(ENOENT)),
		{ lookupAndDelete: "m", key: 0, value: no(ENOENT) },
	]);
	await steps({ type: "cgroup_array", valueSize: 4, maxEntries: 2 }, [
		lookup(0, no(ENOTSUPP)),
		update(0, 0, EBADF),
		update(2, 0, E2BIG),
		update(0, 0, EINVAL, 1n),
		remove(0, ENOENT),
		remove(2, E2BIG),
		next(0, 1),
	]);
	for (const [type, keySize] of [
		["cgroup_storage", 8],
		["percpu_cgroup_storage", 16],
	] as const)
		await steps({ type, keySize, valueSize: 8, maxEntries: 0 }, [
			lookup(0, no(ENOENT)),
			remove(0, EINVAL),
			next(null, no(ENOENT)),
		]);
});

describe("redirect_map", () => {
	const redirect = (key: number, flags: number) => `
		r1 = m ll
		r2 = ${key}
		r3 = ${flags}
		call 51
		exit`;

	test.each<[Omit<MapCase, "name">, number, number, number]>([
		[{ type: "devmap", valueSize: 8, maxEntries: 4, entries: [[1, 1]] }, 1, 0, 4],
		[{ type: "devmap", valueSize: 4, maxEntries: 4, entries: [[1, 1]] }, 0, 2, 2],
		[{ type: "devmap", valueSize: 4, maxEntries: 4, entries: [[1, 1]] }, 9, 3, 3],
		[{ type: "devmap", valueSize: 4, maxEntries: 4, entries: [[1, 1]] }, 1, 4, 0],
		[{ type: "devmap", valueSize: 4, maxEntries: 4, entries: [[1, 1]] }, 0, 8, 4],
		[{ type: "devmap_hash", valueSize: 4, maxEntries: 4, entries: [[77, 1]] }, 77, 1, 4],
		[{ type: "devmap_hash", valueSize: 4, maxEntries: 4 }, 77, 1, 1],
		[{ type: "cpumap", valueSize: 4, maxEntries: 1, entries: [[0, 64]] }, 0, 0, 4],
		[{ type: "cpumap", valueSize: 4, maxEntries: 1, entries: [[0, 64]] }, 0, 8, 0],
		[{ type: "xskmap", valueSize: 4, maxEntries: 1 }, 0, 2, 2],
	])("%j key %i flags %i: %i", (map, key, flags, verdict) =>
		check({
			maps: [{ name: "m", ...map }],
			asm: redirect(key, flags),
			expect: verdict,
			ignoreMaps: ["m"],
		}).then(() => {}),
	);

	test.each([
		[0x8, [1, 7, 8]],
		[0x18, [7, 8]],
	])("each device of a broadcast is an output, without the frame's own: flags %i", async (flags, devices) => {
		const map: MapCase = {
			name: "m",
			type: "devmap",
			valueSize: 4,
			maxEntries: 4,
			entries: [
				[0, 1],
				[2, 7],
				[3, 8],
			],
		};
		const outcome = await check({
			maps: [map],
			asm: redirect(0, flags),
			environment: { interfaces: [7, 8].map((ifindex) => ({ ifindex, mac: "02:00:00:00:00:01" })) },
			expect: 4,
			kernel: { cannot: "it has no devices 7 and 8" },
		});
		const events = outcome.kind === "ran" ? (outcome.result?.output ?? []) : [];
		expect(events.map((event) => event.kind === "redirect" && event.ifindex)).toEqual(devices);
	});

	test("a program reads a device's value, and may not write it", async () => {
		const read = (access: string) => `
			r1 = 1
			*(u32 *)(r10 - 4) = r1
			r1 = m ll
			r2 = r10
			r2 += -4
			call 1
			if r0 == 0 goto out
			${access}
		out:
			exit`;
		const maps: MapCase[] = [{ name: "m", type: "devmap", valueSize: 8, maxEntries: 2, entries: [[1, 1]] }];
		await check({ maps, asm: read("r0 = *(u32 *)(r0 + 0)"), expect: 1 });
		await check({
			maps,
			asm: read("*(u32 *)(r0 + 0) = r0\nr0 = 0"),
			expect: { fault: "fault/access" },
			kernel: { rejects: "write into map forbidden, value_size=8 off=0 size=4" },
		});
	});
});

test("compiled code finds what a lookup by the instance finds", () => {
	const runtime = newRuntime();
	for (const [type, valueSize] of [
		[14, 8],
		[15, 4],
		[17, 4],
		[18, 4],
		[25, 8],
	] as const) {
		const map = newMap(runtime, type, 4, valueSize, 4);
		expect(map.hostUpdate(le(2), le(1, valueSize), 0n)).toBe(0);
		for (const key of [0, 2, 9]) {
			const at = inMemory(runtime, le(key));
			const found = runtime.code.mapLookup(map.address, at, 0) >>> 0;
			expect(found).toBe(map.lookup(at, 0));
			expect(found !== 0).toBe(key === 2);
		}
	}
});
