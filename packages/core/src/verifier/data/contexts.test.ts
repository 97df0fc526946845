import { describe, expect, test } from "vitest";
import { fieldAt, HOOKS, loadAllowed, storeAllowed } from "../../hooks/index.ts";
import { PROG_TYPE } from "../../isa/index.ts";
import { REG, typeName } from "../state/types.ts";
import { contextLoad, contextStore } from "./contexts.ts";

const load = (type: keyof typeof PROG_TYPE, attachType: number, offset: number, size: number) => {
	const loaded = contextLoad(PROG_TYPE[type], attachType, offset, size);
	return loaded && typeName(loaded.type) + (loaded.btf ?? "");
};

describe("contexts", () => {
	test("what a load gives", () => {
		expect(load("XDP", 0, 0, 4)).toBe("pkt");
		expect(load("SCHED_CLS", 0, 168, 8)).toBe("sock_common_or_null");
		expect(load("SK_MSG", 0, 72, 8)).toBe("sock");
		expect(load("NETFILTER", 45, 8, 8)).toBe("trusted_ptr_sk_buff");
		expect(load("FLOW_DISSECTOR", 0, 0, 4)).toBeUndefined();
	});

	test("depends on the expected attach type", () => {
		const [connect4, connect6] = [10, 11];
		expect([load("CGROUP_SOCK_ADDR", connect4, 4, 4), load("CGROUP_SOCK_ADDR", connect6, 4, 4)]).toEqual([
			"scalar",
			undefined,
		]);
		// 0 stands for BPF_CGROUP_INET_SOCK_CREATE
		expect([0, 2, 12].map((type) => contextStore(PROG_TYPE.CGROUP_SOCK, type, 16, 4))).toEqual([
			true,
			true,
			false,
		]);
	});

	test("narrow and wide loads", () => {
		// family: its first byte and half; dst_port: any byte of two, or four
		expect([4, 5, 6].map((offset) => load("CGROUP_SOCK", 0, offset, 1))).toEqual([
			"scalar",
			undefined,
			undefined,
		]);
		expect([48, 49, 50].map((offset) => load("CGROUP_SOCK", 0, offset, 1))).toEqual([
			"scalar",
			"scalar",
			undefined,
		]);
		expect(load("CGROUP_SOCK", 0, 48, 4)).toBe("scalar");
		// user_ip6[1] is not aligned to eight
		expect([8, 12].map((offset) => contextStore(PROG_TYPE.CGROUP_SOCK_ADDR, 11, offset, 8))).toEqual([
			true,
			false,
		]);
	});

	test("the types that have hooks: as the engines read the hook's table", () => {
		for (const hook of HOOKS) {
			for (const attachType of hook.name === "xdp" ? [0, 33] : [0]) {
				for (let offset = 0; offset < hook.contextSize; offset++) {
					for (const size of [1, 2, 4, 8]) {
						// 6.18 looks at alignment first
						if (offset % size !== 0) continue;
						const field = fieldAt(hook.fields, offset);
						const where = `${hook.name} ${size} at ${offset}`;
						const loads = field !== undefined && loadAllowed(field, offset, size, attachType);
						const stores = field !== undefined && storeAllowed(field, offset, size);
						const loaded = contextLoad(hook.programType, attachType, offset, size);
						expect([where, loaded !== undefined]).toEqual([where, loads]);
						expect([where, loaded?.type === REG.SCALAR]).toEqual([
							where,
							loads && field.pointer === undefined,
						]);
						expect([where, contextStore(hook.programType, attachType, offset, size)]).toEqual([
							where,
							stores,
						]);
					}
				}
			}
		}
	});
});
