/**
 * From a program's lines to what bpf(2) takes. Above LLVM's syntax (core's assembler) they know:
 *
 *     .rept 100 … .endr                                   the lines between, so often
 *     .func [global] int sum(u64 a, struct s16 *p __tag(nonnull))   a function's BTF prototype
 *     .btf                                                func_info for all functions, `static int NAME()`
 *     call kfunc bpf_rdonly_cast                          a kernel function by name
 */
import {
	assemble,
	BTF_FUNC,
	BTF_INT,
	BtfBuilder,
	type Insn,
	parseAssemblyFile,
	writeBtf,
} from "@tailhop/core";

export interface AssembledProgram {
	readonly insns: readonly Insn[];
	/** Names of maps.s, in the order of the indexes in `insns`. */
	readonly maps: readonly string[];
	/** Absent without `.func` and `.btf`. */
	readonly btf?: { readonly bytes: Uint8Array; readonly funcInfo: Uint8Array };
}

/** BTF ids of the kernel's functions and variables; undefined for one that it lacks. */
export type KernelIds = (name: string) => number | undefined;

/** The names that a program may use: those of maps.s. */
export function mapNames(mapsFile: string): string[] {
	const file = parseAssemblyFile(mapsFile, "maps.s");
	return [...file.maps.map(({ name }) => name), ...file.data.map(({ section }) => section)];
}

/** Throws TailhopError of the assembler, and SyntaxError for a directive. */
export function assembleProgram(
	lines: readonly string[],
	knownMaps: readonly string[],
	kernelIds: KernelIds = () => 1,
): AssembledProgram {
	const functions: Prototype[] = [];
	let wantsBtf = false;
	const code = repeat(lines).filter((line) => {
		if (line === ".btf") wantsBtf = true;
		else if (line.startsWith(".func ")) functions.push(parsePrototype(line));
		else return true;
		return false;
	});
	const text = code
		.map((line) =>
			line
				.replace(/\bcall kfunc ([A-Za-z_]\w*)/g, (_, name: string) => `call kfunc ${idOf(kernelIds, name)}`)
				.replace(/\bbtf_id\(([A-Za-z_]\w*)\)/g, (_, name: string) => `btf_id(${idOf(kernelIds, name)})`),
		)
		.join("\n");
	const used = new Set(
		[...text.matchAll(/= ([.\w]+)(?:\[0\](?:\s*[+-]\s*\w+)?)? ll\b/g)]
			.map((match) => match[1]!)
			.filter((name) => knownMaps.includes(name)),
	);
	const maps = [...used];
	const { insns, labels } = assemble(text, { maps });
	if (functions.length === 0 && !wantsBtf) return { insns, maps };
	return { insns, maps, btf: functionBtf(insns, labels, functions) };
}

function idOf(kernelIds: KernelIds, name: string): number {
	const id = kernelIds(name);
	if (id === undefined) throw new SyntaxError(`the kernel has no ${name}`);
	return id;
}

/** Expands `.rept`; one may stand in another. */
function repeat(lines: readonly string[]): string[] {
	const out: string[] = [];
	for (let i = 0; i < lines.length; i++) {
		const count = /^\.rept (\d+)$/.exec(lines[i]!);
		if (count === null) {
			out.push(lines[i]!);
			continue;
		}
		let depth = 1;
		let end = i;
		while (depth > 0) {
			end++;
			if (lines[end] === undefined) throw new SyntaxError(".rept without .endr");
			if (lines[end]!.startsWith(".rept ")) depth++;
			else if (lines[end] === ".endr") depth--;
		}
		const body = repeat(lines.slice(i + 1, end));
		for (let n = Number(count[1]); n > 0; n--) out.push(...body);
		i = end;
	}
	return out;
}

interface Prototype {
	readonly name: string;
	readonly global: boolean;
	readonly returns: string;
	readonly parameters: readonly {
		readonly type: string;
		readonly name: string;
		readonly tags: readonly string[];
	}[];
}

function parsePrototype(line: string): Prototype {
	const match = /^\.func (global |static )?(.*?)(\w+)\((.*)\)$/.exec(line);
	if (match === null) throw new SyntaxError(`no prototype: ${line}`);
	const [, linkage, returns, name, list] = match;
	return {
		name: name!,
		global: linkage === "global ",
		returns: returns!.trim(),
		parameters: list!
			.split(",")
			.map((text) => text.trim())
			.filter((text) => text !== "" && text !== "void")
			.map((text) => {
				const tags = [...text.matchAll(/__tag\((\w+)\)/g)].map((tag) => tag[1]!);
				const bare = /^(.*?)(\w+)$/.exec(text.replace(/__tag\(\w+\)/g, "").trim());
				if (bare === null) throw new SyntaxError(`no parameter: ${text}`);
				return { type: bare[1]!.trim(), name: bare[2]!, tags };
			}),
	};
}

/** Where functions start: at 0, and where calls and function pointers lead to. */
export function functionStarts(insns: readonly Insn[]): number[] {
	const starts = new Set([0]);
	for (const [index, { opcode, src, imm }] of insns.entries()) {
		if ((opcode === 0x85 && src === 1) || (opcode === 0x18 && src === 4)) {
			const target = index + imm + 1;
			if (target >= 0 && target < insns.length) starts.add(target);
		}
	}
	return [...starts].sort((a, b) => a - b);
}

function functionBtf(
	insns: readonly Insn[],
	labels: ReadonlyMap<string, number>,
	prototypes: readonly Prototype[],
): { bytes: Uint8Array; funcInfo: Uint8Array } {
	const builder = new BtfBuilder();
	const types = new Types(builder);
	const records = functionStarts(insns).flatMap((start) => {
		const names = [...labels].filter(([, at]) => at === start).map(([name]) => name);
		const known = prototypes.find(({ name }) => names.includes(name));
		const name = known?.name ?? names[0] ?? (start === 0 ? "main" : `f${start}`);
		const parameters = known?.parameters ?? [];
		const prototype = builder.funcProto(
			types.of(known?.returns ?? "int"),
			parameters.map((parameter) => [parameter.name, types.of(parameter.type)]),
		);
		const id = builder.func(name, prototype, known?.global ? BTF_FUNC.GLOBAL : BTF_FUNC.STATIC);
		for (const [index, { tags }] of parameters.entries())
			for (const tag of tags) builder.declTag(`arg:${tag}`, id, index);
		return [start, id];
	});
	return {
		bytes: writeBtf(builder.build()),
		funcInfo: new Uint8Array(Uint32Array.from(records).buffer),
	};
}

const INTS: Readonly<Record<string, readonly [name: string, size: number, encoding: number]>> = {
	int: ["int", 4, BTF_INT.SIGNED],
	bool: ["_Bool", 1, BTF_INT.BOOL],
	char: ["char", 1, BTF_INT.SIGNED],
	u8: ["unsigned char", 1, 0],
	u16: ["unsigned short", 2, 0],
	u32: ["unsigned int", 4, 0],
	u64: ["unsigned long", 8, 0],
	s8: ["signed char", 1, BTF_INT.SIGNED],
	s16: ["short", 2, BTF_INT.SIGNED],
	s32: ["int", 4, BTF_INT.SIGNED],
	s64: ["long", 8, BTF_INT.SIGNED],
};

/** C's types by their spelling. `struct sN` has N bytes; every other struct is a name and four bytes. */
class Types {
	readonly #builder: BtfBuilder;
	readonly #structs = new Map<string, number>();

	constructor(builder: BtfBuilder) {
		this.#builder = builder;
	}

	of(text: string): number {
		if (text.endsWith("*")) return this.#builder.ptr(this.of(text.slice(0, -1).trim()));
		if (text.startsWith("const ")) return this.#builder.modifier("const", this.of(text.slice(6)));
		if (text === "void") return 0;
		if (text === "float") return this.#builder.float("float", 4);
		const int = INTS[text];
		if (int !== undefined) return this.#builder.int(...int);
		const array = /^(.+)\[(\d+)\]$/.exec(text);
		if (array !== null) return this.#builder.array(this.of(array[1]!), Number(array[2]));
		const enumeration = /^enum (\w+)$/.exec(text);
		if (enumeration !== null) return this.#builder.enum(enumeration[1]!, { [`${enumeration[1]}_a`]: 1 });
		const fwd = /^fwd (\w+)$/.exec(text);
		if (fwd !== null) return this.#builder.fwd(fwd[1]!);
		const struct = /^struct (\w+)$/.exec(text);
		if (struct === null) throw new SyntaxError(`unknown type ${text}`);
		return this.#struct(struct[1]!);
	}

	#struct(name: string): number {
		const known = this.#structs.get(name);
		if (known !== undefined) return known;
		const size = Number(/^s(\d+)$/.exec(name)?.[1] ?? 4);
		const byte = this.#builder.int("unsigned char", 1);
		const id = this.#builder.struct(name, size, [
			{ name: "bytes", type: this.#builder.array(byte, size), offset: 0 },
		]);
		this.#structs.set(name, id);
		return id;
	}
}
