import { describe, expect, test } from "vitest";
import { KFUNCS } from "../../helpers/index.ts";
import { PROG_TYPE } from "../../isa/index.ts";
import { KF, parseKfunc } from "./kfunc-parse.ts";
import { kfuncAllowed, VERIFIER_KFUNCS } from "./kfuncs.ts";

describe("kernel functions", () => {
	test("a row is a prototype in C", () => {
		const row = parseKfunc(
			"acquire ret_null",
			"struct nf_conn *f(struct xdp_md *c, const u8 *p, u32 p__sz, u64 id__k)",
		);
		expect(row).toMatchObject({
			name: "f",
			flags: KF.ACQUIRE | KF.RET_NULL,
			ret: { kind: "struct", name: "nf_conn", pointer: true },
		});
		expect(row.args.map(({ name, kind, number }) => [name, kind, number])).toEqual([
			["c", "ctx", undefined],
			["p", "mem_size", undefined],
			["p__sz", "scalar", "size"],
			["id__k", "scalar", "constant"],
		]);
		expect(row.args[1]?.type).toEqual({ kind: "scalar", name: "u8", size: 1, pointer: true, const: true });
	});

	test("every type has been understood", () => {
		for (const { name, args, ret } of VERIFIER_KFUNCS.values()) {
			for (const { type } of [...args, { type: ret }]) {
				const known = type.kind === "scalar" || type.kind === "enum" ? (type.size ?? 0) > 0 : true;
				expect([name, type.name, known]).toEqual([name, type.name, true]);
			}
		}
	});

	test("those that the engines have are among them, with as many arguments", () => {
		for (const [name, { prototype }] of KFUNCS)
			expect([name, VERIFIER_KFUNCS.get(name)?.args.length]).toEqual([name, prototype.args.length]);
	});

	test("who may call them", () => {
		const may = (name: string, type: number, attachType = 0) =>
			kfuncAllowed(VERIFIER_KFUNCS.get(name)!, type, attachType);
		expect([PROG_TYPE.XDP, PROG_TYPE.SCHED_CLS].map((type) => may("bpf_dynptr_from_xdp", type))).toEqual([
			true,
			false,
		]);
		expect([PROG_TYPE.XDP, PROG_TYPE.SOCKET_FILTER].map((type) => may("bpf_obj_new_impl", type))).toEqual([
			true,
			false,
		]);
		expect([23, 28].map((attachType) => may("bpf_sock_destroy", PROG_TYPE.TRACING, attachType))).toEqual([
			false,
			true,
		]);
	});
});
