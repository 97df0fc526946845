import { check } from "@tailhop/testing";
import { describe, it } from "vitest";

const EINVAL = -22;
const E2BIG = -7;

const run = (asm: string, expect: number | object, kernel?: { rejects: string }) =>
	check({
		type: "tc",
		asm: `${asm}\nexit`,
		expect,
		...(kernel === undefined ? {} : { kernel }),
	});

describe("numbers from an iterator", () => {
	const at = "r1 = r10\nr1 += -8";
	const start = (from: number, to: number) =>
		`${at}\nr2 = ${from}\nr3 = ${to}\ncall kfunc bpf_iter_num_new\nr6 = r0\nr6 <<= 32\nr6 s>>= 32`;
	const next = `${at}\ncall kfunc bpf_iter_num_next`;
	const destroy = `${at}\ncall kfunc bpf_iter_num_destroy`;
	/** r7 = how many, r8 = the last. */
	const loop = (from: number, to: number, result: string) => `
		${start(from, to)}
		r7 = 0
		r8 = 0
		again:
		${next}
		if r0 == 0 goto done
		r7 += 1
		r8 = *(s32 *)(r0 + 0)
		goto again
		done:
		${destroy}
		r0 = ${result}`;

	it.each([
		["how many", loop(3, 10, "r7"), 7],
		["the last", loop(3, 10, "r8"), 9],
		["negative ones", loop(-5, -2, "r8"), -3],
		["none", loop(4, 4, "r7"), 0],
		["backwards", loop(5, 4, "r6"), EINVAL],
		["backwards: none", loop(5, 4, "r7"), 0],
		["as many as there may be", `${start(0, 8 << 20)}\n${destroy}\nr0 = r6`, 0],
		["more", `${start(0, (8 << 20) + 1)}\n${destroy}\nr0 = r6`, E2BIG],
		["all of them", `${start(-0x8000_0000, 0x7fff_ffff)}\n${destroy}\nr0 = r6`, E2BIG],
	])("%s", async (_name, asm, r0) => {
		await run(asm, r0);
	});

	it.each([
		["not started", `${next}\nr0 = 0`, "expected an initialized iter_num"],
		["destroyed", `${start(0, 3)}\n${destroy}\n${next}\nr0 = 0`, "expected an initialized iter_num"],
		[
			"started twice",
			`${start(0, 3)}\n${start(0, 3)}\n${destroy}\nr0 = 0`,
			"expected uninitialized iter_num",
		],
	])("an iterator that is %s", async (_name, asm, rejects) => {
		await run(asm, { fault: "fault/argument" }, { rejects });
	});

	it("a number after the end of its iterator, and more than a number", async () => {
		const after = `${start(0, 3)}\n${next}\nr6 = r0\n${destroy}\nr0 = 0\nif r6 == 0 goto out\nr0 = *(u32 *)(r6 + 0)\nout:`;
		await run(after, { fault: "fault/access" }, { rejects: "" });
		const more = `${start(0, 3)}\n${next}\nif r0 == 0 goto out\nr0 = *(u64 *)(r0 + 0)\nout:\n${destroy}\nr0 = 0`;
		await run(more, { fault: "fault/access" }, { rejects: "" });
	});
});

it("rcu_read_lock", async () => {
	await run("call kfunc bpf_rcu_read_lock\ncall kfunc bpf_rcu_read_unlock\nr0 = 3", 3);
});

it("a kernel function that is not there is named", async () => {
	const fault = { fault: "fault/unimplemented" } as const;
	await check({
		type: "tc",
		asm: "r2 = 0\ncall kfunc bpf_cast_to_kern_ctx\nr0 = 0\nexit",
		expect: fault,
		kernel: { cannot: "it has it" },
	});
});
