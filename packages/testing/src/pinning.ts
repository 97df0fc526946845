import type { Kernel } from "@tailhop/kernel";

export const BPFFS = "/sys/fs/bpf";
const OBJ_PIN = 6;
/** BPF_OBJ_PIN's part of union bpf_attr. */
const PIN = {
	offsets: { pathname: 0, bpf_fd: 8, file_flags: 12 },
	kinds: { pathname: "u64", bpf_fd: "u32", file_flags: "u32" },
	size: 16,
} as const;

/** Where this process pins a test's map. */
export const pathOf = (map: string): string => `${BPFFS}/tailhop-test-${process.pid}-${map}`;

/** BPF_OBJ_PIN. */
export function pin(kernel: Kernel, fd: number, path: string): void {
	const pathname = new TextEncoder().encode(`${path}\0`);
	const result = kernel.call(OBJ_PIN, kernel.attr(PIN, { pathname, bpf_fd: fd }));
	if (result < 0) throw new Error(`BPF_OBJ_PIN at ${path}: errno ${-result}`);
}

/** Only reached where the kernel is, so in Node; browsers read this file too and must not import node:fs. */
export function unpin(path: string): void {
	process.getBuiltinModule("node:fs").unlinkSync(path);
}
