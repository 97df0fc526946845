import type { Kernel } from "./kernel.ts";
import { rejected } from "./rejected.ts";

/**
 * Keeps this process on one CPU (default: the first it may use), so that per-CPU values and times can be compared.
 * `close`, or the end of a `using` block, restores the former mask.
 */
export function pinToCpu(
	kernel: Kernel,
	cpu?: number,
): { readonly cpu: number; close(): void; [Symbol.dispose](): void } {
	const before = new Uint8Array(128);
	const size = kernel.native.getAffinity(before);
	if (size < 0) throw rejected("the CPU mask", -size);
	const chosen = cpu ?? firstBit(before);
	const only = new Uint8Array(128);
	only[chosen >> 3] = 1 << (chosen & 7);
	const result = kernel.native.setAffinity(only);
	if (result < 0) throw rejected(`CPU ${chosen}`, -result);
	const close = (): void => void kernel.native.setAffinity(before);
	return { cpu: chosen, close, [Symbol.dispose]: close };
}

function firstBit(mask: Uint8Array): number {
	const byte = mask.findIndex((bits) => bits !== 0);
	return byte * 8 + Math.log2((mask[byte] ?? 1) & -(mask[byte] ?? 1));
}
