import { describe, expect, test } from "vitest";
import { assemble } from "../asm/index.ts";
import { PROG_TYPE } from "../isa/index.ts";
import { type LinkedMap, type LinkedObject, type LinkedProgram, linkedMap } from "../spec/index.ts";
import type { VerifyOptions } from "./options.ts";
import { verify } from "./verify.ts";

const MAPS: readonly LinkedMap[] = [
	linkedMap({ name: "values", type: 2, keySize: 4, valueSize: 16, maxEntries: 4 }),
	linkedMap({ name: "jumps", type: 3, keySize: 4, valueSize: 4, maxEntries: 4 }),
];

function verdict(text: string, type: number = PROG_TYPE.XDP, options: VerifyOptions = {}) {
	const { insns, labels } = assemble(text, { maps: MAPS.map(({ name }) => name) });
	const starts = [0, ...[...labels].filter(([name]) => name.startsWith("f_")).map(([, at]) => at)].sort(
		(a, b) => a - b,
	);
	const program: LinkedProgram = {
		name: "test",
		section: "xdp",
		type,
		expectedAttachType: 0,
		flags: 0,
		insns,
		functions: starts.map((start, i) => ({
			name: i === 0 ? "test" : `f${i}`,
			start,
			end: starts[i + 1] ?? insns.length,
			linkage: "static",
			typeId: 0,
		})),
		lines: [],
		entry: true,
		helpers: [],
		kfuncs: [],
	};
	const object: LinkedObject = {
		file: "test.s",
		license: "GPL",
		kernelVersion: 0,
		maps: MAPS,
		programs: [program],
		slots: [],
		target: { cpus: 1, helperIds: new Set() },
	};
	return verify(object, program, options);
}

const accepted = (insnsProcessed: number) => ({ accepted: true, stats: { insnsProcessed } });
const refused = (errno: string, lastLine: string) => ({ accepted: false, errno, lastLine });

describe("structure", () => {
	test("a program of two instructions", () => {
		expect(verdict("r0 = 0\nexit")).toMatchObject({ ...accepted(2), log: "", lastLine: "" });
	});

	test("what nothing reaches", () => {
		expect(verdict("r0 = 0\nexit\nr0 = 1\nexit")).toMatchObject(refused("EINVAL", "unreachable insn 2"));
	});

	test("running off the end", () => {
		expect(verdict("r0 = 0")).toMatchObject(refused("EINVAL", "last insn is not an exit or jmp"));
	});

	test("a loop that never ends", () => {
		expect(verdict("r0 = 0\nagain:\ngoto again\nexit")).toMatchObject(
			refused("EINVAL", "unreachable insn 2"),
		);
		expect(verdict("r0 = 0\nagain:\nif r1 == 0 goto out\ngoto again\nout:\nexit")).toMatchObject({
			accepted: false,
			errno: "EINVAL",
		});
	});
});

describe("values", () => {
	test("a register that nothing wrote", () => {
		expect(verdict("r0 = r2\nexit")).toMatchObject(refused("EACCES", "R2 !read_ok"));
	});

	const index = (check: string, at: number) => `
		*(u32 *)(r10 - 4) = 1
		r2 = r10
		r2 += -4
		r1 = values ll
		call 1
		if r0 == 0 goto out
		r7 = r0
		call 7
		${check}
		r7 += r0
		r1 = *(u8 *)(r7 + ${at})
		out:
		r0 = 0
		exit`;

	test("a masked index fits, one more does not", () => {
		expect(verdict(index("r0 &= 7", 8))).toMatchObject({ accepted: true });
		expect(verdict(index("r0 &= 7", 9))).toMatchObject(
			refused("EACCES", "R7 max value is outside of the allowed memory range"),
		);
	});

	test("a lookup with a key that is known is not null, with another it may be", () => {
		const lookup = (key: number) => `
			*(u32 *)(r10 - 8) = ${key}
			r2 = r10
			r2 += -8
			r1 = values ll
			call 1
			r0 = *(u64 *)(r0 + 0)
			r0 = 0
			exit`;
		expect(verdict(lookup(3))).toMatchObject({ accepted: true });
		expect(verdict(lookup(4))).toMatchObject(refused("EACCES", "R0 invalid mem access 'map_value_or_null'"));
	});
});

describe("packets", () => {
	const read = (off: number) => `
		r2 = *(u32 *)(r1 + 0)
		r3 = *(u32 *)(r1 + 4)
		r4 = r2
		r4 += 14
		if r4 > r3 goto out
		r0 = *(u8 *)(r2 + ${off})
		out:
		r0 = 1
		exit`;

	test("as far as a comparison with the end has shown", () => {
		expect(verdict(read(13))).toMatchObject({ accepted: true });
		expect(verdict(read(14))).toMatchObject(refused("EACCES", "R2 offset is outside of the packet"));
	});
});

describe("loops", () => {
	test("a bounded one is walked round by round", () => {
		const walked = verdict("r1 = 0\nagain:\nr1 += 1\nif r1 < 100 goto again\nr0 = 0\nexit");
		expect(walked.accepted).toBe(true);
		expect(walked.stats.insnsProcessed).toBe(203);
	});

	test("one of more rounds than the limit allows", () => {
		expect(
			verdict("r1 = 0\nagain:\nr1 += 1\nif r1 < 1000000 goto again\nr0 = 0\nexit", PROG_TYPE.XDP, {
				limit: 1000,
			}),
		).toMatchObject(refused("E2BIG", "BPF program is too large. Processed 1001 insn"));
	});
});

describe("tail calls", () => {
	test("r0 is not readable behind one", () => {
		expect(verdict("r2 = jumps ll\nr3 = 0\ncall 12\nexit")).toMatchObject(refused("EACCES", "R0 !read_ok"));
	});

	test("in a subprogram they take BTF", () => {
		expect(verdict("call f_sub\nexit\nf_sub:\nr2 = jumps ll\nr3 = 0\ncall 12\nr0 = 0\nexit")).toMatchObject(
			refused("EINVAL", "tail_call is not allowed in subprogs without BTF"),
		);
	});
});

describe("privilege", () => {
	test("without CAP_PERFMON a pointer may not be the result", () => {
		expect(verdict("r0 = r1\nexit", PROG_TYPE.XDP, { capabilities: { perfmon: false } })).toMatchObject(
			refused("EACCES", "R0 leaks addr as return value"),
		);
		expect(verdict("r0 = r1\nexit")).toMatchObject({ accepted: true });
	});
});

describe("the log", () => {
	test("level 1 shows the way that was refused", () => {
		expect(verdict("r0 = 0\nr1 = r5\nexit", PROG_TYPE.XDP, { logLevel: 1 }).log).toBe(
			[
				"0: R1=ctx() R10=fp0",
				"0: (b7) r0 = 0                        ; R0=0",
				"1: (bf) r1 = r5",
				"R5 !read_ok",
				"processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0",
				"",
			].join("\n"),
		);
	});

	test("level 4 has the depth of the stacks", () => {
		expect(verdict("*(u64 *)(r10 - 24) = 0\nr0 = 0\nexit", PROG_TYPE.XDP, { logLevel: 4 }).log).toContain(
			"stack depth 24\n",
		);
	});
});

test("what is not modelled is neither accepted nor refused", () => {
	const { accepted, errno, unsupported } = verdict("r0 = 0\nexit", PROG_TYPE.TRACING);
	expect({ accepted, errno, unsupported }).toEqual({
		accepted: false,
		errno: undefined,
		unsupported: "programs of type tracing",
	});
});
