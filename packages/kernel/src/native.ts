import { TailhopError } from "@tailhop/core";

/** The few functions of libc that the bridge needs. Results below zero are -errno. */
export interface Native {
	bpf(command: number, attr: Uint8Array, size: number): number;
	/** Where bytes lie; they must be kept alive until the call that uses the address is over. */
	address(bytes: Uint8Array): bigint;
	close(fd: number): void;
	/** CPU mask of this process; `mask` is written. Bytes written, or -errno. */
	getAffinity(mask: Uint8Array): number;
	setAffinity(mask: Uint8Array): number;
	/** Possible CPUs: how many values a per-CPU map has. */
	readonly cpus: number;
}

/** __NR_bpf by process.arch. */
const BPF_SYSCALL: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };

let loading: Promise<Native> | undefined;

/** libc through koffi, loaded once. Throws "kernel/unavailable" where that cannot work. */
export function native(): Promise<Native> {
	loading ??= load();
	return loading;
}

const unavailable = (why: string, hint: string, cause?: unknown): TailhopError =>
	new TailhopError("kernel/unavailable", why, {}, { hint, cause });

async function load(): Promise<Native> {
	if (typeof process === "undefined" || process.platform !== "linux") {
		throw unavailable("bpf(2) exists on Linux only", "Run it in the interpreter, or on a Linux machine.");
	}
	const number = BPF_SYSCALL[process.arch];
	if (number === undefined) {
		throw unavailable(`the number of bpf(2) on ${process.arch} is not known here`, "Use x86-64 or arm64.");
	}
	const koffi = await import("koffi").catch((cause: unknown) => {
		throw unavailable("koffi is not installed", "npm install koffi", cause);
	});
	const fs = await import("node:fs");

	try {
		const libc = koffi.load(null);
		const syscall = libc.func("long syscall(long number, int command, void *attr, unsigned int size)");
		const close = libc.func("int close(int fd)");
		const getAffinity = libc.func("int sched_getaffinity(int pid, size_t size, void *mask)");
		const setAffinity = libc.func("int sched_setaffinity(int pid, size_t size, void *mask)");
		const errno = (result: number): number => (result < 0 ? -koffi.errno() : result);
		return {
			bpf: (command, attr, size) => errno(syscall(number, command, attr, size)),
			address: (bytes) => koffi.address(bytes),
			close: (fd) => void close(fd),
			getAffinity: (mask) => errno(getAffinity(0, mask.length, mask)),
			setAffinity: (mask) => errno(setAffinity(0, mask.length, mask)),
			cpus: possibleCpus(fs.readFileSync("/sys/devices/system/cpu/possible", "utf8")),
		};
	} catch (cause) {
		throw unavailable("libc could not be loaded through koffi", "Reinstall koffi for this platform.", cause);
	}
}

/** "0-3", "0,2-5": how many CPUs such a list names. */
export function possibleCpus(list: string): number {
	let count = 0;
	for (const range of list.trim().split(",")) {
		const [first = 0, last = first] = range.split("-").map(Number);
		count += last - first + 1;
	}
	return count;
}
