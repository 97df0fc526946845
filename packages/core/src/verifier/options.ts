import type { Btf } from "../btf/index.ts";
import type { WalkObserver } from "./observer.ts";

/** Who loads the program, and how: what BPF_PROG_LOAD's flags and the loader's capabilities decide. */
export interface VerifyOptions {
	/** bpf_attr.log_level: 1 the walk of the refused path, 2 all of it with states, 4 statistics. Default 0. */
	readonly logLevel?: number;
	/** Default: all capabilities. */
	readonly capabilities?: Partial<Capabilities>;
	readonly flags?: Partial<LoadFlags>;
	/** Default: the object's. */
	readonly license?: string;
	/** Instructions to walk before E2BIG; default the kernel's 1,000,000. */
	readonly limit?: number;
	/** BTF that the program's functions have; default: the object's. */
	readonly btf?: Btf;
	/** Names of the kernel functions that calls name by BTF id; default: the program's own list of them. */
	readonly kfuncName?: (id: number) => string | undefined;
	/** False: the loader gave no array of map descriptors (an instruction then may not name a map by index). */
	readonly fdArray?: boolean;
	/** Is told what is walked; without one the walk pays nothing. */
	readonly observer?: WalkObserver;
}

export interface Capabilities {
	readonly bpf: boolean;
	readonly perfmon: boolean;
	readonly netAdmin: boolean;
	readonly sysAdmin: boolean;
}

/** BPF_F_* of BPF_PROG_LOAD. */
export interface LoadFlags {
	readonly strictAlignment: boolean;
	readonly anyAlignment: boolean;
	readonly testStateFreq: boolean;
	readonly testRndHi32: boolean;
	readonly sleepable: boolean;
	readonly xdpHasFrags: boolean;
	readonly testRegInvariants: boolean;
}

/** What the capabilities allow (kernel: bpf_allow_ptr_leaks and its neighbours). */
export interface Privileges {
	readonly bpf: boolean;
	readonly ptrLeaks: boolean;
	readonly uninitStack: boolean;
	readonly bypassSpecV1: boolean;
	readonly bypassSpecV4: boolean;
}

export function privilegesOf(capabilities: Partial<Capabilities> | undefined): Privileges {
	const { bpf = true, perfmon = true } = capabilities ?? {};
	return { bpf, ptrLeaks: perfmon, uninitStack: perfmon, bypassSpecV1: perfmon, bypassSpecV4: perfmon };
}
