/**
 * What 6.18's verifier knows of helpers by their id alone, outside of struct bpf_func_proto. Sets of ids;
 * `scripts/probe-verifier-data.ts` asks the kernel about each.
 */

const set = (...ids: number[]): ReadonlySet<number> => new Set(ids);

/** The result is a reference that must be released: sk_lookup_*, skc_lookup_tcp, ringbuf_reserve, kptr_xchg. */
export const ACQUIRES = /* @__PURE__ */ set(84, 85, 99, 131, 194);
/** map_lookup_elem acquires a socket where the map is a sockmap or sockhash. */
export const ACQUIRES_FROM_MAP = { helper: 1, mapTypes: /* @__PURE__ */ set(15, 18) } as const;
/** The result is the socket given, by another type: it is released with it (is_ptr_cast_function). */
export const PTR_CASTS = /* @__PURE__ */ set(95, 96, 136, 137, 138, 139, 140, 196);
/** The result lies in what the dynptr given holds (is_dynptr_ref_function). */
export const DYNPTR_REFS = /* @__PURE__ */ set(203);

/**
 * Packet pointers are no packet pointers afterwards (bpf_helper_changes_pkt_data). A function with a tail call does that
 * to its callers too, though not to its own pointers.
 */
export const CHANGES_PKT_DATA = /* @__PURE__ */ set(
	...[9, 10, 11, 13, 18, 19, 31, 38, 39, 43, 44, 50, 54, 63, 65, 73, 74, 75, 76, 90, 91, 143],
);

/** Which argument (1-5) is a function that is called before the helper returns (is_sync_callback_calling_function). */
export const SYNC_CALLBACKS: Readonly<Record<number, number>> = { 164: 2, 180: 3, 181: 2, 209: 2 };
/** … that is called later (is_async_callback_calling_function): timer_set_callback. */
export const ASYNC_CALLBACKS: Readonly<Record<number, number>> = { 170: 2 };

/** The result is at most the size given: get_stack, get_task_stack, probe_read_*str (do_refine_retval_range). */
export const RESULT_UP_TO_SIZE = /* @__PURE__ */ set(45, 67, 114, 115, 141);
/** The result is the number of a CPU. */
export const RESULT_IS_CPU = /* @__PURE__ */ set(8);
