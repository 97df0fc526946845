import { describe, expect, test } from "vitest";
import { assemble } from "../../asm/index.ts";
import type { LinkedProgram } from "../../spec/index.ts";
import { verify } from "../verify.ts";

function stackDepth(text: string): readonly number[] {
	const { insns } = assemble(text);
	const program: LinkedProgram = {
		name: "test",
		section: "xdp",
		type: 6,
		expectedAttachType: 0,
		flags: 0,
		insns,
		functions: [{ name: "test", start: 0, end: insns.length, linkage: "global", typeId: 0 }],
		lines: [],
		entry: true,
		helpers: [],
		kfuncs: [],
	};
	const target = { cpus: 1, helperIds: new Set<number>() };
	const object = {
		file: "t",
		license: "GPL",
		kernelVersion: 0,
		maps: [],
		programs: [program],
		slots: [],
		target,
	};
	const verdict = verify(object, program);
	expect(verdict.accepted).toBe(true);
	return verdict.stats.stackDepth;
}

/** Around a call of bpf_get_smp_processor_id (8), which the kernel inlines, or another helper. */
const around = (call: number, more = "") => `
	r1 = 1
	*(u64 *)(r10 - 16) = r1
	call ${call}
	r1 = *(u64 *)(r10 - 16)
	${more}
	r0 = r1
	exit`;

// what 6.18 answers
describe("spills around inlined helpers take no stack", () => {
	test.each([
		["one", around(8), 8],
		["around another helper they stay", around(7), 16],
		["the slot is read elsewhere", around(8, "r0 = *(u64 *)(r10 - 16)"), 16],
		["something lies below", around(8, "*(u64 *)(r10 - 40) = 0"), 40],
		[
			"two",
			`r1 = 1
			r2 = 2
			*(u64 *)(r10 - 8) = r1
			*(u64 *)(r10 - 16) = r2
			call 8
			r2 = *(u64 *)(r10 - 16)
			r1 = *(u64 *)(r10 - 8)
			r0 = r1
			exit`,
			0,
		],
	])("%s", (_, text, depth) => {
		expect(stackDepth(text)).toEqual([depth]);
	});
});
