import { ALLOCATOR } from "../memory/index.ts";
import { EFAULT, ERANGE } from "./errno.ts";
import { implement } from "./implement.ts";
import { taskPrototypes } from "./tasks.ts";
import type { HelperImplementation, HelperRuntime } from "./types.ts";

/**
 * Reads through addresses that nobody checked (kernel/trace/bpf_trace.c, mm/maccess.c). The kernel's memory is what
 * programs of this machine may touch; user space has none. What cannot be read leaves zeros.
 */

/** Kernel addresses of x86-64 have the upper 17 bits set: the upper half of the first. */
const KERNEL_HIGH = 0xffff_8000;

/** 0 where `size` bytes can be read at r3, else the errno of copy_from_kernel_nofault. */
function readable({ memory, argHi }: HelperRuntime, address: number, size: number): number {
	const high = argHi[2]! >>> 0;
	if (high !== 0) return high >= KERNEL_HIGH ? EFAULT : ERANGE;
	const base = memory.u32(ALLOCATOR.DATA_BASE);
	const inside = address >>> 0 >= base && (address >>> 0) + size <= memory.u32(ALLOCATOR.DATA_BRK);
	return inside ? 0 : ERANGE;
}

function failed({ memory }: HelperRuntime, to: number, size: number, errno: number): number {
	memory.u8.fill(0, to >>> 0, (to >>> 0) + size);
	return errno;
}

const fromUser =
	(errno: number): HelperImplementation =>
	(rt, to, size) =>
		size === 0 ? 0 : failed(rt, to, size, errno);

export const probeReadHelpers = /* @__PURE__ */ implement(taskPrototypes, {
	112: fromUser(EFAULT),
	113(rt, to, size, from) {
		const errno = readable(rt, from, size);
		if (errno !== 0) return failed(rt, to, size, errno);
		rt.memory.u8.copyWithin(to >>> 0, from >>> 0, (from >>> 0) + size);
		return 0;
	},
	114: fromUser(EFAULT),
	/** The bytes used, with the NUL that always ends them. */
	115(rt, to, size, from) {
		if (size === 0) return 0;
		const { u8 } = rt.memory;
		for (let i = 0; i < size; i++) {
			const errno = readable(rt, from + i, 1);
			if (errno !== 0) return failed(rt, to, size, errno);
			const byte = i === size - 1 ? 0 : u8[(from >>> 0) + i]!;
			u8[(to >>> 0) + i] = byte;
			if (byte === 0) return i + 1;
		}
		return size;
	},
});
