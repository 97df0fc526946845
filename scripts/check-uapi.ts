// node scripts/run-ts.mjs scripts/check-uapi.ts: compares isa/uapi.ts and isa/helper-names.ts with the running
// kernel's BTF. Both are 6.18's: a newer kernel has more, which is said and is no failure.
import { readFileSync } from "node:fs";
import { ATTACH_TYPE, type Btf, HELPER_NAMES, MAP_FLAG, MAP_TYPE, PROG_TYPE, readBtf } from "@tailhop/core";

const PATH = "/sys/kernel/btf/vmlinux";

/** Values of all enums, by name. */
function enumerators({ types }: Btf): Map<string, number> {
	const all = new Map<string, number>();
	for (const type of types)
		if (type.kind === "enum") for (const { name, value } of type.values) all.set(name, value >>> 0);
	return all;
}

const kernel = enumerators(readBtf(readFileSync(PATH)));
const helpers = Object.fromEntries(HELPER_NAMES.map((name, id) => [name, id]));
let wrong = 0;
for (const [table, prefix, last] of [
	[helpers, "BPF_FUNC_", "__BPF_FUNC_MAX_ID"],
	[PROG_TYPE, "BPF_PROG_TYPE_", "__MAX_BPF_PROG_TYPE"],
	[MAP_TYPE, "BPF_MAP_TYPE_", "__MAX_BPF_MAP_TYPE"],
	[ATTACH_TYPE, "BPF_", "__MAX_BPF_ATTACH_TYPE"],
	[MAP_FLAG, "BPF_F_", undefined],
] as const) {
	for (const [name, value] of Object.entries(table)) {
		const theirs = kernel.get(prefix + name);
		if (theirs === value) continue;
		wrong++;
		console.log(`${prefix}${name} is ${value} here and ${theirs ?? "not there"} in the kernel`);
	}
	if (last === undefined) continue;
	const ours = Math.max(...Object.values(table)) + 1;
	console.log(
		`${prefix}*: ${Object.keys(table).length} names, up to ${ours - 1}; the kernel ends at ${kernel.get(last)! - 1}`,
	);
}
if (wrong > 0) process.exitCode = 1;
