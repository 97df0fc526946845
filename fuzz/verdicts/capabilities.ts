import koffi from "koffi";

/** __NR_capset and __NR_capget by process.arch. */
const SYSCALLS: Readonly<Record<string, { readonly get: number; readonly set: number }>> = {
	x64: { get: 125, set: 126 },
	arm64: { get: 90, set: 91 },
};
/** _LINUX_CAPABILITY_VERSION_3: two words of each set. */
const VERSION = 0x2008_0522;
const CAP_NET_ADMIN = 12;
const CAP_PERFMON = 38;
const CAP_BPF = 39;
const NEEDED = { CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF };

export interface Capabilities {
	/** Of those that all verdicts together take, the ones that this thread lacks. */
	missing(): string[];
	/**
	 * Runs with CAP_BPF and CAP_NET_ADMIN as the only effective capabilities of this thread, and takes the others
	 * back behind it: they stay permitted.
	 */
	withBpfOnly<T>(action: () => T): T;
}

/** Only this thread's effective set is changed, and koffi calls on the calling thread. */
export async function openCapabilities(): Promise<Capabilities> {
	const numbers = SYSCALLS[process.arch];
	if (numbers === undefined) throw new Error(`the numbers of capset on ${process.arch} are not known here`);
	const syscall = koffi.load(null).func("long syscall(long number, void *header, void *data)");
	const call = (number: number, data: Uint32Array): void => {
		if (syscall(number, new Uint32Array([VERSION, 0]), data) < 0)
			throw new Error(`capabilities: errno ${koffi.errno()}`);
	};
	/** Effective, permitted, inheritable: low words, then high words. */
	const current = (): Uint32Array => {
		const sets = new Uint32Array(6);
		call(numbers.get, sets);
		return sets;
	};
	return {
		missing() {
			const sets = current();
			const has = (bit: number) => (sets[bit < 32 ? 0 : 3]! & (1 << (bit % 32))) !== 0;
			return Object.entries(NEEDED).flatMap(([name, bit]) => (has(bit) ? [] : [name]));
		},
		withBpfOnly(action) {
			const before = current();
			const reduced = before.slice();
			reduced[0] = 1 << CAP_NET_ADMIN;
			reduced[3] = 1 << (CAP_BPF - 32);
			call(numbers.set, reduced);
			try {
				return action();
			} finally {
				call(numbers.set, before);
			}
		},
	};
}
