import { type Btf, findBtfType, readBtf } from "@tailhop/core";

/** The kernel's BTF; undefined where there is none. */
let kernel: { readonly btf?: Btf } | undefined;

/** Type id of a kernel function in the running kernel's BTF; made up where there is none. */
export function kfuncId(name: string): number {
	kernel ??= openBtf();
	const found = kernel.btf === undefined ? undefined : findBtfType(kernel.btf, name, "func")?.id;
	if (found !== undefined) return found;
	const known = madeUp.indexOf(name);
	return 1000 + (known < 0 ? madeUp.push(name) - 1 : known);
}
const madeUp: string[] = [];

function openBtf(): { readonly btf?: Btf } {
	try {
		const fs = process.getBuiltinModule("node:fs");
		return { btf: readBtf(new Uint8Array(fs.readFileSync("/sys/kernel/btf/vmlinux"))) };
	} catch {
		// a browser, or a system without BTF
		return {};
	}
}
