import { type Btf, findBtfType, resolveType, typeById } from "../btf/index.ts";
import { type ElfRelocation, type ElfSection, type ElfSymbol, R_BPF, SHN, STB, STT } from "../elf/index.ts";
import { CALL, decodeInsns, INSN_SIZE, type Insn, LDDW, opOf, slotsOf, TABLE } from "../isa/index.ts";
import { isHidden } from "./btf-fixup.ts";
import type { Externs } from "./externs.ts";
import type { CodeSection, CoreRecord, FunctionSpec, Reference, Relocation, SectionLine } from "./object.ts";
import { contextKind, type SectionKind, sectionKind } from "./section-names.ts";
import { invalid, type Source, unsupported } from "./source.ts";

/** A code section before references are resolved. */
export interface RawCode {
	readonly section: ElfSection;
	readonly insns: readonly Insn[];
	/** 1 where an instruction starts: the second slot of a lddw is 0. */
	readonly starts: Uint8Array;
}

/** Finds what a symbol of a section that is not code stands for. */
export type FindTarget = (
	section: number,
	byte: number,
	where: { section: string; insn: number },
) => Reference;

/** Decodes every section of instructions. */
export function decodeCode(source: Source): RawCode[] {
	const out: RawCode[] = [];
	for (const section of source.elf.sections) {
		if (source.roles[section.index] !== "code") continue;
		if (section.size % INSN_SIZE !== 0)
			invalid(`${section.size} bytes are no whole number of instructions`, { section: section.name });
		const insns = decodeInsns(section.data);
		const starts = new Uint8Array(insns.length);
		for (let at = 0; at < insns.length; at += slotsOf(insns[at]!)) starts[at] = 1;
		out.push({ section, insns, starts });
	}
	return out;
}

/**
 * The functions of the object: FUNC symbols, LOCAL ones too; in sections that have none, the symbols without a type
 * that clang before 8 wrote, each reaching to the next. Sorted by section and start; they don't overlap.
 * Programs are those outside `.text`; where all code is in `.text`, its global functions.
 */
export function readFunctions(
	source: Source,
	code: readonly RawCode[],
	legacyKind: SectionKind | undefined,
): FunctionSpec[] {
	const onlyText = code.every(({ section }) => section.name === ".text");
	const typeIds = funcInfo(source);
	return code.flatMap(({ section, insns, starts }, index) => {
		const symbols = source.symbols[section.index]!.filter((one) => one.name !== "");
		const entries = entrySymbols(symbols);
		if (entries.length === 0 && section.name !== ".text")
			invalid(`section ${section.name} has instructions, but no function symbol`, { section: section.name });
		const someGlobal = entries.some((one) => one.bind !== STB.LOCAL);
		const nexts = followers(entries, section.size);
		let reached = 0;
		return entries.map((symbol, i): FunctionSpec => {
			const where = { section: section.name, program: symbol.name };
			const size = symbol.size === 0 ? nexts[i]! - symbol.value : symbol.size;
			if (symbol.value % INSN_SIZE !== 0 || size % INSN_SIZE !== 0 || size === 0)
				invalid(
					`function ${symbol.name} takes ${size} bytes at ${symbol.value}: no whole instructions`,
					where,
				);
			if (symbol.value + size > section.size)
				invalid(
					`function ${symbol.name} reaches past the end of ${section.name} (${symbol.value} + ${size} > ${section.size})`,
					where,
				);
			const alias = i > 0 && entries[i - 1]!.value === symbol.value && entries[i - 1]!.size === symbol.size;
			if (symbol.value < reached && !alias)
				invalid(`function ${symbol.name} overlaps the one before it`, where);
			reached = symbol.value + size;
			const start = symbol.value / INSN_SIZE;
			const end = start + size / INSN_SIZE;
			if (!starts[start] || (end < insns.length && !starts[end]))
				invalid(`function ${symbol.name} starts or ends inside a 64-bit immediate`, where);
			const local = symbol.bind === STB.LOCAL;
			const program = section.name !== ".text" || (onlyText && (!local || !someGlobal));
			const typeId = typeIds.get(section.name)?.get(symbol.value) ?? functionNamed(source.btf, symbol.name);
			const kind = program
				? (sectionKind(section.name) ?? kindByContext(source.btf, typeId) ?? legacyKind)
				: undefined;
			return {
				name: symbol.name,
				section: index,
				start,
				end,
				linkage: local || isHidden(symbol) ? "static" : "global",
				typeId,
				program,
				...(kind === undefined ? {} : { kind }),
			};
		});
	});
}

/** Names of compilers' own jump labels: `LBB0_12`, `.LBB0_12`. */
const LABEL = /^\.?L/;

/** The symbols at which functions of a section start. */
function entrySymbols(symbols: readonly ElfSymbol[]): readonly ElfSymbol[] {
	const funcs = symbols.filter((one) => one.type === STT.FUNC);
	if (funcs.length > 0) return funcs;
	const untyped = symbols.filter((one) => one.type === STT.NOTYPE);
	const globals = untyped.filter((one) => one.bind !== STB.LOCAL);
	if (globals.length > 0) return globals;
	// a static function of the oldest compilers: iproute2 took the section as a whole
	return untyped.filter((one) => one.value === 0 && !LABEL.test(one.name)).slice(0, 1);
}

/** For each symbol of a sorted list the least greater value; `end` after the last. */
function followers(sorted: readonly ElfSymbol[], end: number): number[] {
	const out = new Array<number>(sorted.length).fill(end);
	for (let i = sorted.length - 2; i >= 0; i--)
		out[i] = sorted[i + 1]!.value > sorted[i]!.value ? sorted[i + 1]!.value : out[i + 1]!;
	return out;
}

/** BTF FUNC ids by section name and byte offset. */
function funcInfo({ btf, ext }: Source): ReadonlyMap<string, ReadonlyMap<number, number>> {
	const found = new Map<string, Map<number, number>>();
	for (const { section, records } of ext?.funcs ?? []) {
		const ids = found.get(section) ?? new Map<number, number>();
		found.set(section, ids);
		for (const { offset, typeId } of records) {
			if (btf?.types[typeId]?.kind !== "func")
				invalid(`BTF.ext names type ${typeId} as a function of ${section}`, { section });
			ids.set(offset, typeId);
		}
	}
	return found;
}

function functionNamed(btf: Btf | undefined, name: string): number {
	return btf === undefined ? 0 : (findBtfType(btf, name, "func")?.id ?? 0);
}

/** What the first parameter's type says, where the section's name says nothing. */
function kindByContext(btf: Btf | undefined, typeId: number): SectionKind | undefined {
	if (btf === undefined || typeId === 0) return undefined;
	const func = typeById(btf, typeId);
	const prototype = func.kind === "func" ? typeById(btf, func.type) : undefined;
	const [context] = prototype?.kind === "func_proto" ? prototype.params : [];
	const pointer = context === undefined ? undefined : resolveType(btf, context.type);
	if (pointer?.kind !== "ptr") return undefined;
	for (const type of [typeById(btf, pointer.type), resolveType(btf, pointer.type)]) {
		const kind = "name" in type ? contextKind(type.name) : undefined;
		if (kind !== undefined) return kind;
	}
	return undefined;
}

/** A function that starts at an instruction of a code section. */
export function functionFinder(
	functions: readonly FunctionSpec[],
): (section: number, insn: number) => number | undefined {
	const found = new Map<number, number>();
	const key = (section: number, insn: number) => section * 0x1_0000_0000 + insn;
	for (const [index, one] of functions.entries()) {
		const at = key(one.section, one.start);
		if (!found.has(at)) found.set(at, index);
	}
	return (section, insn) => found.get(key(section, insn));
}

/**
 * Relocations of a code section as references: those of the object, and calls and callbacks inside the section,
 * which need none. Sorted by instruction.
 */
export function readRelocations(
	source: Source,
	code: readonly RawCode[],
	index: number,
	externs: Externs,
	functionAt: (section: number, insn: number) => number | undefined,
	findTarget: FindTarget,
): Relocation[] {
	const { section, insns, starts } = code[index]!;
	const codeIndex = new Map(code.map((one, i) => [one.section.index, i]));
	const relocations = new Map<number, Reference>();
	const callee = (where: { section: string; insn: number }, inSection: number, insn: number): Reference => {
		const found = Number.isInteger(insn) ? functionAt(inSection, insn) : undefined;
		if (found === undefined)
			invalid(
				`it refers to instruction ${insn} of ${code[inSection]!.section.name}, where no function starts`,
				where,
			);
		return { kind: "function", function: found };
	};
	for (const relocation of source.relocations[section.index]!) {
		const insn = relocation.offset / INSN_SIZE;
		const where = { section: section.name, insn: Math.floor(insn) };
		if (!Number.isInteger(insn) || !starts[insn])
			invalid(`a relocation at byte ${relocation.offset}, where no instruction starts`, where);
		if (relocations.has(insn)) invalid("two relocations of one instruction", where);
		const symbol = source.elf.symbols[relocation.symbol]!;
		if (insn + slotsOf(insns[insn]!) > insns.length)
			invalid("a 64-bit immediate is cut off by the section's end", where);
		const byte = patched(source, relocation, insns[insn]!, symbol, where);
		const extern = externs.bySymbol.get(symbol.index);
		if (extern !== undefined) {
			relocations.set(insn, { kind: "extern", extern });
			continue;
		}
		if (symbol.section === SHN.UNDEF || symbol.section >= SHN.LORESERVE)
			invalid(
				`a relocation against ${symbol.name || "an unnamed symbol"}, which is in no section`,
				where,
				"Was a global variable left without an initial value (-fcommon)? Compile with -fno-common.",
			);
		const target = codeIndex.get(symbol.section);
		if (target !== undefined) relocations.set(insn, callee(where, target, byte / INSN_SIZE));
		else if (insns[insn]!.opcode === TABLE.call_local.opcode)
			invalid(`a call of ${symbol.name || "a section"}, which is no function`, where);
		else relocations.set(insn, findTarget(symbol.section, byte, where));
	}
	for (let at = 0; at < insns.length; at += slotsOf(insns[at]!)) {
		const insn = insns[at]!;
		const op = opOf(insn);
		if ((op === "call_local" || op === "lddw_func") && !relocations.has(at))
			relocations.set(at, callee({ section: section.name, insn: at }, index, at + 1 + insn.imm));
	}
	return [...relocations].map(([insn, to]) => ({ insn, to })).sort((a, b) => a.insn - b.insn);
}

/**
 * The byte of the symbol's section that a relocation means. SHT_REL leaves the addend in the instruction: bytes for
 * a lddw; for a call, slots less one (Documentation/bpf/llvm_reloc.rst).
 */
function patched(
	{ elf }: Source,
	relocation: ElfRelocation,
	insn: Insn,
	symbol: ElfSymbol,
	where: { section: string; insn: number },
): number {
	const { addend } = relocation;
	const call = insn.opcode === TABLE.call.opcode;
	// compilers from before BPF had a machine number had no relocation numbers either
	const type =
		elf.machine === 0 && relocation.type === R_BPF.NONE
			? call
				? R_BPF.R64_32
				: R_BPF.R64_64
			: relocation.type;
	if (type !== R_BPF.R64_64 && type !== R_BPF.R64_32)
		unsupported(
			`relocation type ${type} against code`,
			where,
			"Loaders know R_BPF_64_64 and R_BPF_64_32 in code.",
		);
	if (!call && insn.opcode !== TABLE.lddw.opcode)
		invalid(
			`a relocation against ${symbol.name || "a section"} of an instruction (opcode 0x${insn.opcode.toString(16)}) that is neither a call nor a 64-bit immediate`,
			where,
		);
	if (call !== (type === R_BPF.R64_32))
		invalid(`relocation type ${type} does not fit ${call ? "a call" : "a 64-bit immediate"}`, where);
	if (call && insn.src !== CALL.LOCAL && symbol.section !== SHN.UNDEF)
		invalid(`a relocation of a call that is no local call (src ${insn.src})`, where);
	if (!call && insn.src > LDDW.MAP_VALUE && insn.src !== LDDW.FUNC)
		invalid(`a relocation of a 64-bit immediate of another kind (src ${insn.src})`, where);
	if (addend !== undefined) return symbol.value + Number(addend);
	return symbol.value + (call ? (insn.imm + 1) * INSN_SIZE : insn.imm);
}

/** What BTF.ext says of each code section's instructions: lines and CO-RE records, sorted by instruction. */
export function readExtended(
	{ ext, btf }: Source,
	code: readonly RawCode[],
): Pick<CodeSection, "lines" | "core">[] {
	const out = code.map(() => ({ lines: [] as SectionLine[], core: [] as CoreRecord[] }));
	const byName = new Map<string, number>();
	for (const [index, { section }] of code.entries())
		if (!byName.has(section.name)) byName.set(section.name, index);
	const insnAt = (index: number, offset: number, what: string) => {
		const { section, insns, starts } = code[index]!;
		const insn = offset / INSN_SIZE;
		if (insn >= insns.length || !starts[insn])
			invalid(`BTF.ext has a ${what} at byte ${offset}, where no instruction starts`, {
				section: section.name,
			});
		return insn;
	};
	for (const { section, records } of ext?.lines ?? []) {
		const index = byName.get(section);
		if (index === undefined) continue;
		for (const { offset, file, line, column, text } of records)
			out[index]!.lines.push({
				insn: insnAt(index, offset, "line"),
				file,
				line,
				...(column === 0 ? {} : { column }),
				...(text === "" ? {} : { text }),
			});
	}
	for (const { section, records } of ext?.coreRelos ?? []) {
		const index = byName.get(section);
		if (index === undefined) continue;
		for (const { offset, typeId, access, kind } of records) {
			if (btf?.types[typeId] === undefined)
				invalid(`a CO-RE record names type ${typeId}, which is none`, { section });
			out[index]!.core.push({ insn: insnAt(index, offset, "CO-RE record"), typeId, access, kind });
		}
	}
	const byInsn = (a: { insn: number }, b: { insn: number }) => a.insn - b.insn;
	for (const one of out) {
		one.lines.sort(byInsn);
		one.core.sort(byInsn);
	}
	return out;
}
