import type { LinearMemory } from "../memory/index.ts";

/** What a context field holds when a program loads it. */
export type FieldPointer = "packet" | "packet_end" | "packet_meta" | "sock_or_null" | "flow_keys";

/**
 * One field of a context structure (xdp_md, __sk_buff). The context lies in memory as the program sees it, so
 * that a load is a load; what differs from plain memory is said here, and read by every engine and the verifier.
 */
export interface ContextField {
	readonly name: string;
	readonly offset: number;
	/** Bytes of the whole field. */
	readonly size: number;
	/** Elements of an array field (cb[5]): `size` is the whole array's. */
	readonly count?: number;
	readonly read: boolean;
	readonly write: boolean;
	/** Narrower loads than the field (kernel: bpf_ctx_narrow_access_ok). */
	readonly narrow: boolean;
	/**
	 * Bytes that the kernel's own structure keeps it in, where they are fewer than the field's. A narrow load of so
	 * many bytes or more gives the start of the field wherever in it it is (kernel: convert_ctx_accesses shifts only
	 * when size < target_size).
	 */
	readonly kept?: number;
	/** Widths in bytes that may be stored; absent: the field's own. */
	readonly storeWidths?: readonly number[];
	/** Widths in bytes that may be loaded beyond the rule above (cb: 8 as well). */
	readonly loadWidths?: readonly number[];
	readonly pointer?: FieldPointer;
	/** Readable only with these expected attach types (xdp_md.egress_ifindex); absent: with all. */
	readonly attachTypes?: readonly number[];
	/**
	 * What 6.18 does to a value stored: what is kept, or undefined to drop the store. Absent: kept as it is.
	 * `high` is the upper half of the register stored: 6.18 compares all 64 bits. An `immediate` is compared as a
	 * signed 32-bit number.
	 */
	readonly store?: (value: number, high?: number, immediate?: boolean) => number | undefined;
}

/** What a caller gives: a frame, and optionally a context as BPF_PROG_TEST_RUN's ctx_in. */
export interface HookInput {
	readonly packet: Uint8Array;
	/** Fields by name; unknown or non-settable names are "machine/invalid-input". */
	readonly context?: Readonly<Record<string, number | bigint | readonly number[]>>;
	/** Or the bytes of the whole structure, as bpf(2) takes them. */
	readonly contextBytes?: Uint8Array;
}

/** What a run leaves: as BPF_PROG_TEST_RUN's data_out and ctx_out. */
export interface HookOutput {
	readonly packet: Uint8Array;
	readonly context: Readonly<Record<string, number | bigint | readonly number[]>>;
	/** ctx_out as bpf(2) writes it; absent where the type has none. */
	readonly contextBytes?: Uint8Array;
}

/** The bounds that packet pointers of the running invocation have now; addresses. */
export interface PacketBounds {
	readonly meta: number;
	readonly data: number;
	readonly end: number;
}

/**
 * A program type as a value: an embedder may add one. State between `begin` and `end` lives in linear memory
 * (MACHINE.PACKET words), never in the hook.
 */
export interface Hook {
	readonly name: string;
	/** BPF_PROG_TYPE_*. */
	readonly programType: number;
	readonly contextName: string;
	readonly contextSize: number;
	readonly fields: readonly ContextField[];
	/** Name of a verdict: XDP_PASS, TC_ACT_OK, …; the expected attach type may change the table (tcx, netkit). */
	verdictName(code: number, expectedAttachType: number): string | undefined;
	/** Helper ids allowed here in 6.18; absent: not restricted. */
	readonly helpers?: ReadonlySet<number>;
	/** What programs may do to the packet itself (kernel: may_access_direct_pkt_data); absent: read and write. */
	readonly packetAccess?: "r";
	/** Bytes that `begin` needs in the data area for a context and a packet of this length. */
	footprint(packetLength: number, flags: number): number;
	/** Puts context and packet at `area`, checks the input as BPF_PROG_TEST_RUN does; the context's address. */
	begin(memory: LinearMemory, area: number, input: HookInput, flags: number): number;
	bounds(memory: LinearMemory): PacketBounds;
	end(memory: LinearMemory, context: number): HookOutput;
	/**
	 * LD_ABS and LD_IND: the big-endian number of 1, 2 or 4 bytes at a signed offset; undefined ends the program with
	 * 0. Absent: programs of this type may not use them.
	 */
	loadAbsolute?(memory: LinearMemory, offset: number, size: 1 | 2 | 4): number | undefined;
	/** Where a pointer field of the context that is no packet pointer points to, and the bytes readable there. */
	target?(
		memory: LinearMemory,
		pointer: FieldPointer,
	): { readonly address: number; readonly size: number } | undefined;
}
