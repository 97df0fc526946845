/** Pieces of assembly that many programs share. */

/** The end that early exits jump to. */
export const OUT = "out:\nr0 = 0\nexit";

/** r0 = value of an element, null not checked; a key of 4 bytes at fp-4. Clobbers r1-r5. */
export const find = (map: string, key = 0): string => `
	*(u32 *)(r10 - 4) = ${key}
	r2 = r10
	r2 += -4
	r1 = ${map} ll
	call bpf_map_lookup_elem`;

/** The same, leaving to `out` if there is none. */
export const lookup = (map: string, key = 0): string => `${find(map, key)}
	if r0 == 0 goto out`;

/** The same with a key of 8 bytes at fp-8. */
export const lookup64 = (map: string): string => `
	*(u64 *)(r10 - 8) = 0
	r2 = r10
	r2 += -8
	r1 = ${map} ll
	call bpf_map_lookup_elem
	if r0 == 0 goto out`;

/** An unknown number of 64 bits in a register. */
export const unknown = (register: number): string => `
	call bpf_get_prandom_u32
	r${register} = r0`;

/** Where a type's context has data and data_end, and the load that takes them. */
export const PACKETS: Readonly<Record<string, readonly [width: string, data: number, end: number]>> = {
	xdp: ["u32", 0, 4],
	sched_cls: ["u32", 76, 80],
	sched_act: ["u32", 76, 80],
	cgroup_skb: ["u32", 76, 80],
	lwt_in: ["u32", 76, 80],
	lwt_out: ["u32", 76, 80],
	lwt_xmit: ["u32", 76, 80],
	lwt_seg6local: ["u32", 76, 80],
	"sk_skb attach=sk_skb_stream_verdict": ["u32", 76, 80],
	"sk_msg attach=sk_msg_verdict": ["u64", 0, 8],
	"flow_dissector attach=flow_dissector": ["u32", 76, 80],
	"sk_reuseport attach=sk_reuseport_select": ["u64", 0, 8],
};

/** data and data_end in two registers. */
export const packet = (type: string, data = 2, end = 3, context = 1): string => {
	const [width, from, to] = PACKETS[type]!;
	return `
	r${data} = *(${width} *)(r${context} + ${from})
	r${end} = *(${width} *)(r${context} + ${to})`;
};

/** At least `size` bytes from `data` to `end`, or out. */
export const ensure = (size: number, data = 2, end = 3, scratch = 4): string => `
	r${scratch} = r${data}
	r${scratch} += ${size}
	if r${scratch} > r${end} goto out`;

export const plus = (offset: number): string => (offset < 0 ? `- ${-offset}` : `+ ${offset}`);

export const SIZES = [1, 2, 4, 8] as const;
export const uint = (size: number): string => `u${size * 8}`;
