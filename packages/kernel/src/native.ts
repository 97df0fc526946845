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
	/** perf_event_open(2): what happens on one CPU, in every process. */
	perfEventOpen(attr: Uint8Array, cpu: number): number;
	ioctl(fd: number, request: number, argument: number): number;
	/** mmap(2), shared with the kernel; `offset` in bytes. */
	map(fd: number, length: number, offset: number, writable: boolean): Mapping | number;
	unlink(path: string): number;
	readLink(path: string): string;
	/** Possible CPUs: how many values a per-CPU map has. */
	readonly cpus: number;
	/** capget(2) and capset(2) of the calling thread: a header, and six words of sets. */
	getCapabilities(header: Uint32Array, sets: Uint32Array): number;
	setCapabilities(header: Uint32Array, sets: Uint32Array): number;
	readonly pageSize: number;
}

/** Memory shared with the kernel. Nothing of `memory` may be touched after `unmap`. */
export interface Mapping {
	readonly memory: ArrayBuffer;
	unmap(): void;
}

/** __NR_bpf and __NR_perf_event_open by process.arch. */
const SYSCALLS: Readonly<Record<string, { readonly bpf: number; readonly perf: number }>> = {
	x64: { bpf: 321, perf: 298 },
	arm64: { bpf: 280, perf: 241 },
};

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const PERF_FLAG_FD_CLOEXEC = 8;

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
	const numbers = SYSCALLS[process.arch];
	if (numbers === undefined) {
		throw unavailable(`the number of bpf(2) on ${process.arch} is not known here`, "Use x86-64 or arm64.");
	}
	const koffi = await import("koffi").catch((cause: unknown) => {
		throw unavailable("koffi is not installed", "npm install koffi", cause);
	});
	const fs = await import("node:fs");

	try {
		const libc = koffi.load(null);
		const syscall = libc.func("long syscall(long number, int command, void *attr, unsigned int size)");
		const perf = libc.func(
			"long syscall(long number, void *attr, int pid, int cpu, int group, unsigned long flags)",
		);
		const ioctl = libc.func("int ioctl(int fd, unsigned long request, long argument)");
		const mmap = libc.func(
			"void *mmap(void *at, size_t length, int prot, int flags, int fd, int64_t offset)",
		);
		const munmap = libc.func("int munmap(void *at, size_t length)");
		const unlink = libc.func("int unlink(const char *path)");
		const getPageSize = libc.func("int getpagesize()");
		const capget = libc.func("int capget(void *header, void *sets)");
		const capset = libc.func("int capset(void *header, void *sets)");
		const close = libc.func("int close(int fd)");
		const getAffinity = libc.func("int sched_getaffinity(int pid, size_t size, void *mask)");
		const setAffinity = libc.func("int sched_setaffinity(int pid, size_t size, void *mask)");
		const errno = (result: number): number => (result < 0 ? -koffi.errno() : result);
		return {
			bpf: (command, attr, size) => errno(syscall(numbers.bpf, command, attr, size)),
			address: (bytes) => koffi.address(bytes),
			close: (fd) => void close(fd),
			getAffinity: (mask) => errno(getAffinity(0, mask.length, mask)),
			setAffinity: (mask) => errno(setAffinity(0, mask.length, mask)),
			perfEventOpen: (attr, cpu) => errno(perf(numbers.perf, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)),
			getCapabilities: (header, sets) => errno(capget(header, sets)),
			setCapabilities: (header, sets) => errno(capset(header, sets)),
			ioctl: (fd, request, argument) => errno(ioctl(fd, request, argument)),
			map(fd, length, offset, writable) {
				const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
				const at: bigint = mmap(null, length, protection, MAP_SHARED, fd, offset);
				if (at === MAP_FAILED) return -koffi.errno();
				return { memory: koffi.view(at, length), unmap: () => void munmap(at, length) };
			},
			unlink: (path) => errno(unlink(path)),
			readLink: (path) => fs.readlinkSync(path),
			pageSize: getPageSize(),
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
