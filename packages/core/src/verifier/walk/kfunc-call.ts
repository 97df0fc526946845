import type { Insn } from "../../isa/index.ts";
import type { Walk } from "./walk.ts";

export function checkKfuncCall(w: Walk, insn: Insn): void {
	w.env.notModelled(`kernel function ${w.env.kfuncNameAt(w.insnIdx) ?? insn.imm}`);
}

/** Kernel functions that may be called under a spin lock. */
export function spinAllowed(w: Walk): boolean {
	void w;
	return false;
}

export function isThrow(w: Walk): boolean {
	return w.env.kfuncNameAt(w.insnIdx) === "bpf_throw";
}
