/**
 * docs/parity-maps.md from core's tables and from what the maps themselves answer:
 *
 *   node scripts/run-ts.mjs scripts/parity-maps.ts [--write]     without: exit status 1 if the file is stale
 */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import {
	checkMap,
	createMap,
	createMemory,
	helperTakesMap,
	instantiateRuntime,
	type LinkedMap,
	linkedMap,
	MAP_KINDS,
	type MapInstance,
	mapTypeName,
	PROTOTYPES,
} from "@tailhop/core";

const FILE = "docs/parity-maps.md";
const NO_PREALLOC = 1;
const MMAPABLE = 1 << 10;

/** What differs from the plain definition: key and value of 8 bytes, 4 entries. */
const SOUND: Readonly<Record<number, Partial<LinkedMap>>> = {
	11: { keySize: 8, flags: NO_PREALLOC },
	19: { keySize: 8, maxEntries: 0 },
	21: { keySize: 8, maxEntries: 0 },
	22: { keySize: 0 },
	23: { keySize: 0 },
	24: { maxEntries: 0, flags: NO_PREALLOC },
	27: { keySize: 0, valueSize: 0, maxEntries: 4096 },
	28: { maxEntries: 0, flags: NO_PREALLOC },
	29: { maxEntries: 0, flags: NO_PREALLOC },
	30: { keySize: 0 },
	32: { maxEntries: 0, flags: NO_PREALLOC },
	...Object.fromEntries([3, 4, 8, 12, 13, 17].map((type) => [type, { valueSize: 4 }])),
};

const define = (type: number): LinkedMap =>
	linkedMap({
		name: "m",
		type,
		keySize: 4,
		valueSize: 8,
		maxEntries: 4,
		keyTypeId: 1,
		valueTypeId: 1,
		...SOUND[type],
	});

/** Where a kind is not simply Linux's, and how that is known. By BPF_MAP_TYPE_*. */
const NOTES: Readonly<Record<number, string>> = {
	3: "values are programs by name or id; life cycle and owners as in the kernel",
	4: "a reader is there or not, a CPU each; events are outputs of the run",
	7: "can be made and stays empty: programs have no kernel stack here",
	8: "values are numbers",
	9: "same order of eviction on one CPU; see maps.md",
	10: "same order of eviction on one CPU; see maps.md",
	12: "values are maps by name or id",
	13: "values are maps by name or id",
	14: "devices of the Environment; programs in values are kept, and not run",
	15: "sockets are numbers; a program can only ask whether there is one",
	16: "programs in values are kept, and not run; 8,192 CPUs at most, as CONFIG_NR_CPUS of distributions",
	17: "sockets are numbers; a program can only ask whether there is one",
	18: "sockets are numbers; a program can only ask whether there is one",
	19: "zeroed for each run, as BPF_PROG_TEST_RUN has it",
	20: "sockets are numbers",
	21: "zeroed for each run, as BPF_PROG_TEST_RUN has it",
	24: "the socket of a test run has its storage for that run; a host's owners are numbers",
	25: "as devmap; another order of keys",
	28: "a host's owners are numbers",
	29: "a host's owners are numbers",
	30: "same hashes: under BPF_F_ZERO_SEED the same false positives",
	32: "a host's owners are numbers",
};

const ERRNO: Readonly<Record<number, string>> = {
	[-22]: "EINVAL",
	[-95]: "EOPNOTSUPP",
	[-524]: "ENOTSUPP",
	[-28]: "ENOSPC",
	[-9]: "by name",
};

/** "yes", or what the operation always answers. */
const cell = (result: unknown): string => (typeof result === "number" ? (ERRNO[result] ?? "yes") : "yes");

function operations(map: MapInstance): string[] {
	const { def } = map;
	const key = new Uint8Array(def.keySize);
	const value = new Uint8Array(map.hostValueSize);
	// devices, CPUs' queues, sockets, readers, cgroups: 0 is none
	if ([4, 8, 14, 15, 16, 17, 18, 20, 25].includes(def.type)) value[0] = 1;
	const batches = [
		["lookup", map.hostLookupBatch(0)],
		["take", map.hostLookupBatch(0, undefined, true)],
		["update", map.hostUpdateBatch([]).result],
		["delete", map.hostDeleteBatch([]).result],
	] as const;
	return [
		cell(map.hostUpdate(key, value, 0n)),
		cell(map.hostLookup(key)),
		cell(map.hostNextKey(null)),
		cell(map.hostDelete(key)),
		cell(map.hostLookupAndDelete(key)),
		batches
			.filter(([, result]) => result !== -524)
			.map(([name]) => name)
			.join(", ") || "–",
	];
}

/** What programs may call; calls that every kind takes are not listed. */
function helpers(type: number): string {
	const names: string[] = [];
	for (const { id, name, args } of PROTOTYPES.values()) {
		if (!args.includes("map") || id === 169 || id === 194 || !helperTakesMap(id, type)) continue;
		names.push(name);
	}
	return names.join(" ") || "–";
}

function row(type: number): string {
	const kind = MAP_KINDS[type];
	const name = mapTypeName(type);
	const note = NOTES[type] ?? "";
	if (kind === undefined) return `| ${name} | ${helpers(type)} | missing |${" |".repeat(7)} |`;
	const dataBase = 2 ** 22;
	const map = createMap(
		instantiateRuntime(createMemory({ dataBase, shared: false }), dataBase),
		define(type),
		0,
		{
			cpus: 1,
			seed: 1n,
		},
	);
	const outer = { ...define(12), inner: define(type) };
	const inner = cell(checkMap(outer, 1));
	const mmap = kind.flags & MMAPABLE ? "yes" : "";
	return `| ${[name, helpers(type), ...operations(map), inner, mmap, note].join(" | ")} |`;
}

const HEAD = `# Maps beside Linux 6.18

Made by \`node scripts/run-ts.mjs scripts/parity-maps.ts --write\` from core's tables and from what its maps answer.

How it is checked: \`scripts/probe-maps.ts\` asks the running kernel about 1,080 pairs of a helper and a kind of map, 1,989
definitions of maps, and 206 maps in the place of inner maps; it finds no difference (the limit of a cpumap is the
kernel's configuration, and not asked). Element operations run on both sides in the tests (\`packages/core/src/maps\`,
\`helpers/for-each.test.ts\`), eviction with them (\`maps/lru-kernel.test.ts\`), and in the map family of the fuzzer. Batches
run side by side in \`scripts/probe-batches.ts\` (25,600 random calls, no difference).

- **Programs may call**: what the verifier lets a program do with such a map. Another helper is \`fault/argument\`, in the
  verifier's words; one that is not implemented is \`fault/unimplemented\`.
- **User space**: yes, or the errno that such a map always answers. \`take\` is lookup-and-delete. "by name": bytes don't
  name a program or a map here; handles and names do.
- **inner**: whether it may be an inner map.
- A kind that is missing stops nobody from loading the object: using the map is the error.

| kind | programs may call | update | lookup | next key | delete | take | batches | inner | mmap | what differs |
|---|---|---|---|---|---|---|---|---|---|---|
`;

const TYPES = Array.from({ length: 33 }, (_, i) => i + 1);
const text = `${HEAD}${TYPES.map(row).join("\n")}\n`;
const path = resolve(process.cwd(), FILE);
if (process.argv.includes("--write")) writeFileSync(path, text);
else if (readFileSync(path, "utf8") !== text) {
	console.error(`${FILE} is stale: node scripts/run-ts.mjs scripts/parity-maps.ts --write`);
	process.exitCode = 1;
}
