import { describe, expect, test } from "vitest";
import {
	type ArgKind,
	helpersAllowed,
	PROTOTYPES,
	prototypeFor,
	type ReturnKind,
} from "../../helpers/index.ts";
import { HELPER_NAMES, PROG_TYPE } from "../../isa/index.ts";
import { FLAG } from "../state/types.ts";
import { ACQUIRES, CHANGES_PKT_DATA } from "./func-facts.ts";
import { FUNC_PROTOS, funcProto } from "./func-protos.ts";
import { ARG, baseType, RET } from "./types.ts";

const { MAYBE_NULL, RDONLY, WRITE, UNINIT } = FLAG;
const MEM = ARG.PTR_TO_MEM;
const CARED = MAYBE_NULL | RDONLY | WRITE | UNINIT;

/** What the engines' word for an argument is in the kernel's: a base, and the flags that the engines care for. */
const KINDS: Readonly<Record<ArgKind, readonly number[]>> = {
	anything: [ARG.ANYTHING],
	ctx: [ARG.PTR_TO_CTX],
	ctx_or_null: [ARG.PTR_TO_CTX | MAYBE_NULL],
	map: [ARG.CONST_MAP_PTR],
	map_key: [ARG.PTR_TO_MAP_KEY],
	map_value: [ARG.PTR_TO_MAP_VALUE],
	map_value_or_null: [ARG.PTR_TO_MAP_VALUE | MAYBE_NULL],
	map_value_out: [ARG.PTR_TO_MAP_VALUE | UNINIT | WRITE],
	mem_in: [MEM | RDONLY],
	mem_in_or_null: [MEM | RDONLY | MAYBE_NULL],
	mem_out: [MEM | UNINIT | WRITE, MEM | WRITE],
	mem_out_or_null: [MEM | WRITE | MAYBE_NULL],
	mem_inout: [MEM | WRITE, MEM | RDONLY, MEM | UNINIT | WRITE],
	mem_inout_or_null: [MEM | WRITE | MAYBE_NULL],
	size: [ARG.CONST_SIZE],
	size_or_zero: [ARG.CONST_SIZE_OR_ZERO],
	alloc_size: [ARG.CONST_ALLOC_SIZE_OR_ZERO],
	const_str: [ARG.PTR_TO_CONST_STR],
	func: [ARG.PTR_TO_FUNC],
	stack_or_null: [ARG.PTR_TO_STACK | MAYBE_NULL],
	ringbuf_mem: [ARG.PTR_TO_RINGBUF_MEM],
	sock: [ARG.PTR_TO_SOCKET],
	sock_or_null: [ARG.PTR_TO_SOCKET | MAYBE_NULL],
	sock_common: [ARG.PTR_TO_SOCK_COMMON, ARG.PTR_TO_BTF_ID_SOCK_COMMON],
	sock_common_or_null: [ARG.PTR_TO_BTF_ID_SOCK_COMMON | MAYBE_NULL],
	spin_lock: [ARG.PTR_TO_SPIN_LOCK],
	timer: [ARG.PTR_TO_TIMER],
	dynptr: [ARG.PTR_TO_DYNPTR | RDONLY, ARG.PTR_TO_DYNPTR],
	dynptr_out: [ARG.PTR_TO_DYNPTR | UNINIT | WRITE],
	iter: [],
	iter_out: [],
	long_out: [MEM | UNINIT | WRITE],
	int_out: [MEM | WRITE],
	btf_ptr: [ARG.PTR_TO_BTF_ID],
	btf_ptr_or_null: [ARG.PTR_TO_BTF_ID | MAYBE_NULL],
	percpu_btf_ptr: [ARG.PTR_TO_PERCPU_BTF_ID],
	kptr: [ARG.KPTR_XCHG_DEST],
};

const RESULTS: Readonly<Record<ReturnKind, number>> = {
	int: RET.INTEGER,
	u64: RET.INTEGER,
	void: RET.VOID,
	map_value_or_null: RET.PTR_TO_MAP_VALUE | MAYBE_NULL,
	map_value: RET.PTR_TO_MAP_VALUE,
	mem_or_null: RET.PTR_TO_MEM | MAYBE_NULL,
	mem: RET.PTR_TO_MEM,
	sock_or_null: RET.PTR_TO_SOCKET | MAYBE_NULL,
	tcp_sock_or_null: RET.PTR_TO_TCP_SOCK | MAYBE_NULL,
	sock_common_or_null: RET.PTR_TO_SOCK_COMMON | MAYBE_NULL,
	percpu: RET.PTR_TO_MEM_OR_BTF_ID,
	percpu_or_null: RET.PTR_TO_MEM_OR_BTF_ID | MAYBE_NULL,
	btf_id: RET.PTR_TO_BTF_ID,
	btf_id_or_null: RET.PTR_TO_BTF_ID | MAYBE_NULL,
};

describe("prototypes of helpers", () => {
	test("each of 6.18's has one, by its name", () => {
		const names = HELPER_NAMES.map((name, id) => (id === 0 ? name : FUNC_PROTOS.get(id)?.name));
		expect(names).toEqual(HELPER_NAMES);
	});

	test("differ by program type", () => {
		const first = (id: number, type: number) => baseType(funcProto(id, type)?.args[0]?.type ?? 0);
		expect([first(46, 6), first(46, 31)]).toEqual([ARG.PTR_TO_CTX, ARG.PTR_TO_BTF_ID_SOCK_COMMON]);
		expect([funcProto(8, 6)?.allowFastcall, funcProto(8, 1)?.allowFastcall]).toEqual([true, false]);
	});

	test("say the same as those that the engines read, in every program type", () => {
		const wrong: string[] = [];
		for (const type of Object.values(PROG_TYPE)) {
			// programs of these are not run
			if (type === PROG_TYPE.TRACING || type === PROG_TYPE.STRUCT_OPS) continue;
			for (const id of helpersAllowed(type) ?? []) {
				const engines = prototypeFor(id, type)!;
				const kernel = funcProto(id, type)!;
				const kinds = engines.args.map((kind, i) => {
					const theirs = kernel.args[i]?.type ?? 0;
					const word = (theirs & (CARED | 0xff)) >>> 0;
					return (
						KINDS[kind].includes(word) &&
						engines.fixedSizes?.[i] === (kind.startsWith("mem") ? kernel.args[i]?.size : undefined)
					);
				});
				const result = (kernel.ret.type & (MAYBE_NULL | 0xff)) === RESULTS[engines.returns];
				const flags =
					kernel.gplOnly === (engines.gplOnly ?? false) &&
					kernel.mightSleep === (engines.mightSleep ?? false) &&
					ACQUIRES.has(id) === (engines.acquires ?? false) &&
					CHANGES_PKT_DATA.has(id) === (engines.changesPacket ?? false) &&
					kernel.args.findIndex((arg) => arg.type & FLAG.RELEASE) === (engines.releases ?? 0) - 1;
				if (kernel.args.length !== kinds.length || kinds.includes(false) || !result || !flags)
					wrong.push(`${type}: ${id} ${kernel.name} ${kinds} ${result} ${flags}`);
			}
		}
		expect(wrong).toEqual([]);
	});

	test("the engines' prototypes are the same helpers", () => {
		expect([...PROTOTYPES.keys()].filter((id) => id > 0 && !FUNC_PROTOS.has(id))).toEqual([]);
	});
});
