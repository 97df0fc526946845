import { describe, expect, test } from "vitest";
import { assemble, assembleObject } from "../../asm/index.ts";
import { PROG_TYPE } from "../../isa/index.ts";
import { type LinkedProgram, link, parse } from "../../spec/index.ts";
import { verify } from "../verify.ts";

const object = link(
	parse(assembleObject(".map numbers type=array key=u32 value=u64 max_entries=1\n", "maps.s")),
);

/** Kernel functions by number: `call kfunc bpf_iter_num_new` names one. */
const names: string[] = [""];
const numberOf = (name: string): number => {
	if (!names.includes(name)) names.push(name);
	return names.indexOf(name);
};

/** "accepted", or the last line of the log. */
function verdict(type: keyof typeof PROG_TYPE, code: string): string {
	const text = code.replace(/call kfunc (\w+)/g, (_, name: string) => `call kfunc ${numberOf(name)}`);
	const { insns } = assemble(text);
	const program: LinkedProgram = {
		name: "test",
		section: "test",
		type: PROG_TYPE[type],
		expectedAttachType: 0,
		flags: 0,
		insns,
		functions: [],
		lines: [],
		entry: true,
		helpers: [],
		kfuncs: [],
	};
	const { accepted, lastLine, unsupported } = verify({ ...object, license: "GPL" }, program, {
		kfuncName: (id) => names[id],
	});
	return accepted ? "accepted" : (unsupported ?? lastLine);
}

const NEW = "r1 = r10; r1 += -8; r2 = 0; r3 = 10; call kfunc bpf_iter_num_new;";
const NEXT = "r1 = r10; r1 += -8; call kfunc bpf_iter_num_next;";
const DESTROY = "r1 = r10; r1 += -8; call kfunc bpf_iter_num_destroy;";
const OUT = "r0 = 0; exit";
const lines = (code: string) => code.replaceAll("; ", "\n").replaceAll(";", "\n");

describe("kernel functions", () => {
	test("a loop over an iterator converges", () => {
		expect(
			verdict(
				"XDP",
				lines(
					`${NEW} again: ${NEXT} if r0 == 0 goto done; r6 += 1; goto again; done: ${DESTROY} ${OUT}`.replace(
						"r6 += 1",
						"r6 = *(u32 *)(r0 + 0)",
					),
				),
			),
		).toBe("accepted");
	});

	test("an iterator is made once, and given back", () => {
		expect(verdict("XDP", lines(`${NEW} ${OUT}`))).toBe(
			"BPF_EXIT instruction in main prog would lead to reference leak",
		);
		expect(verdict("XDP", lines(`${NEW} ${NEW} ${OUT}`))).toBe("expected uninitialized iter_num as arg #0");
		expect(verdict("XDP", lines(`${NEXT} ${OUT}`))).toBe("expected an initialized iter_num as arg #0");
	});

	test("an iterator at fp0 is taken for the one at fp-8, as the kernel divides towards zero", () => {
		expect(verdict("XDP", lines(`${NEW} r1 = r10; call kfunc bpf_iter_num_destroy; ${OUT}`))).toBe(
			"accepted",
		);
		expect(verdict("XDP", lines(`r1 = r10; r2 = 0; r3 = 10; call kfunc bpf_iter_num_new; ${OUT}`))).toBe(
			"invalid write to stack R1 off=0 size=8",
		);
	});

	test("a reference is given back, and is not null once checked", () => {
		const get = "r1 = 1; call kfunc bpf_task_from_pid; r6 = r0;";
		const put = "r1 = r6; call kfunc bpf_task_release;";
		expect(
			verdict(
				"SCHED_CLS",
				lines(`${get} if r0 == 0 goto out; if r6 != 0 goto +2; r0 = 0; exit; ${put} out: ${OUT}`),
			),
		).toBe("accepted");
		expect(verdict("SCHED_CLS", lines(`${get} ${put} ${OUT}`))).toBe(
			"Possibly NULL pointer passed to trusted arg0",
		);
		expect(verdict("SCHED_CLS", lines(`${get} ${OUT}`))).toBe(
			"BPF_EXIT instruction in main prog would lead to reference leak",
		);
	});

	test("regions are closed as they were opened", () => {
		const call = (...functions: string[]) => functions.map((name) => `call kfunc bpf_${name};`).join(" ");
		const of = (...functions: string[]) => verdict("SCHED_CLS", lines(`${call(...functions)} ${OUT}`));
		expect(of("rcu_read_lock", "rcu_read_unlock")).toBe("accepted");
		expect(of("rcu_read_lock", "rcu_read_lock")).toBe(
			"nested rcu read lock (kernel function bpf_rcu_read_lock)",
		);
		expect(of("preempt_disable", "preempt_disable", "preempt_enable")).toBe(
			"BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region",
		);
	});

	test("a slice of a packet is read-only, may be null, and ends with the packet's move", () => {
		const dynptr = "r6 = r1; r2 = 0; r3 = r10; r3 += -16; call kfunc bpf_dynptr_from_skb;";
		const slice = `${dynptr} r1 = r10; r1 += -16; r2 = 0; r3 = 0; r4 = 8; call kfunc bpf_dynptr_slice;`;
		const checked = `${slice} if r0 == 0 goto out;`;
		expect(verdict("SCHED_CLS", lines(`${checked} r1 = *(u64 *)(r0 + 0); out: ${OUT}`))).toBe("accepted");
		expect(verdict("SCHED_CLS", lines(`${slice} r1 = *(u64 *)(r0 + 0); ${OUT}`))).toBe(
			"R0 invalid mem access 'rdonly_mem_or_null'",
		);
		expect(verdict("SCHED_CLS", lines(`${checked} *(u64 *)(r0 + 0) = 1; out: ${OUT}`))).toBe(
			"R0 cannot write into rdonly_mem",
		);
		const moved = "r7 = r0; r1 = r6; r2 = 0; call bpf_skb_pull_data; r1 = *(u64 *)(r7 + 0);";
		expect(verdict("SCHED_CLS", lines(`${checked} ${moved} out: ${OUT}`))).toBe(
			"R7 invalid mem access 'scalar'",
		);
	});

	test("who may call what", () => {
		expect(verdict("XDP", lines(`call kfunc bpf_dynptr_from_skb; ${OUT}`))).toBe(
			"calling kernel function bpf_dynptr_from_skb is not allowed",
		);
		expect(verdict("XDP", lines(`call kfunc bpf_copy_from_user_str; ${OUT}`))).toBe(
			"program must be sleepable to call sleepable kfunc bpf_copy_from_user_str",
		);
		expect(verdict("XDP", lines(`call kfunc bpf_of_a_module; ${OUT}`))).toBe(
			"kernel function bpf_of_a_module",
		);
	});

	test("an exception ends the program with its number", () => {
		expect(verdict("XDP", lines("r1 = 0; call kfunc bpf_throw; exit"))).toBe("accepted");
		expect(verdict("CGROUP_SKB", lines("r1 = 64; call kfunc bpf_throw; exit"))).toBe(
			"At program exit the register R1 has smin=64 smax=64 should have been in [0, 1]",
		);
	});
});
