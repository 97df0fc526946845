import {
	BTF_FUNC,
	BTF_INT,
	type BtfType,
	encodeBtf,
	type FunctionInfo,
	type LinkedObject,
	type LinkedProgram,
	lineColumn,
} from "@tailhop/core";

/** BTF bytes for the kernel, and the records that tie a program's instructions to them. */
export interface DebugInfo {
	readonly btf: Uint8Array;
	/** Arrays of struct bpf_func_info (8 bytes) and struct bpf_line_info (16 bytes). */
	ofProgram(program: LinkedProgram): { readonly funcInfo?: Uint8Array; readonly lineInfo?: Uint8Array };
}

/**
 * What the kernel is told of an object's types, functions and lines. Functions that the object's BTF does not know
 * (assembled ones) get `int name(void)`: without func_info the kernel refuses a tail call in a subprogram.
 * Undefined where there is nothing to tell.
 */
export function debugInfo(linked: LinkedObject): DebugInfo | undefined {
	const needed = linked.btf !== undefined || linked.programs.some(({ functions }) => functions.length > 1);
	if (!needed) return undefined;
	const types: BtfType[] = [...(linked.btf?.types ?? [{ kind: "void" }])];
	const funcIds = addFunctions(linked.programs, types);
	const texts = new Set<string>();
	for (const { lines } of linked.programs) for (const { file, text = "" } of lines) texts.add(file).add(text);
	const { bytes, offsetOf } = encodeBtf({ types }, texts);
	return {
		btf: bytes,
		ofProgram(program) {
			const { functions, lines } = program;
			const funcInfo = records(functions.map((each) => [each.start, each.typeId || funcIds.get(each)!]));
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

/** Ids of FUNC types for functions that have none. */
function addFunctions(
	programs: readonly LinkedProgram[],
	types: BtfType[],
): ReadonlyMap<FunctionInfo, number> {
	const ids = new Map<FunctionInfo, number>();
	const add = (type: BtfType): number => types.push(type) - 1;
	let prototype = 0;
	for (const func of programs.flatMap(({ functions }) => functions)) {
		if (func.typeId !== 0) continue;
		if (prototype === 0) {
			const int = add({
				kind: "int",
				name: "int",
				size: 4,
				bits: 32,
				bitOffset: 0,
				encoding: BTF_INT.SIGNED,
			});
			prototype = add({ kind: "func_proto", type: int, params: [] });
		}
		const name = func.name.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
		// a global function is verified by its prototype alone, and this one is invented
		ids.set(func, add({ kind: "func", name, type: prototype, linkage: BTF_FUNC.STATIC }));
	}
	return ids;
}

function records(rows: readonly (readonly number[])[]): Uint8Array {
	return new Uint8Array(Uint32Array.from(rows.flat()).buffer);
}
