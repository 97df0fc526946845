import {
	BTF_VAR,
	BtfBuilder,
	type BtfExt,
	type FuncInfo,
	type LineInfoRecord,
	writeBtfAndExt,
} from "../btf/index.ts";
import {
	R_BPF,
	type RelocationInput,
	type SectionInput,
	SHF,
	SHT,
	STB,
	STT,
	type SymbolInput,
	writeElf,
} from "../elf/index.ts";
import { locate, TailhopError } from "../errors/index.ts";
import { encodeInsns, INSN_SIZE } from "../isa/index.ts";
import type { AssemblyFile, Binding } from "./assembly-file.ts";
import { ObjectTypes, VAR_LINKAGE } from "./object-types.ts";
import { parseAssemblyFile } from "./parse-file.ts";
import { roundUp } from "./value-types.ts";

const BIND: Readonly<Record<Binding, number>> = { local: STB.LOCAL, global: STB.GLOBAL, weak: STB.WEAK };

/** Bytes of `.maps`: 8 for each slot up to a map's last filled one. */
const MAX_MAPS = 0x100_0000;

/**
 * Assembles a file to an object like clang's: maps as BTF definitions in `.maps` with relocated values, one FUNC and
 * func_info per function (they return int, so that the kernel takes tail calls in subprograms), and line info that
 * points into the assembly file. `file` is the name that errors and line info carry.
 */
export function assembleObject(text: string, file: string): Uint8Array {
	return writeAssemblyObject(parseAssemblyFile(text, file));
}

/** Writes an assembly file as an ELF object; the same bytes for the same file. */
export function writeAssemblyObject(file: AssemblyFile): Uint8Array {
	const writer = new ObjectWriter(file);
	try {
		return writer.write();
	} catch (error) {
		throw locate(error, { file: file.file });
	}
}

class ObjectWriter {
	readonly #file: AssemblyFile;
	readonly #builder = new BtfBuilder();
	readonly #types = new ObjectTypes(this.#builder);
	readonly #sections: SectionInput[] = [];
	readonly #symbols: SymbolInput[] = [];
	/** Position in `#symbols`, from 1, by name. */
	readonly #symbolOf = new Map<string, number>();
	/** Where functions of local binding start: section, and byte in it. */
	readonly #localFunctions = new Map<string, { section: number; value: number }>();
	/** Position in `#symbols`, from 1, of the STT_SECTION symbol by section. */
	readonly #sectionSymbols = new Map<number, number>();
	readonly #relocations: RelocationInput[] = [];
	readonly #funcs: { section: string; records: FuncInfo[] }[] = [];
	readonly #lines: { section: string; records: LineInfoRecord[] }[] = [];

	constructor(file: AssemblyFile) {
		this.#file = file;
	}

	write(): Uint8Array {
		const code = this.#file.code.map((one) => this.#code(one));
		this.#data();
		this.#maps();
		for (const [i, { references }] of this.#file.code.entries())
			for (const { insn, kind, name } of references) {
				const offset = insn * INSN_SIZE;
				if (kind === "call") this.#relocate(code[i]!, offset, R_BPF.R64_32, name);
				else if (this.#localFunctions.has(name))
					this.#pointTo(code[i]!, offset, this.#localFunctions.get(name)!);
				else this.#relocate(code[i]!, offset, R_BPF.R64_64, name);
			}
		if (this.#file.license !== undefined)
			this.#section({
				name: "license",
				type: SHT.PROGBITS,
				flags: SHF.ALLOC | SHF.WRITE,
				data: new TextEncoder().encode(`${this.#file.license}\0`),
			});
		const ext: BtfExt = { funcs: this.#funcs, lines: this.#lines, coreRelos: [] };
		const btf = writeBtfAndExt(this.#builder.build(), ext);
		this.#section({ name: ".BTF", type: SHT.PROGBITS, data: btf.btf, addralign: 4 });
		this.#section({ name: ".BTF.ext", type: SHT.PROGBITS, data: btf.ext, addralign: 4 });
		return writeElf(this.#sections, this.#symbols, this.#relocations);
	}

	#section(section: SectionInput): number {
		return this.#sections.push(section);
	}

	#relocate(section: number, offset: number, type: number, name: string): void {
		this.#relocations.push({ section, offset, type, symbol: this.#symbolOf.get(name)! });
	}

	/** A pointer to a local function: libbpf wants the section's symbol, and the function's offset in imm. */
	#pointTo(section: number, offset: number, target: { section: number; value: number }): void {
		let symbol = this.#sectionSymbols.get(target.section);
		if (symbol === undefined) {
			symbol = this.#symbols.push({ name: "", section: target.section, type: STT.SECTION });
			this.#sectionSymbols.set(target.section, symbol);
		}
		this.#relocations.push({ section, offset, type: R_BPF.R64_64, symbol });
		const data = this.#sections[section - 1]!.data!;
		new DataView(data.buffer, data.byteOffset).setInt32(offset + 4, target.value, true);
	}

	#symbol(symbol: SymbolInput): void {
		this.#symbolOf.set(symbol.name, this.#symbols.push(symbol));
	}

	#code({ section, functions, insns, lines }: AssemblyFile["code"][number]): number {
		const index = this.#section({
			name: section,
			type: SHT.PROGBITS,
			flags: SHF.ALLOC | SHF.EXECINSTR,
			data: encodeInsns(insns),
			addralign: 8,
		});
		const funcs: FuncInfo[] = [];
		for (const one of functions) {
			this.#symbol({
				name: one.name,
				section: index,
				value: one.start * INSN_SIZE,
				size: (one.end - one.start) * INSN_SIZE,
				type: STT.FUNC,
				bind: BIND[one.binding],
			});
			if (one.binding === "local")
				this.#localFunctions.set(one.name, { section: index, value: one.start * INSN_SIZE });
			funcs.push({
				offset: one.start * INSN_SIZE,
				typeId: this.#types.function(one, section !== ".text"),
			});
		}
		this.#funcs.push({ section, records: funcs });
		this.#lines.push({
			section,
			records: lines.map(({ insn, line, column, text }) => ({
				offset: insn * INSN_SIZE,
				file: this.#file.file,
				text,
				line,
				column,
			})),
		});
		return index;
	}

	#data(): void {
		for (const { section, bytes, size, align, variables } of this.#file.data) {
			if (size === 0) continue;
			const index = this.#section({
				name: section,
				type: bytes === undefined ? SHT.NOBITS : SHT.PROGBITS,
				flags: SHF.ALLOC | (section.startsWith(".rodata") ? 0 : SHF.WRITE),
				...(bytes === undefined ? { size } : { data: bytes }),
				addralign: align,
			});
			const vars = variables.map((variable) => {
				this.#symbol({
					name: variable.name,
					section: index,
					value: variable.offset,
					size: variable.size,
					type: STT.OBJECT,
					bind: BIND[variable.binding],
				});
				const type = this.#types.value(variable.type);
				const id = this.#builder.var(
					variable.name,
					section.startsWith(".rodata") ? this.#builder.modifier("const", type) : type,
					VAR_LINKAGE[variable.binding],
				);
				return { type: id, offset: variable.offset, size: variable.size };
			});
			if (vars.length > 0) this.#builder.datasec(section, size, vars);
		}
	}

	#maps(): void {
		const { maps } = this.#file;
		if (maps.length === 0) return;
		const byName = new Map(maps.map((map) => [map.name, map]));
		const index = this.#sections.length + 1;
		const slots: { offset: number; target: string }[] = [];
		const vars: { type: number; offset: number; size: number }[] = [];
		let end = 0;
		for (const map of maps) {
			const { id, size, values } = this.#types.map(
				map,
				map.inner === undefined ? undefined : byName.get(map.inner)!,
			);
			const offset = roundUp(end, 8);
			end = offset + size;
			if (end > MAX_MAPS)
				throw new TailhopError(
					"asm/range",
					`the values of map ${map.name} take ${size} bytes`,
					{ map: map.name },
					{
						hint: "slots this high are filled at run time",
					},
				);
			this.#symbol({
				name: map.name,
				section: index,
				value: offset,
				size,
				type: STT.OBJECT,
				bind: STB.GLOBAL,
			});
			vars.push({ type: this.#builder.var(map.name, id, BTF_VAR.GLOBAL), offset, size });
			for (const value of map.values)
				slots.push({ offset: offset + values + value.index * 8, target: value.target });
		}
		this.#section({
			name: ".maps",
			type: SHT.PROGBITS,
			flags: SHF.ALLOC | SHF.WRITE,
			data: new Uint8Array(end),
			addralign: 8,
		});
		this.#builder.datasec(".maps", end, vars);
		for (const { offset, target } of slots) this.#relocate(index, offset, R_BPF.R64_64, target);
	}
}
