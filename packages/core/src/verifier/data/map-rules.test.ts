import { describe, expect, test } from "vitest";
import { PROG_TYPE } from "../../isa/index.ts";
import { LOOKUP_GIVES, specialFieldRefusal } from "./map-rules.ts";

describe("kinds of maps", () => {
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
