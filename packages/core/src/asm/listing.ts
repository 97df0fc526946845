import type { SourceLine } from "../errors/index.ts";
import { encodeInsns, INSN_SIZE, type Insn, opOf, slotsOf, targetOf } from "../isa/index.ts";
import type { LineInfo, LinkedObject, LinkedProgram } from "../spec/index.ts";
import { type Names, printInsn } from "./print.ts";

export interface ListingOptions {
	/** Source lines before the instructions that came from them; default true. */
	readonly source?: boolean;
	/** What follows the place of a source line: where code of a header was inlined, say. */
	readonly note?: (line: LineInfo) => string;
	/** The bytes of each instruction; default false. */
	readonly bytes?: boolean;
}

/**
 * A program as text: its functions, source lines as comments, `L7:` before what jumps reach, maps, functions and
 * kfuncs by name. The text assembles again to the same instructions (slot numbers are labels to the assembler),
 * given the names of `linked.maps`, where kfuncs and bytes don't stand in it.
 */
export function printProgram(
	program: LinkedProgram,
	linked: Pick<LinkedObject, "maps">,
	options: ListingOptions = {},
): string {
	const { insns } = program;
	const functions = new Map(program.functions.map((one) => [one.start, one.name]));
	const labels = jumpTargets(insns);
	const kfuncs = new Map(program.kfuncs.map(({ insn, name }) => [insn, name]));
	const names: Names = {
		label: (index) => (labels.has(index) ? `L${index}` : undefined),
		function: (index) => functions.get(index),
		map: (index) => linked.maps[index]?.name,
		kfunc: (index) => kfuncs.get(index),
	};
	const width = Math.max(4, String(insns.length).length);
	const lines: string[] = [];
	let nextLine = 0;
	let shown: string | undefined;
	for (let i = 0; i < insns.length; i += slotsOf(insns[i]!)) {
		const name = functions.get(i);
		if (name !== undefined) {
			lines.push(...(i === 0 ? [] : [""]), `${name}:`);
			shown = undefined;
		}
		let source: LineInfo | undefined;
		while ((program.lines[nextLine]?.insn ?? insns.length) <= i) source = program.lines[nextLine++];
		// compilers say the same line again for another column of it
		const comment = source === undefined ? undefined : sourceComment(source) + (options.note?.(source) ?? "");
		if (comment !== undefined && comment !== shown && options.source !== false) lines.push(comment);
		shown = comment ?? shown;
		if (labels.has(i)) lines.push(`L${i}:`);
		const bytes = options.bytes ? `${hexBytes(insns, i)}  ` : "";
		lines.push(
			`${String(i).padStart(width)}: ${bytes}${printInsn(insns, i, names)}${remark(insns, i, linked)}`,
		);
	}
	return lines.map((line) => `${line}\n`).join("");
}

/** Slots that jumps reach; calls have names. */
function jumpTargets(insns: readonly Insn[]): ReadonlySet<number> {
	const targets = new Set<number>();
	for (let i = 0; i < insns.length; i += slotsOf(insns[i]!)) {
		const insn = insns[i]!;
		const op = opOf(insn);
		if (op === undefined || op === "call_local" || op === "lddw_func") continue;
		const target = targetOf(insn, i, op);
		if (target !== undefined && target >= 0 && target < insns.length) targets.add(target);
	}
	return targets;
}

function sourceComment({ file, line, text }: SourceLine): string {
	const place = `${file}:${line}`;
	return text === undefined || text.trim() === "" ? `; ${place}` : `; ${text.trim()}  @ ${place}`;
}

/** Which variable an address in a data section is. */
function remark(insns: readonly Insn[], index: number, linked: Pick<LinkedObject, "maps">): string {
	const insn = insns[index]!;
	if (opOf(insn) !== "lddw_map_idx_value") return "";
	const offset = (insns[index + 1]?.imm ?? 0) >>> 0;
	const variable = linked.maps[insn.imm]?.variables.findLast(
		(one) => one.offset <= offset && offset < one.offset + one.size,
	);
	if (variable === undefined) return "";
	const inside = offset - variable.offset;
	return `  # ${variable.name}${inside === 0 ? "" : ` + ${inside}`}`;
}

function hexBytes(insns: readonly Insn[], index: number): string {
	const bytes = encodeInsns(insns.slice(index, index + slotsOf(insns[index]!)));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
		.join(" ")
		.padEnd(2 * INSN_SIZE * 3 - 1);
}
