/**
 * Asks the running kernel what the field tables of core's hooks say of 6.18, and prints every difference:
 *
 *   node scripts/run-ts.mjs scripts/probe-contexts.ts
 *
 * For each program type, width and byte offset, a program of one load and one of one store are loaded, none is run.
 * Exit status 1: something differs.
 */
import { fieldAt, HOOKS, type Hook, type Insn, loadAllowed, storeAllowed } from "@tailhop/core";
import { type Kernel, openKernel } from "@tailhop/kernel";
import { insn } from "./probe-insns.ts";

const LOAD = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 } as const;
const STORE = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b } as const;
const WIDTHS = [1, 2, 4, 8] as const;

const END = [insn(0xb7), insn(0x95)];

function accepts(kernel: Kernel, hook: Hook, expectedAttachType: number, insns: readonly Insn[]): boolean {
	const result = kernel.loadProgram({
		type: hook.programType,
		expectedAttachType,
		insns: [...insns, ...END],
		license: "GPL",
	});
	if (result.ok) result.program.close();
	return result.ok;
}

/** The differences between a hook's table and the kernel, with programs of one expected attach type. */
function* differences(kernel: Kernel, hook: Hook, attachType: number): Generator<string> {
	for (const width of WIDTHS) {
		for (let offset = 0; offset < hook.contextSize + 8; offset++) {
			const field = fieldAt(hook.fields, offset);
			const table = {
				load: field !== undefined && loadAllowed(field, offset, width, attachType),
				store: field !== undefined && storeAllowed(field, offset, width),
			};
			const answer = {
				load: accepts(kernel, hook, attachType, [insn(LOAD[width], 2, 1, offset)]),
				store: accepts(kernel, hook, attachType, [insn(0xb7, 2), insn(STORE[width], 1, 2, offset)]),
			};
			for (const access of ["load", "store"] as const) {
				if (table[access] === answer[access]) continue;
				const name = field?.name ?? "no field";
				yield `${hook.name}: ${access} of ${width} at ${offset} (${name}): the kernel ${
					answer[access] ? "allows" : "refuses"
				} it`;
			}
		}
	}
}

const BPF_XDP_DEVMAP = 33;

const kernel = await openKernel();
let count = 0;
for (const hook of HOOKS) {
	for (const attachType of hook.name === "xdp"
		? [0, BPF_XDP_DEVMAP]
		: hook.name === "cgroup_skb"
			? [0, 1]
			: [0]) {
		for (const difference of differences(kernel, hook, attachType)) {
			count++;
			console.log(difference);
		}
	}
}
console.log(`${HOOKS.length} program types, ${count} differences`);
process.exitCode = count === 0 ? 0 : 1;
