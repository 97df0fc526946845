import { POISON_IMM } from "../btf/index.ts";
import { TailhopError } from "../errors/index.ts";
import { CALL, type Insn, LDDW, TABLE } from "../isa/index.ts";
import { between, type CoreCode } from "./core-code.ts";
import type { FunctionSpec, ObjectSpec, Reference } from "./object.ts";
import type { ResolvedExtern } from "./resolve-externs.ts";
import { type SectionKind, sectionKind } from "./section-names.ts";
import { invalid, listed, unsupported } from "./source.ts";
import type { FunctionInfo, LineInfo, LinkedProgram, ResolvedTarget } from "./types.ts";

/** The kernel's limit for one program (BPF_COMPLEXITY_LIMIT_INSNS). */
const MAX_PROGRAM = 1_000_000;
/**
 * For all programs together: subprograms are copied into each, and a small object may multiply them. The largest
 * known objects have 60,000.
 */
const MAX_TOTAL = 2_000_000;
/** libbpf's: a call that names no helper stands for a weak kfunc that the kernel lacks. */
const POISON_KFUNC = 2_002_000_000;

type Extern = (index: number) => ResolvedExtern;

/** Every program of the object, each with the functions that it reaches. */
export function linkPrograms(
	spec: ObjectSpec,
	target: ResolvedTarget,
	externs: readonly ResolvedExtern[],
	core: CoreCode,
): LinkedProgram[] {
	checkTarget(spec, target);
	const wanted = target.programs === undefined ? undefined : new Set(target.programs);
	const names = new Set<string>();
	const planned: { layout: Layout; kind: SectionKind }[] = [];
	let total = 0;
	for (const [index, one] of spec.functions.entries()) {
		if (!one.program || wanted?.has(one.name) === false) continue;
		const section = spec.code[one.section]!.name;
		if (names.has(one.name)) invalid(`two programs are named ${one.name}`, { section, program: one.name });
		names.add(one.name);
		const layout = layOut(spec, index, MAX_TOTAL - total);
		total += layout.size;
		planned.push({ layout, kind: kindOf(spec, one, target) });
	}
	return planned.map(({ layout, kind }) => linkProgram(spec, layout, kind, externs, core));
}

/** Throws link/target for names that the object lacks and types that do not exist. */
function checkTarget(spec: ObjectSpec, { programs, programTypes }: ResolvedTarget): void {
	const names = new Set<string>();
	const sections = new Set<string>();
	for (const one of spec.functions) {
		if (!one.program) continue;
		names.add(one.name);
		sections.add(spec.code[one.section]!.name);
	}
	const refuse = (program: string, message: string, hint: string): never => {
		throw new TailhopError("link/target", message, { program }, { hint });
	};
	const known = `Programs: ${listed(names)}.`;
	for (const name of programs ?? []) if (!names.has(name)) refuse(name, `no program is named ${name}`, known);
	for (const [name, like] of Object.entries(programTypes ?? {})) {
		if (sectionKind(like) === undefined)
			refuse(
				name,
				`${JSON.stringify(like)} is no program type`,
				'Write it as a section name: "xdp", "tc", "cgroup/connect4".',
			);
		if (!names.has(name) && !sections.has(name))
			refuse(name, `a type for ${name}, which is no program and no section`, known);
	}
}

function kindOf(spec: ObjectSpec, one: FunctionSpec, { programTypes }: ResolvedTarget): SectionKind {
	const section = spec.code[one.section]!.name;
	const chosen =
		programTypes === undefined
			? undefined
			: [one.name, section].find((name) => Object.hasOwn(programTypes, name));
	const kind = chosen === undefined ? one.kind : sectionKind(programTypes![chosen]!);
	return (
		kind ??
		unsupported(
			`section ${section} does not say what type of program ${one.name} is`,
			{ section, program: one.name },
			'Name the section for it (SEC("xdp"), SEC("tc"), …), or say the type when linking (programTypes; --program-type of the command line).',
		)
	);
}

interface Layout {
	/** Functions in the order of libbpf, the main one first, and where each starts. */
	readonly parts: readonly { readonly index: number; readonly start: number }[];
	/** Start by function index. */
	readonly starts: ReadonlyMap<number, number>;
	readonly size: number;
}

/**
 * Where the functions of a program go: as libbpf appends them (bpf_object__reloc_code), each when the first
 * instruction that refers to it is come upon, and what it calls before anything later of its caller. Functions that
 * call each other in a circle are there once each.
 */
function layOut(spec: ObjectSpec, main: number, room: number): Layout {
	const starts = new Map<number, number>();
	const parts: { index: number; start: number }[] = [];
	const work: { references: Iterator<number> }[] = [];
	let size = 0;
	const append = (index: number) => {
		const one = spec.functions[index]!;
		starts.set(index, size);
		parts.push({ index, start: size });
		size += one.end - one.start;
		if (size > MAX_PROGRAM || size > room) tooLarge(spec, main, size > MAX_PROGRAM);
		work.push({ references: referredTo(spec, one) });
	};
	const drain = () => {
		for (let top = work.at(-1); top !== undefined; top = work.at(-1)) {
			const { done, value } = top.references.next();
			if (done) work.pop();
			else if (!starts.has(value)) append(value);
		}
	};
	append(main);
	drain();
	const { exceptionCallback } = spec.functions[main]!;
	if (exceptionCallback !== undefined && !starts.has(exceptionCallback)) {
		append(exceptionCallback);
		drain();
	}
	return { parts, starts, size };
}

function tooLarge(spec: ObjectSpec, main: number, one: boolean): never {
	const { name, section } = spec.functions[main]!;
	throw new TailhopError(
		"link/too-large",
		one
			? `program ${name} has more than ${MAX_PROGRAM} instructions with the functions that it calls`
			: `the programs up to ${name} have more than ${MAX_TOTAL} instructions with the functions that they call`,
		{ section: spec.code[section]!.name, program: name },
		{
			hint: one
				? "The kernel takes no larger program."
				: "Every program gets a copy of what it calls; split the object.",
		},
	);
}

function* referredTo(spec: ObjectSpec, one: FunctionSpec): Iterator<number> {
	for (const { to } of between(spec.code[one.section]!.relocations, one.start, one.end))
		if (to.kind === "function") yield to.function;
}

function linkProgram(
	spec: ObjectSpec,
	{ parts, starts }: Layout,
	kind: SectionKind,
	externs: readonly ResolvedExtern[],
	core: CoreCode,
): LinkedProgram {
	const insns: Insn[] = [];
	const functions: FunctionInfo[] = [];
	const lines: LineInfo[] = [];
	const helpers = new Set<number>();
	const kfuncs: { insn: number; name: string }[] = [];
	const main = spec.functions[parts[0]!.index]!;
	for (const { index, start } of parts) {
		const one = spec.functions[index]!;
		const section = spec.code[one.section]!;
		const shift = start - one.start;
		const code = core.insnsOf(one);
		for (let at = one.start; at < one.end; at++) insns.push(code[at]!);
		for (const { insn, to } of between(section.relocations, one.start, one.end)) {
			const at = insn + shift;
			// dead code that CO-RE poisoned refers to nothing any more
			if (insns[at]!.imm === POISON_IMM && insns[at]!.opcode === TABLE.call.opcode) continue;
			const where = {
				section: section.name,
				program: main.name,
				insn: at,
				...(one === main ? {} : { subprogram: one.name }),
			};
			const extern: Extern = (i) => resolved(spec, externs, i, where);
			if (insns[at]!.opcode === TABLE.call.opcode)
				insns[at] = linkCall(insns[at]!, at, to, starts, extern, kfuncs, spec);
			else [insns[at], insns[at + 1]] = linkWide(insns[at]!, insns[at + 1]!, at, to, starts, extern);
		}
		functions.push({
			name: one.name,
			start,
			end: start + one.end - one.start,
			linkage: one.linkage,
			typeId: one.typeId,
		});
		for (const line of between(section.lines, one.start, one.end))
			lines.push({ ...line, insn: line.insn + shift });
	}
	for (let at = 0; at < insns.length; at++) {
		const insn = insns[at]!;
		if (insn.opcode === TABLE.lddw.opcode) at++;
		else if (
			insn.opcode === TABLE.call.opcode &&
			insn.src === CALL.HELPER &&
			insn.imm !== POISON_IMM &&
			insn.imm < POISON_KFUNC
		)
			helpers.add(insn.imm);
	}
	const { attachTo, ...rest } = kind;
	return {
		name: main.name,
		section: spec.code[main.section]!.name,
		...rest,
		...(attachTo === undefined ? {} : { attachTo }),
		insns,
		functions,
		lines,
		entry: true,
		helpers: [...helpers].sort((a, b) => a - b),
		kfuncs,
	};
}

function resolved(
	spec: ObjectSpec,
	externs: readonly ResolvedExtern[],
	index: number,
	where: { section: string; program: string; insn: number },
): ResolvedExtern {
	const one = externs[index]!;
	if (one.kind !== "missing") return one;
	throw new TailhopError("link/unresolved", `nothing provides ${spec.externs[index]!.name}`, where, {
		hint: one.hint,
	});
}

function linkCall(
	insn: Insn,
	at: number,
	to: Reference,
	starts: ReadonlyMap<number, number>,
	extern: Extern,
	kfuncs: { insn: number; name: string }[],
	spec: ObjectSpec,
): Insn {
	if (to.kind === "function") return { ...insn, src: CALL.LOCAL, imm: starts.get(to.function)! - at - 1 };
	if (to.kind !== "extern")
		return invalid(`a call of a ${to.kind === "map" ? "map" : "variable"}`, { insn: at });
	const one = extern(to.extern);
	if (one.kind === "kconfig") return invalid("a call of a kconfig value", { insn: at });
	if (one.kind === "address")
		return { opcode: insn.opcode, dst: 0, src: CALL.HELPER, off: 0, imm: POISON_KFUNC + to.extern };
	kfuncs.push({ insn: at, name: spec.externs[to.extern]!.name });
	return { ...insn, src: CALL.KFUNC, off: 0, imm: one.kind === "btf" ? one.id : 0 };
}

function linkWide(
	first: Insn,
	second: Insn,
	at: number,
	to: Reference,
	starts: ReadonlyMap<number, number>,
	extern: Extern,
): [Insn, Insn] {
	const wide = (src: number, low: number, high: number): [Insn, Insn] => [
		{ ...first, src, imm: low | 0 },
		{ ...second, imm: high | 0 },
	];
	switch (to.kind) {
		case "map":
			return wide(LDDW.MAP_IDX, to.map, 0);
		case "data":
			return wide(LDDW.MAP_IDX_VALUE, to.map, to.offset);
		case "function":
			return wide(LDDW.FUNC, starts.get(to.function)! - at - 1, 0);
		case "extern": {
			const one = extern(to.extern);
			if (one.kind === "kconfig") return wide(LDDW.MAP_IDX_VALUE, one.map, one.offset);
			if (one.kind === "btf") return wide(LDDW.BTF_ID, one.id, 0);
			const address = one.kind === "address" ? one.address : 0n;
			return wide(LDDW.IMM, Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
		}
	}
}
