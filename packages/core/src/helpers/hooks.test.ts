import { check } from "@tailhop/testing";
import { describe, test } from "vitest";

/**
 * Helpers that programs of every type may call, in programs of each: what a helper does must not hang on the hook.
 * `lines` leave what to compare in r0; it goes into a map, since some hooks mind what programs return. r9 is the
 * context.
 */
const pieces: Readonly<
	Record<string, { readonly maps?: readonly object[]; readonly lines: string; readonly behind?: string }>
> = {
	"a hash updated, looked up, deleted": {
		maps: [{ name: "m", type: "hash", maxEntries: 4 }],
		lines: `
			r6 = 7
			*(u64 *)(r10 - 8) = r6
			*(u64 *)(r10 - 16) = r6
			r1 = m ll
			r2 = r10
			r2 += -8
			r3 = r10
			r3 += -16
			r4 = 1
			call 2
			r7 = r0
			r1 = m ll
			r2 = r10
			r2 += -8
			call 1
			if r0 == 0 goto +2
			r1 = *(u64 *)(r0 + 0)
			r7 += r1
			r1 = m ll
			r2 = r10
			r2 += -8
			call 3
			r0 += r7`,
	},
	"a value of another CPU": {
		maps: [{ name: "m", type: "percpu_array" }],
		lines: `
			*(u64 *)(r10 - 8) = 0
			r1 = m ll
			r2 = r10
			r2 += -8
			r3 = 0
			call 195
			if r0 == 0 goto +1
			r0 = *(u64 *)(r0 + 0)`,
	},
	"a walk over a map": {
		maps: [{ name: "m", type: "array", maxEntries: 5 }],
		lines: `
			r1 = m ll
			r2 = body ll
			r3 = 0
			r4 = 0
			call 164`,
		behind: "body: r0 = 0; exit",
	},
	"a loop": {
		lines: `
			r1 = 9
			r2 = body ll
			r3 = 0
			r4 = 0
			call 181`,
		behind: "body: r0 = 0; exit",
	},
	"a queue": {
		maps: [{ name: "m", type: "queue", keySize: 0, maxEntries: 2 }],
		lines: `
			*(u64 *)(r10 - 8) = 5
			r1 = m ll
			r2 = r10
			r2 += -8
			r3 = 0
			call 87
			r6 = r0
			r1 = m ll
			r2 = r10
			r2 += -16
			call 89
			r6 += r0
			r1 = m ll
			r2 = r10
			r2 += -16
			call 88
			r0 += r6
			r1 = *(u64 *)(r10 - 16)
			r0 += r1`,
	},
	"records of a ring buffer": {
		maps: [{ name: "m", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 }],
		lines: `
			*(u64 *)(r10 - 8) = 5
			r1 = m ll
			r2 = r10
			r2 += -8
			r3 = 8
			r4 = 0
			call 130
			r1 = m ll
			r2 = 8
			r3 = 0
			call 131
			if r0 == 0 goto +6
			r1 = 6
			*(u64 *)(r0 + 0) = r1
			r1 = r0
			r2 = 0
			call 132
			r6 = 0
			r1 = m ll
			r2 = 8
			r3 = 0
			call 131
			if r0 == 0 goto +3
			r1 = r0
			r2 = 0
			call 133
			r1 = m ll
			r2 = 3
			call 134`,
	},
	"a perf event": {
		maps: [{ name: "m", type: "perf_event_array", valueSize: 4, maxEntries: 4 }],
		lines: `
			*(u64 *)(r10 - 8) = 5
			r1 = r9
			r2 = m ll
			r3 = 0xffffffff ll
			r4 = r10
			r4 += -8
			r5 = 8
			call 25`,
	},
	"numbers from text": {
		lines: `
			r1 = 0x3234 ll
			*(u64 *)(r10 - 8) = r1
			*(u64 *)(r10 - 16) = 0
			r1 = r10
			r1 += -8
			r2 = 3
			r3 = 10
			r4 = r10
			r4 += -16
			call 105
			r6 = *(u64 *)(r10 - 16)
			r1 = r10
			r1 += -8
			r2 = 3
			r3 = 16
			r4 = r10
			r4 += -16
			call 106
			r1 = *(u64 *)(r10 - 16)
			r0 += r1
			r0 += r6`,
	},
	printk: {
		lines: `
			r1 = 0x6b6f ll
			*(u64 *)(r10 - 8) = r1
			r1 = r10
			r1 += -8
			r2 = 3
			call 6
			r6 = r0
			r1 = r10
			r1 += -8
			r2 = 3
			r3 = 0
			r4 = 0
			call 177
			r0 += r6`,
	},
	"an empty slot": {
		maps: [{ name: "m", type: "prog_array", maxEntries: 2 }],
		lines: `
			r1 = r9
			r2 = m ll
			r3 = 1
			call 12
			r0 = 77`,
	},
	"the CPU": {
		lines: "call 8",
	},
};

const packets: typeof pieces = {
	"bytes of the packet": {
		lines: `
			*(u64 *)(r10 - 8) = 0
			r1 = r9
			r2 = 3
			r3 = r10
			r3 += -8
			r4 = 4
			call 26
			r1 = *(u64 *)(r10 - 8)
			r0 += r1`,
	},
	"bytes from the network header": {
		lines: `
			*(u64 *)(r10 - 8) = 0
			r1 = r9
			r2 = 1
			r3 = r10
			r3 += -8
			r4 = 4
			r5 = 1
			call 68
			r1 = *(u64 *)(r10 - 8)
			r0 += r1`,
	},
};

describe.each(["socket", "tc", "tc_act", "xdp", "cgroup_skb"] as const)("%s", (type) => {
	test.each(Object.entries(type === "xdp" ? pieces : { ...pieces, ...packets }))(
		"%s",
		async (_name, piece) => {
			const asm = `
			r9 = r1
			${piece.lines}
			r1 = answer[0] ll
			*(u64 *)(r1 + 0) = r0
			r0 = 0
			exit
			${piece.behind ?? ""}`;
			const maps = [...(piece.maps ?? []), { name: "answer", type: "array" }] as Parameters<
				typeof check
			>[0]["maps"];
			const packet = Uint8Array.from({ length: 64 }, (_, i) => (i === 12 ? 8 : i === 13 ? 0 : i));
			await check({ type, asm, ...(maps === undefined ? {} : { maps }), packet, expect: 0 });
		},
	);
});
