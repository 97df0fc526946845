import { applyCoreRelo, type Btf, btfName, essentialName, resolveCoreRelo, typeById } from "../btf/index.ts";
import { locate } from "../errors/index.ts";
import type { Insn } from "../isa/index.ts";
import type { CoreRecord, FunctionSpec, ObjectSpec } from "./object.ts";
import type { ResolvedTarget } from "./types.ts";

/** The instructions of code sections with the CO-RE records of the functions asked for applied. */
export class CoreCode {
	readonly #spec: ObjectSpec;
	readonly #target: ResolvedTarget;
	/** The caller chose the helper ids: they answer even where the target has BTF. */
	readonly #helpersChosen: boolean;
	readonly #code = new Map<number, Insn[]>();
	readonly #done = new Set<FunctionSpec>();

	constructor(spec: ObjectSpec, target: ResolvedTarget, helpersChosen: boolean) {
		this.#spec = spec;
		this.#target = target;
		this.#helpersChosen = helpersChosen;
	}

	/** The section's instructions, of which those of `one` are as they must be. */
	insnsOf(one: FunctionSpec): readonly Insn[] {
		const section = this.#spec.code[one.section]!;
		if (section.core.length === 0) return section.insns;
		const insns = this.#code.get(one.section) ?? section.insns.slice();
		this.#code.set(one.section, insns);
		if (this.#done.has(one)) return insns;
		this.#done.add(one);
		const { btf } = this.#spec;
		for (const record of between(section.core, one.start, one.end)) {
			const relo = {
				offset: record.insn * 8,
				typeId: record.typeId,
				access: record.access,
				kind: record.kind,
			};
			try {
				applyCoreRelo(insns, record.insn, resolveCoreRelo(btf!, relo, this.#answersFor(btf!, record)));
			} catch (error) {
				throw locate(error, { section: section.name, program: one.name, insn: record.insn - one.start });
			}
		}
		return insns;
	}

	#answersFor(btf: Btf, record: CoreRecord) {
		const { helperIds } = this.#target;
		const kernel = this.#target.btf;
		const isHelper = essentialName(btfName(typeById(btf, record.typeId))) === "bpf_func_id";
		return kernel === undefined || (this.#helpersChosen && isHelper)
			? { helperIds }
			: { btf: kernel, helperIds };
	}
}

/** Index of the first item whose instruction is `insn` or later, in a list sorted by it. */
export function firstAt(sorted: readonly { readonly insn: number }[], insn: number): number {
	let low = 0;
	let high = sorted.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (sorted[middle]!.insn < insn) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** The items whose instruction lies in [start, end), of a list sorted by it. */
export function between<T extends { readonly insn: number }>(
	sorted: readonly T[],
	start: number,
	end: number,
): readonly T[] {
	return sorted.slice(firstAt(sorted, start), firstAt(sorted, end));
}
