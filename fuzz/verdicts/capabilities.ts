/** Loads with fewer capabilities: only this thread's effective set is changed, and koffi calls on the calling thread. */
import koffi from "koffi";

export const CAP = { NET_ADMIN: 12, SYS_ADMIN: 21, PERFMON: 38, BPF: 39 } as const;
const NEEDED = { CAP_NET_ADMIN: CAP.NET_ADMIN, CAP_PERFMON: CAP.PERFMON, CAP_BPF: CAP.BPF };

/** __NR_capset and __NR_capget by process.arch. */
const SYSCALLS: Readonly<Record<string, { readonly get: number; readonly set: number }>> = {
	x64: { get: 125, set: 126 },
	arm64: { get: 90, set: 91 },
};
/** _LINUX_CAPABILITY_VERSION_3: two words of each set. */
const VERSION = 0x2008_0522;

/** Effective, permitted, inheritable sets of this thread: low words, then high words. */
type Sets = Uint32Array;

interface Calls {
	readonly get: () => Sets;
	readonly set: (sets: Sets) => void;
}
let known: Calls | undefined;

function capabilityCalls(): Calls {
	if (known !== undefined) return known;
	const numbers = SYSCALLS[process.arch];
	if (numbers === undefined) throw new Error(`the numbers of capset on ${process.arch} are not known here`);
	const syscall = koffi.load(null).func("long syscall(long number, void *header, void *data)");
	const call = (number: number, sets: Sets): Sets => {
		if (syscall(number, new Uint32Array([VERSION, 0]), sets) < 0)
			throw new Error(`capabilities: errno ${koffi.errno()}`);
		return sets;
	};
	known = {
		get: () => call(numbers.get, new Uint32Array(6)),
		set: (sets) => void call(numbers.set, sets),
	};
	return known;
}

/** Of what all verdicts together take, the capabilities that this thread lacks. */
export function missingCapabilities(): string[] {
	const sets = capabilityCalls().get();
	const has = (bit: number) => (sets[bit < 32 ? 0 : 3]! & (1 << (bit % 32))) !== 0;
	return Object.entries(NEEDED).flatMap(([name, bit]) => (has(bit) ? [] : [name]));
}

/** Runs with these as the only effective capabilities, and takes the others back behind it: they stay permitted. */
export function withOnly<T>(capabilities: readonly number[], action: () => T): T {
	const { get, set } = capabilityCalls();
	const before = get();
	const reduced = before.slice();
	const word = (high: boolean) =>
		capabilities.filter((bit) => bit >= 32 === high).reduce((bits, bit) => bits | (1 << (bit % 32)), 0);
	reduced[0] = word(false);
	reduced[3] = word(true);
	set(reduced);
	try {
		return action();
	} finally {
		set(before);
	}
}

/** What the verdicts call "without CAP_PERFMON". */
export const withBpfOnly = <T>(action: () => T): T => withOnly([CAP.NET_ADMIN, CAP.BPF], action);
