import type { MapInstance } from "../maps/index.ts";
import type { LinearMemory } from "../memory/index.ts";

/**
 * What a helper's argument must be (kernel: enum bpf_arg_type and its flags). `size` arguments give the length in
 * bytes of the memory argument before them.
 */
export type ArgKind =
	| "anything"
	| "ctx"
	| "ctx_or_null"
	| "map"
	| "map_key"
	/** Read: the map's value size (for helpers that take a value in). */
	| "map_value"
	| "map_value_or_null"
	/** Written: the map's value size (map_pop_elem's). */
	| "map_value_out"
	| "mem_in"
	| "mem_in_or_null"
	| "mem_out"
	| "mem_out_or_null"
	/** Read and written. */
	| "mem_inout"
	| "mem_inout_or_null"
	| "size"
	| "size_or_zero"
	/** A compile-time constant that gives the size of the memory that is returned (ringbuf_reserve). */
	| "alloc_size"
	| "const_str"
	| "func"
	| "stack_or_null"
	| "ringbuf_mem"
	| "sock"
	| "sock_or_null"
	/** Any socket: a struct sock_common or what contains one, BTF-typed pointers included. */
	| "sock_common"
	| "sock_common_or_null"
	| "spin_lock"
	| "timer"
	| "dynptr"
	/** A dynptr on the stack that the helper fills. */
	| "dynptr_out"
	/** An open-coded iterator on the stack (struct bpf_iter_*), and the room for one that the function starts. */
	| "iter"
	| "iter_out"
	| "long_out"
	| "int_out"
	| "btf_ptr"
	| "btf_ptr_or_null"
	| "percpu_btf_ptr"
	/** A field of a map value that holds a kernel pointer. */
	| "kptr";

/**
 * What r0 is afterwards (kernel: enum bpf_return_type), and how its 64 bits come from what the implementation
 * returns: "int" sign-extends 32 bits, "u64" takes the upper half from `runtime.resultHi`, pointers zero-extend.
 */
export type ReturnKind =
	| "int"
	| "u64"
	| "void"
	| "map_value_or_null"
	| "mem_or_null"
	| "map_value"
	| "mem"
	| "sock_or_null"
	| "tcp_sock_or_null"
	| "sock_common_or_null"
	| "percpu"
	| "percpu_or_null"
	| "btf_id"
	| "btf_id_or_null";

/** A helper's prototype: what verifier, checked interpreter and documentation read. Pure data. */
export interface HelperPrototype {
	readonly id: number;
	/** Without the `bpf_` prefix: "map_lookup_elem". */
	readonly name: string;
	readonly args: readonly ArgKind[];
	readonly returns: ReturnKind;
	/** Size of a "mem" argument that has no size argument, by index in `args` (0 = r1). */
	readonly fixedSizes?: Readonly<Record<number, number>>;
	readonly gplOnly?: boolean;
	/** Packet pointers are invalid afterwards (kernel: bpf_helper_changes_pkt_data). */
	readonly changesPacket?: boolean;
	/** The result is a reference that must be released. */
	readonly acquires?: boolean;
	/** Which argument (1-5) is the reference released. */
	readonly releases?: number;
	readonly mightSleep?: boolean;
	/** Of the memory that is returned: its size where no argument says it, and "r" where it is only read. */
	readonly returned?: { readonly size?: number; readonly access?: "r" };
	/** Registers behind `args` are read as the format says, and may be uninitialised (trace_printk). */
	readonly variadic?: boolean;
}

/** Something that a program gave to the outside, in order. */
export type Output =
	| { readonly kind: "printk"; readonly text: string }
	| { readonly kind: "perf"; readonly map: string; readonly cpu: number; readonly data: Uint8Array }
	| { readonly kind: "ringbuf"; readonly map: string; readonly data: Uint8Array }
	| { readonly kind: "redirect"; readonly ifindex: number; readonly flags: bigint; readonly via: string };

/**
 * The running machine as a helper sees it. `machine/` implements it; helpers never import from above.
 * Arguments reach an implementation as the low 32 bits (signed i32) of r1-r5; the upper halves are in `argHi`.
 */
export interface HelperRuntime {
	readonly memory: LinearMemory;
	/** Upper halves (i32) of r1-r5: argHi[0] is r1's. */
	readonly argHi: Int32Array;
	/** Upper half of the result of a "u64" helper. */
	resultHi: number;
	readonly environment: Environment;
	/** BPF_PROG_TYPE_* of the running program. */
	readonly programType: number;
	/** Address of the running program's context. */
	readonly context: number;
	/** CPU that the program runs on. */
	readonly cpu: number;
	/** Where the Environment's sockets lie (writeSockets); absent or 0: nowhere, and lookups find none. */
	readonly sockets?: number;
	map(address: number): MapInstance | undefined;
	/** Monotonic nanoseconds (two calls may differ); advances the Environment's clock word. */
	clock(): bigint;
	/** Next pseudo-random u32. */
	random(): number;
	output(event: Output): void;
	/**
	 * A record of this ring buffer was committed. A machine that has this reads the ring (`readRing`) when the run is
	 * over, so that the program sees the ring as nobody's, as in a test run of the kernel. Absent: it is read at once.
	 */
	ringbufCommitted?(map: MapInstance): void;
}

/**
 * A helper that calls back (loop, for_each_map_elem) is a little state machine, so that engines stay steppable:
 * `begin` gives the first call or the result, `next` gets what the callback returned.
 */
export interface Iteration {
	/** Arguments of the next callback (addresses and u32 numbers; a u64 as [lo, hi]), or undefined when it is over. */
	next(previous: number | undefined): readonly (number | readonly [lo: number, hi: number])[] | undefined;
	/** r0 once over: widened as the prototype's ReturnKind says, so that a "u64" helper sets `resultHi` here. */
	result(): number;
}

export type HelperImplementation = (
	runtime: HelperRuntime,
	r1: number,
	r2: number,
	r3: number,
	r4: number,
	r5: number,
) => number;
export type IteratingHelper = (
	runtime: HelperRuntime,
	r1: number,
	r2: number,
	r3: number,
	r4: number,
	r5: number,
) => Iteration | number;

/**
 * What one argument of a callback is, for engines that track where pointers come from: a number, the key or the
 * value of the element visited, or (1-5) the very value of that argument of the helper.
 */
export type CallbackArg = "number" | "map_key" | "map_value" | 1 | 2 | 3 | 4 | 5;

/** A helper with its implementation; exactly one of the two functions. `callback` names the argument (1-5) that is the function. */
export type Helper =
	| { readonly prototype: HelperPrototype; readonly run: HelperImplementation }
	| {
			readonly prototype: HelperPrototype;
			readonly iterate: IteratingHelper;
			readonly callback: number;
			/** What `Iteration.next` gives, in order: r1 onwards of the callback. */
			readonly callbackArgs: readonly CallbackArg[];
	  };

/** A route of the modelled FIB. */
export interface Route {
	/** "10.0.0.0/8", "2001:db8::/32". */
	readonly prefix: string;
	readonly ifindex: number;
	/** Next hop; absent: on link. */
	readonly via?: string;
	/** The route's own MTU (`mtu lock`: without the lock it doesn't bind what is forwarded); absent: the device's. */
	readonly mtu?: number;
	/** "local": the host's own addresses (the addresses of `interfaces` need no such route). */
	readonly kind?: "unicast" | "local" | "blackhole" | "unreachable" | "prohibit";
	/** What fib_lookup says in rt_metric; default as `ip route` has it: 0 for IPv4, 1024 for IPv6. */
	readonly metric?: number;
}

export interface Neighbour {
	readonly ip: string;
	readonly ifindex: number;
	readonly mac: string;
}

export interface Interface {
	readonly ifindex: number;
	readonly mac: string;
	/** Default 1500. */
	readonly mtu?: number;
	/** Default: true where the Environment has routes (a router), else false (a host). */
	readonly forwarding?: boolean;
	/** "10.0.0.1/24", "2001:db8::1/64": each is local, and its prefix on link here. */
	readonly addresses?: readonly string[];
}

/** States of TCP, as `ss` names them; "new-syn-recv" is a request that the listener answered. */
export type TcpState =
	| "established"
	| "syn-sent"
	| "syn-recv"
	| "fin-wait-1"
	| "fin-wait-2"
	| "time-wait"
	| "close"
	| "close-wait"
	| "last-ack"
	| "listen"
	| "closing"
	| "new-syn-recv";

/** A socket of the host, for lookups: `{ proto: "tcp", local: "0.0.0.0:80" }` listens. */
export interface Socket {
	readonly proto: "tcp" | "udp";
	/** "10.0.0.1:80", "[2001:db8::1]:80"; 0.0.0.0 takes any IPv4 address, [::] any address of both families. */
	readonly local: string;
	/** The peer. Absent: a TCP socket listens, a UDP socket takes what comes from anybody. */
	readonly remote?: string;
	/** Of TCP; default "listen", or "established" where there is a peer. */
	readonly state?: TcpState;
	/** SO_BINDTODEVICE: only what comes in here; default any. */
	readonly ifindex?: number;
	/** IPV6_V6ONLY. */
	readonly v6only?: boolean;
	readonly mark?: number;
	readonly priority?: number;
	/** Fields of struct bpf_tcp_sock, by name: `{ snd_cwnd: 10 }`; the others are 0. */
	readonly tcp?: Readonly<Record<string, number | bigint>>;
}

/** The process that runs the program. */
export interface Task {
	readonly pid: number;
	readonly tgid: number;
	readonly uid: number;
	readonly gid: number;
	/** At most 15 bytes are shown. */
	readonly comm: string;
}

/** The world outside, injected; the default is deterministic. */
export interface Environment {
	/** First answer of ktime_get_ns, and what each call adds. */
	readonly clockStart: bigint;
	readonly clockStep: bigint;
	/** What CLOCK_REALTIME is ahead of the monotonic clock, ns; default 0. */
	readonly realtimeOffset?: bigint;
	/** get_netns_cookie's answer; default 1. */
	readonly netnsCookie?: bigint;
	/** The current task; default pid 1 "tailhop", root. */
	readonly task?: Task;
	readonly seed: bigint;
	readonly cpus: number;
	readonly cpu: number;
	/** What a stack byte that was never written reads as. */
	readonly fillByte: number;
	/** may_goto's iterations. */
	readonly mayGoto: number;
	readonly routes: readonly Route[];
	readonly neighbours: readonly Neighbour[];
	readonly interfaces: readonly Interface[];
	/** What sk_lookup_tcp, sk_lookup_udp and skc_lookup_tcp find; default none. Memory is taken when a Machine is made. */
	readonly sockets?: readonly Socket[];
}
