/** Loads with fewer capabilities: only this thread's effective set is changed, and taken back. */
import koffi from "koffi";

export const CAP = { NET_ADMIN: 12, SYS_ADMIN: 21, PERFMON: 38, BPF: 39 } as const;

/** __NR_capset and __NR_capget by process.arch. */
const SYSCALLS: Readonly<Record<string, { readonly get: number; readonly set: number }>> = {
	x64: { get: 125, set: 126 },
	arm64: { get: 90, set: 91 },
};
/** _LINUX_CAPABILITY_VERSION_3: two words of each set. */
const VERSION = 0x2008_0522;

/** Runs with these as the only effective capabilities. */
export function withOnly<T>(capabilities: readonly number[], action: () => T): T {
	const numbers = SYSCALLS[process.arch];
	if (numbers === undefined) throw new Error(`the numbers of capset on ${process.arch} are not known here`);
	const syscall = koffi.load(null).func("long syscall(long number, void *header, void *data)");
	const call = (number: number, data: Uint32Array): void => {
		if (syscall(number, new Uint32Array([VERSION, 0]), data) < 0)
			throw new Error(`capabilities: errno ${koffi.errno()}`);
	};
	/** Effective, permitted, inheritable: low words, then high words. */
	const before = new Uint32Array(6);
	call(numbers.get, before);
	const reduced = before.slice();
	const word = (high: boolean) =>
		capabilities.filter((bit) => bit >= 32 === high).reduce((bits, bit) => bits | (1 << (bit % 32)), 0);
	reduced[0] = word(false);
	reduced[3] = word(true);
	call(numbers.set, reduced);
	try {
		return action();
	} finally {
		call(numbers.set, before);
	}
}
