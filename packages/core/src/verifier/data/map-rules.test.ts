import { describe, expect, test } from "vitest";
import { MAP_TYPE, PROG_TYPE } from "../../isa/index.ts";
import { funcProto } from "./func-protos.ts";
import { LOOKUP_GIVES, mapArg, specialFieldRefusal } from "./map-rules.ts";
import { ARG, baseType } from "./types.ts";

const [LOOKUP, UPDATE, PEEK] = [1, 2, 89];
const argOf = (helper: number, index: number) => funcProto(helper, PROG_TYPE.SCHED_CLS)!.args[index]!;

describe("kinds of maps", () => {
	test("the value of a sockmap is a socket", () => {
		const value = argOf(UPDATE, 2);
		expect(baseType(mapArg(value, UPDATE, MAP_TYPE.SOCKHASH).type)).toBe(ARG.PTR_TO_BTF_ID_SOCK_COMMON);
		expect(mapArg(value, UPDATE, MAP_TYPE.HASH)).toBe(value);
		const key = argOf(LOOKUP, 1);
		expect(mapArg(key, LOOKUP, MAP_TYPE.SOCKMAP)).toBe(key);
	});

	test("a bloom filter looks for a value, a queue fills it", () => {
		const value = argOf(PEEK, 1);
		expect(mapArg(value, PEEK, MAP_TYPE.BLOOM_FILTER).type).toBe(ARG.PTR_TO_MAP_VALUE);
		expect(mapArg(value, PEEK, MAP_TYPE.QUEUE)).toBe(value);
	});

	test("only maps of maps, sockets and AF_XDP sockets give something else than a value", () => {
		expect(Object.keys(LOOKUP_GIVES).map(Number)).toEqual([12, 13, 15, 17, 18]);
	});

	test("special fields are refused by program type", () => {
		expect(specialFieldRefusal("bpf_spin_lock", PROG_TYPE.SOCKET_FILTER)).toBe(
			"socket filter progs cannot use bpf_spin_lock yet",
		);
		expect(specialFieldRefusal("bpf_rb_root", PROG_TYPE.KPROBE)).toBe(
			"tracing progs cannot use bpf_{list_head,rb_root} yet",
		);
		expect(specialFieldRefusal("bpf_timer", PROG_TYPE.XDP)).toBeUndefined();
	});
});
