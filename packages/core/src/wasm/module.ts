import { Bytes } from "./bytes.ts";
import { SIMD, T, W } from "./opcodes.ts";

export interface FunctionType {
	readonly params: readonly number[];
	readonly results: readonly number[];
}

/**
 * A function of the module: an import by its index, or a declared one by its number from DECLARED. Imports come first
 * in the module and are known last, so calls of declared functions are written padded, and mended at the end.
 */
export type FunctionIndex = number;
const DECLARED = 1 << 20;

/** The code of a function, and where in it declared functions are called. */
export interface FunctionBody {
	readonly bytes: Bytes;
	readonly calls: readonly { readonly at: number; readonly to: FunctionIndex }[];
	/** Where the code of each instruction begins: triples of offset, program and instruction, ascending. */
	readonly lines: readonly number[];
}

/** A module's bytes, where its memory's flag is, and `FunctionBody.lines` by offset in the bytes. */
export interface WrittenModule {
	readonly bytes: Uint8Array<ArrayBuffer>;
	readonly memoryFlagAt: number;
	readonly lines: readonly number[];
}

const SECTION = { CUSTOM: 0, TYPE: 1, IMPORT: 2, FUNCTION: 3, EXPORT: 7, CODE: 10 } as const;

/** Writes a module: types, imported functions, one imported memory and table, functions, exports; in any order. */
export class ModuleWriter {
	readonly #types: FunctionType[] = [];
	readonly #typeIndex = new Map<string, number>();
	/** The same by the object: most functions have one of two. */
	readonly #known = new Map<FunctionType, number>();
	/** By name, in the order of their indexes. */
	readonly #imports = new Map<string, { readonly index: number; readonly type: number }>();
	readonly #functions: { readonly type: number; body: FunctionBody | undefined }[] = [];
	readonly #exports: { readonly name: string; readonly index: FunctionIndex }[] = [];

	type(type: FunctionType): number {
		let index = this.#known.get(type);
		if (index !== undefined) return index;
		const key = `${type.params.join()}>${type.results.join()}`;
		index = this.#typeIndex.get(key) ?? this.#types.length;
		if (index === this.#types.length) this.#types.push(type);
		this.#typeIndex.set(key, index);
		this.#known.set(type, index);
		return index;
	}

	/** A function of the import module "env". */
	importFunction(name: string, params: readonly number[], results: readonly number[]): FunctionIndex {
		let known = this.#imports.get(name);
		if (known === undefined) {
			known = { index: this.#imports.size, type: this.type({ params, results }) };
			this.#imports.set(name, known);
		}
		return known.index;
	}

	/** Names of the imported functions. */
	get imported(): readonly string[] {
		return [...this.#imports.keys()];
	}

	declare(type: FunctionType): FunctionIndex {
		this.#functions.push({ type: this.type(type), body: undefined });
		return DECLARED + this.#functions.length - 1;
	}

	body(index: FunctionIndex, body: FunctionBody): void {
		this.#functions[index - DECLARED]!.body = body;
	}

	export(name: string, index: FunctionIndex): void {
		this.#exports.push({ name, index });
	}

	/**
	 * The bytes. `memoryFlagAt` is where the memory import's limits flag stands: 1 for an unshared memory with a
	 * maximum, 3 for a shared one; everything else is the same for both. `name` is what stack traces call it.
	 */
	write(name = ""): WrittenModule {
		const placed = (index: FunctionIndex) =>
			index < DECLARED ? index : index - DECLARED + this.#imports.size;
		const out = new Bytes(4096);
		out.append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
		section(out, SECTION.TYPE, (s) => {
			s.u32(this.#types.length);
			for (const { params, results } of this.#types) {
				s.byte(0x60);
				for (const list of [params, results]) {
					s.u32(list.length);
					for (const type of list) s.byte(type);
				}
			}
		});
		let flagInSection = 0;
		const importsAt = section(out, SECTION.IMPORT, (s) => {
			s.u32(this.#imports.size + 2);
			s.name("env");
			s.name("memory");
			s.byte(2);
			flagInSection = s.length;
			s.byte(1);
			s.u32(1);
			s.u32(65536);
			s.name("env");
			s.name("table");
			s.byte(1);
			s.byte(T.funcref);
			s.byte(0);
			s.u32(0);
			for (const [name, { type }] of this.#imports) {
				s.name("env");
				s.name(name);
				s.byte(0);
				s.u32(type);
			}
		});
		section(out, SECTION.FUNCTION, (s) => {
			s.u32(this.#functions.length);
			for (const { type } of this.#functions) s.u32(type);
		});
		section(out, SECTION.EXPORT, (s) => {
			s.u32(this.#exports.length);
			for (const { name, index } of this.#exports) {
				s.name(name);
				s.byte(0);
				s.u32(placed(index));
			}
		});
		const lines: number[] = [];
		const codeAt = section(out, SECTION.CODE, (s) => {
			s.u32(this.#functions.length);
			for (const { body } of this.#functions) {
				if (body === undefined) throw new RangeError("a function without a body");
				for (const { at, to } of body.calls) body.bytes.patch(at, placed(to));
				s.u32(body.bytes.length);
				for (let i = 0; i < body.lines.length; i += 3)
					lines.push(s.length + body.lines[i]!, body.lines[i + 1]!, body.lines[i + 2]!);
				s.append(body.bytes.view);
			}
		});
		for (let i = 0; i < lines.length; i += 3) lines[i] = lines[i]! + codeAt;
		if (name !== "")
			section(out, SECTION.CUSTOM, (s) => {
				s.name("name");
				// subsection 0: the module's name
				s.byte(0);
				s.u32(name.length + 1);
				s.name(name);
			});
		return { bytes: out.view.slice(), memoryFlagAt: importsAt + flagInSection, lines };
	}
}

/** Writes a section; where its contents start. */
function section(out: Bytes, id: number, write: (section: Bytes) => void): number {
	const contents = new Bytes(1024);
	write(contents);
	out.byte(id);
	out.u32(contents.length);
	const at = out.length;
	out.append(contents.view);
	return at;
}

/** The code of one function: locals behind the parameters, then instructions. */
export class FunctionWriter {
	readonly code: Bytes;
	readonly #params: number;
	readonly #locals: number[] = [];
	readonly #calls: { readonly at: number; readonly to: FunctionIndex }[] = [];
	readonly #lines: number[] = [];

	/** `size`: bytes to make room for at once. */
	constructor(params: number, size = 64) {
		this.#params = params;
		this.code = new Bytes(size);
	}

	/** How many there are, without the parameters. */
	get locals(): number {
		return this.#locals.length;
	}

	/** A new local of a type; its index. */
	local(type: number): number {
		this.#locals.push(type);
		return this.#params + this.#locals.length - 1;
	}

	/** Up to four bytes: no array is made of them (measured: a tenth of the translation). */
	op(a: number, b = -1, c = -1, d = -1): void {
		this.code.byte(a);
		if (b >= 0) this.code.byte(b);
		if (c >= 0) this.code.byte(c);
		if (d >= 0) this.code.byte(d);
	}

	/** What follows is the code of an instruction of a program. */
	line(program: number, insn: number): void {
		this.#lines.push(this.code.length, program, insn);
	}

	get(local: number): void {
		this.code.byte(W.local_get);
		this.code.u32(local);
	}

	set(local: number): void {
		this.code.byte(W.local_set);
		this.code.u32(local);
	}

	tee(local: number): void {
		this.code.byte(W.local_tee);
		this.code.u32(local);
	}

	i32(value: number): void {
		this.code.byte(W.i32_const);
		this.code.s32(value);
	}

	i64(low: number, high = low >> 31): void {
		this.code.byte(W.i64_const);
		this.code.s64(low, high);
	}

	/** A load or store; `align` is log2 of the alignment promised. */
	memory(op: number, offset: number, align = 0): void {
		this.code.byte(op);
		this.code.u32(align);
		this.code.u32(offset);
	}

	/** An atomic access; its alignment is its width. */
	atomic(op: number, offset: number, align: number): void {
		this.code.byte(W.atomic);
		this.code.u32(op);
		this.code.u32(align);
		this.code.u32(offset);
	}

	simd(op: number): void {
		this.code.byte(W.simd);
		this.code.u32(op);
	}

	/** Anywhere: no alignment is promised. */
	simdLoad(op: number, offset: number): void {
		this.simd(op);
		this.code.u32(0);
		this.code.u32(offset);
	}

	simdZero(): void {
		this.simd(SIMD.v128_const);
		for (let i = 0; i < 16; i++) this.code.byte(0);
	}

	simdLane(op: number, lane: number): void {
		this.simd(op);
		this.code.byte(lane);
	}

	call(index: FunctionIndex): void {
		this.code.byte(W.call);
		this.#callee(index);
	}

	returnCall(index: FunctionIndex): void {
		this.code.byte(W.return_call);
		this.#callee(index);
	}

	#callee(index: FunctionIndex): void {
		if (index < DECLARED) this.code.u32(index);
		else {
			this.#calls.push({ at: this.code.length, to: index });
			this.code.padded(0);
		}
	}

	/** The table is the module's only one. */
	returnCallIndirect(type: number): void {
		this.code.byte(W.return_call_indirect);
		this.code.u32(type);
		this.code.byte(0);
	}

	callIndirect(type: number): void {
		this.code.byte(W.call_indirect);
		this.code.u32(type);
		this.code.byte(0);
	}

	br(depth: number): void {
		this.code.byte(W.br);
		this.code.u32(depth);
	}

	brIf(depth: number): void {
		this.code.byte(W.br_if);
		this.code.u32(depth);
	}

	/** Declarations of locals and the code, ended. */
	finish(): FunctionBody {
		const out = new Bytes(this.code.length + 64);
		const runs: { type: number; count: number }[] = [];
		for (const type of this.#locals) {
			const last = runs[runs.length - 1];
			if (last?.type === type) last.count++;
			else runs.push({ type, count: 1 });
		}
		out.u32(runs.length);
		for (const { type, count } of runs) {
			out.u32(count);
			out.byte(type);
		}
		const head = out.length;
		out.append(this.code.view);
		out.byte(W.end);
		const lines = this.#lines;
		for (let i = 0; i < lines.length; i += 3) lines[i] = lines[i]! + head;
		return { bytes: out, calls: this.#calls.map(({ at, to }) => ({ at: head + at, to })), lines };
	}
}
