import type { Btf } from "../btf/index.ts";
import type { TailCallFacts } from "../flow/index.ts";
import type { Insn } from "../isa/index.ts";
import { specialFields } from "../maps/index.ts";
import type { LineInfo, LinkedMap, LinkedObject, LinkedProgram } from "../spec/index.ts";
import { Log } from "./log/log.ts";
import { type LoadFlags, type Privileges, privilegesOf, type VerifyOptions } from "./options.ts";
import { INSN, InsnAux } from "./program/aux.ts";
import type { UsedMap } from "./program/map-references.ts";
import type { Subprogram } from "./program/subprograms.ts";
import { NotModelled } from "./reject.ts";

const LIMIT = 1_000_000;

/** What all passes share about the program that is verified (kernel: struct bpf_verifier_env). */
export class Env {
	readonly object: LinkedObject;
	readonly program: LinkedProgram;
	readonly options: VerifyOptions;
	readonly insns: readonly Insn[];
	/** BTF that the program is loaded with: of its functions. */
	readonly btf: Btf | undefined;
	readonly type: number;
	readonly attachType: number;
	readonly flags: Partial<LoadFlags>;
	readonly privileges: Privileges;
	readonly gpl: boolean;
	readonly log: Log;
	readonly aux: InsnAux;
	readonly limit: number;
	readonly strictAlignment: boolean;
	/** Something passed that the kernel then cannot rewrite: a mistake of its own. */
	unconvertible = false;
	/** The loader's own checks are passed: the log ends with statistics. */
	begun = false;
	subprograms: Subprogram[] = [];
	/** Array and slot of each tail call, while every path had the same ones (kernel: map_ptr_state, map_key_state). */
	readonly tailCalls = new Map<number, TailCallFacts>();
	/** Functions whose BTF has been found not to fit their calls. */
	readonly unreliable = new Set<number>();
	/** Global subprograms that have been walked on their own. */
	readonly verified = new Set<number>();
	usedMaps: readonly UsedMap[] = [];
	readonly #maps: (UsedMap | undefined)[] = [];
	readonly #inner: (UsedMap & { readonly of: LinkedMap })[] = [];
	readonly #structs: string[] = [""];
	readonly #aluStates = new Map<number, { readonly state: number; readonly limit: number }>();
	readonly #loops = new Map<number, number>();
	#lastLine: LineInfo | undefined;

	constructor(object: LinkedObject, program: LinkedProgram, options: VerifyOptions) {
		this.object = object;
		this.program = program;
		this.options = options;
		this.insns = program.insns;
		this.btf = options.btf ?? object.btf;
		this.type = program.type;
		this.attachType = program.expectedAttachType;
		this.flags = { ...flagsOf(program.flags), ...options.flags };
		this.privileges = privilegesOf(options.capabilities);
		this.gpl = GPL.includes(options.license ?? object.license);
		this.log = new Log(options.logLevel ?? 0);
		this.aux = new InsnAux(program.insns.length);
		this.limit = options.limit ?? LIMIT;
		this.strictAlignment = this.flags.strictAlignment === true && this.flags.anyAlignment !== true;
	}

	/** The program is loaded with func_info. */
	get hasFuncInfo(): boolean {
		return this.subprograms.some(({ typeId }) => typeId !== 0);
	}

	map(index: number): UsedMap | undefined {
		const map = this.object.maps[index];
		if (map === undefined) return undefined;
		this.#maps[index] ??= { index, map, fields: specialFields(this.object.btf, map.valueTypeId) };
		return this.#maps[index];
	}

	/** A map by the number that registers carry: the object's, then the templates of maps in maps. */
	mapById(id: number): UsedMap {
		return this.map(id) ?? this.#inner[id - this.object.maps.length]!;
	}

	/** The template of a map in maps, as a map of its own. */
	innerOf(id: number): UsedMap | undefined {
		const inner = this.mapById(id).map.inner;
		if (inner === undefined) return undefined;
		const known = this.#inner.find(({ of }) => of === inner);
		if (known !== undefined) return known;
		const index = this.object.maps.length + this.#inner.length;
		// the kernel's template has no name
		const made = {
			index,
			of: inner,
			map: { ...inner, name: "" },
			fields: specialFields(this.object.btf, inner.valueTypeId),
		};
		this.#inner.push(made);
		return made;
	}

	/** The number of a kernel structure's name, and back: what PTR_TO_BTF_ID registers carry. */
	structId(name: string): number {
		const at = this.#structs.indexOf(name);
		return at >= 0 ? at : this.#structs.push(name) - 1;
	}
	structName(id: number): string {
		return this.#structs[id] ?? "";
	}

	/** Ends the verification: a rule is missing here. */
	notModelled(what: string): never {
		throw new NotModelled(what);
	}

	/** Speculation ends before this instruction. */
	isNospec(insn: number): boolean {
		return this.aux.has(insn, INSN.NOSPEC);
	}

	/** How arithmetic on pointers is masked, which must be the same on all ways; false: it is not (update_alu_sanitation_state). */
	setAluState(insn: number, state: number, limit: number): boolean {
		const known = this.#aluStates.get(insn);
		if (known !== undefined && known.state !== 0 && (known.state !== state || known.limit !== limit))
			return false;
		this.#aluStates.set(insn, { state, limit });
		return true;
	}
	clearAluState(insn: number): void {
		this.#aluStates.delete(insn);
	}

	/** A call of bpf_loop: with the same callback on all ways, and no flags, the kernel inlines it (update_loop_inline_state). */
	noteLoop(insn: number, zeroFlags: boolean, callback: number): void {
		const known = this.#loops.get(insn);
		if (known === undefined) this.#loops.set(insn, zeroFlags ? callback : -1);
		else if (!zeroFlags || known !== callback) this.#loops.set(insn, -1);
	}
	/** Calls of bpf_loop that are inlined. */
	get inlinedLoops(): readonly number[] {
		return [...this.#loops].filter(([, callback]) => callback >= 0).map(([insn]) => insn);
	}

	isIteratorNext(insn: number): boolean {
		const name = this.kfuncNameAt(insn);
		return name?.startsWith("bpf_iter_") === true && name.endsWith("_next");
	}

	/** `bpf_rcu_read_lock#12345`. */
	readonly kfuncText = (insn: number): string => `${this.kfuncNameAt(insn)}#${this.insns[insn]!.imm}`;

	/** Name of the kernel function that an instruction calls. */
	kfuncNameAt(insn: number): string | undefined {
		const { opcode, src, imm } = this.insns[insn]!;
		if (opcode !== 0x85 || src !== 2) return undefined;
		return this.options.kfuncName?.(imm) ?? this.program.kfuncs.find((each) => each.insn === insn)?.name;
	}

	/** An access to the stack that may break a fastcall pattern (check_fastcall_stack_contract). */
	touchedStack(subprogram: Subprogram, off: number, insn: number): void {
		if (subprogram.fastcallStackOff <= off || this.aux.has(insn, INSN.FASTCALL)) return;
		subprogram.fastcallStackOff = -32768;
		subprogram.removesSpills = false;
		for (let i = subprogram.start; i < subprogram.end; i++) this.aux.flags[i]! &= ~INSN.FASTCALL;
	}

	/** `; text @ file:line`, where the source changes (kernel: verbose_linfo). */
	linfo(insn: number, prefix = "; "): void {
		const line = this.#lineOf(insn);
		const last = this.#lastLine;
		if (line === undefined) return;
		if (line.file === last?.file && line.line === last.line && line.text === last.text) return;
		this.#lastLine = line;
		const file = line.file.slice(line.file.lastIndexOf("/") + 1);
		this.log.write(`${prefix}${(line.text ?? "").trimStart()} @ ${file}:${line.line}\n`);
	}

	#lineOf(insn: number): LineInfo | undefined {
		const lines = this.program.lines;
		let low = 0;
		let high = lines.length - 1;
		if (high < 0 || lines[0]!.insn > insn) return undefined;
		while (low < high) {
			const middle = (low + high + 1) >> 1;
			if (lines[middle]!.insn <= insn) low = middle;
			else high = middle - 1;
		}
		return lines[low];
	}
}

/** Licenses that are compatible with the GPL (kernel: license_is_gpl_compatible). */
const GPL: readonly string[] = [
	"GPL",
	"GPL v2",
	"GPL and additional rights",
	"Dual BSD/GPL",
	"Dual MIT/GPL",
	"Dual MPL/GPL",
];

const flagsOf = (flags: number): LoadFlags => ({
	strictAlignment: (flags & 1) !== 0,
	anyAlignment: (flags & 2) !== 0,
	testRndHi32: (flags & 4) !== 0,
	testStateFreq: (flags & 8) !== 0,
	sleepable: (flags & 16) !== 0,
	xdpHasFrags: (flags & 32) !== 0,
	testRegInvariants: (flags & 128) !== 0,
});
