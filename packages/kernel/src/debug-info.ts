import {
	encodeBtf,
	type LinkedObject,
	type LinkedProgram,
	lineColumn,
	withFunctionTypes,
} from "@tailhop/core";

/** BTF bytes for the kernel, and the records that tie a program's instructions to them. */
export interface DebugInfo {
	readonly btf: Uint8Array;
	/** Arrays of struct bpf_func_info (8 bytes) and struct bpf_line_info (16 bytes). */
	ofProgram(program: LinkedProgram): { readonly funcInfo?: Uint8Array; readonly lineInfo?: Uint8Array };
}

/**
 * What the kernel is told of an object's types, functions and lines; undefined where there is nothing to tell.
 */
export function debugInfo(linked: LinkedObject): DebugInfo | undefined {
	const typed = withFunctionTypes(linked);
	if (typed.btf === undefined) return undefined;
	const typeIds = new Map<string, readonly number[]>();
	for (const { name, functions } of typed.programs)
		typeIds.set(
			name,
			functions.map(({ typeId }) => typeId),
		);
	const texts = new Set<string>();
	for (const { lines } of linked.programs) for (const { file, text = "" } of lines) texts.add(file).add(text);
	const { bytes, offsetOf } = encodeBtf(typed.btf, texts);
	return {
		btf: bytes,
		ofProgram(program) {
			const { functions, lines } = program;
			const funcInfo = records(functions.map(({ start }, i) => [start, typeIds.get(program.name)![i]!]));
			if (!describable(program)) return { funcInfo };
			const lineInfo = records(
				lines.map(({ insn, file, text = "", line, column = 0 }) => [
					insn,
					offsetOf(file) ?? 0,
					offsetOf(text) ?? 0,
					lineColumn(line, column),
				]),
			);
			return { funcInfo, lineInfo };
		},
	};
}

/** The kernel wants lines in order, one at the start of each function at least, none inside a lddw. */
function describable({ functions, lines, insns }: LinkedProgram): boolean {
	const starts = new Set(lines.map((line) => line.insn));
	return (
		lines.every(({ insn }, index) => insn > (lines[index - 1]?.insn ?? -1) && insns[insn]?.opcode !== 0) &&
		functions.every(({ start }) => starts.has(start))
	);
}

function records(rows: readonly (readonly number[])[]): Uint8Array {
	return new Uint8Array(Uint32Array.from(rows.flat()).buffer);
}
