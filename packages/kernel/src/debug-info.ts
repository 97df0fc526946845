import type { LinkedObject, LinkedProgram } from "@tailhop/core";

/** BTF bytes for the kernel, and the records that tie a program's instructions to them. */
export interface DebugInfo {
	readonly btf: Uint8Array;
	ofProgram(program: LinkedProgram): { readonly funcInfo?: Uint8Array; readonly lineInfo?: Uint8Array };
}

export function debugInfo(_linked: LinkedObject): DebugInfo | undefined {
	return undefined;
}
