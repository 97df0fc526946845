import type { HelperPrototype } from "./types.ts";

/** Timers, kernel pointers and dynptrs (kernel/bpf/helpers.c, ringbuf.c): dynptr.ts and timers.ts implement them. */
export const objectPrototypes = [
	{ id: 169, name: "timer_init", args: ["timer", "map", "anything"], returns: "int", gplOnly: true },
	{ id: 170, name: "timer_set_callback", args: ["timer", "func"], returns: "int", gplOnly: true },
	{ id: 171, name: "timer_start", args: ["timer", "anything", "anything"], returns: "int", gplOnly: true },
	{ id: 172, name: "timer_cancel", args: ["timer"], returns: "int", gplOnly: true },
	{
		id: 194,
		name: "kptr_xchg",
		args: ["kptr", "btf_ptr_or_null"],
		returns: "btf_id_or_null",
		acquires: true,
		releases: 2,
	},
	{
		id: 197,
		name: "dynptr_from_mem",
		args: ["mem_inout", "size_or_zero", "anything", "dynptr_out"],
		returns: "int",
	},
	{
		id: 198,
		name: "ringbuf_reserve_dynptr",
		args: ["map", "anything", "anything", "dynptr_out"],
		returns: "int",
	},
	{ id: 199, name: "ringbuf_submit_dynptr", args: ["dynptr", "anything"], returns: "void", releases: 1 },
	{ id: 200, name: "ringbuf_discard_dynptr", args: ["dynptr", "anything"], returns: "void", releases: 1 },
	{
		id: 201,
		name: "dynptr_read",
		args: ["mem_out", "size_or_zero", "dynptr", "anything", "anything"],
		returns: "int",
	},
	{
		id: 202,
		name: "dynptr_write",
		args: ["dynptr", "anything", "mem_in", "size_or_zero", "anything"],
		returns: "int",
	},
	{ id: 203, name: "dynptr_data", args: ["dynptr", "anything", "alloc_size"], returns: "mem_or_null" },
	{ id: 209, name: "user_ringbuf_drain", args: ["map", "func", "stack_or_null", "anything"], returns: "int" },
] as const satisfies readonly HelperPrototype[];
