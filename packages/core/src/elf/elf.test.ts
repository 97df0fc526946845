import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TailhopError } from "../errors/index.ts";
import { type ElfFile, R_BPF, readElf, SHF, SHN, SHT, STB, STT, StringTable, writeElf } from "./index.ts";

const TEXT = new Uint8Array(32).fill(7);

/** Two code sections, a map section, `.bss`, a local and two global symbols, two relocations. */
function sample(): Uint8Array {
	return writeElf(
		[
			{ name: ".text", type: SHT.PROGBITS, flags: SHF.ALLOC | SHF.EXECINSTR, data: TEXT, addralign: 8 },
			{ name: "xdp", type: SHT.PROGBITS, flags: SHF.ALLOC | SHF.EXECINSTR, data: TEXT, addralign: 8 },
			{
				name: ".maps",
				type: SHT.PROGBITS,
				flags: SHF.ALLOC | SHF.WRITE,
				data: new Uint8Array(16),
				addralign: 8,
			},
			{ name: ".bss", type: SHT.NOBITS, flags: SHF.ALLOC | SHF.WRITE, size: 4096, addralign: 8 },
			{ name: "license", type: SHT.PROGBITS, flags: SHF.ALLOC, data: new TextEncoder().encode("GPL\0") },
		],
		[
			{ name: "main", section: 2, size: 32, type: STT.FUNC, bind: STB.GLOBAL },
			{ name: "helper", section: 1, value: 16, size: 16, type: STT.FUNC },
			{ name: "jumps", section: 3, size: 16, type: STT.OBJECT, bind: STB.GLOBAL },
			{ name: "outside", section: SHN.UNDEF, bind: STB.WEAK },
		],
		[
			{ section: 2, offset: 0, type: R_BPF.R64_64, symbol: 3 },
			{ section: 2, offset: 16, type: R_BPF.R64_32, symbol: 2 },
		],
	);
}

function errorOf(run: () => unknown): TailhopError {
	try {
		run();
	} catch (error) {
		if (error instanceof TailhopError) return error;
		throw error;
	}
	throw new Error("no error");
}

type Place = number | { section: number; field: number } | { symbol: number; field: number };

/** The sample with some bytes replaced; `at` is an offset in the file, in a section header, or in a symbol. */
function edited(at: Place, bytes: readonly number[]): Uint8Array {
	const file = sample();
	const view = new DataView(file.buffer);
	const header = (section: number) => Number(view.getBigUint64(40, true)) + section * 64;
	const SYMTAB = 7;
	if (typeof at === "number") file.set(bytes, at);
	else if ("section" in at) file.set(bytes, header(at.section) + at.field);
	else file.set(bytes, Number(view.getBigUint64(header(SYMTAB) + 24, true)) + at.symbol * 24 + at.field);
	return file;
}

const view = (elf: ElfFile) => ({
	sections: elf.sections.map(({ name, type, size }) => [name, type, size]),
	symbols: elf.symbols.map(({ name, section, value, size, bind }) => [name, section, value, size, bind]),
	relocations: elf.relocations.map(({ section, offset, type, symbol }) => [
		section,
		offset,
		type,
		elf.symbols[symbol]!.name,
	]),
});

describe("what is written is read", () => {
	test("sections in their order, locals before globals, relocations follow their symbols", () => {
		expect(view(readElf(sample()))).toEqual({
			sections: [
				["", SHT.NULL, 0],
				[".text", SHT.PROGBITS, 32],
				["xdp", SHT.PROGBITS, 32],
				[".maps", SHT.PROGBITS, 16],
				[".bss", SHT.NOBITS, 4096],
				["license", SHT.PROGBITS, 4],
				[".relxdp", SHT.REL, 32],
				[".symtab", SHT.SYMTAB, 120],
				[".strtab", SHT.STRTAB, 80],
			],
			symbols: [
				["", 0, 0, 0, STB.LOCAL],
				["helper", 1, 16, 16, STB.LOCAL],
				["main", 2, 0, 32, STB.GLOBAL],
				["jumps", 3, 0, 16, STB.GLOBAL],
				["outside", 0, 0, 0, STB.WEAK],
			],
			relocations: [
				[2, 0, R_BPF.R64_64, "jumps"],
				[2, 16, R_BPF.R64_32, "helper"],
			],
		});
	});

	test("the same arguments give the same bytes, and section data are views on the file", () => {
		const file = sample();
		expect(sample()).toEqual(file);
		const elf = readElf(file);
		expect(elf.sections[2]!.data.buffer).toBe(file.buffer);
		expect(elf.sections[2]!.data).toEqual(TEXT);
		expect(elf.sections[4]!.data).toHaveLength(0);
	});

	test("any names, bytes and symbols", () => {
		const name = fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !text.includes("\0"));
		const section = fc.record({
			name,
			data: fc.uint8Array({ maxLength: 40 }),
			addralign: fc.constantFrom(1, 4, 8),
		});
		fc.assert(
			fc.property(
				fc.array(section, { minLength: 1, maxLength: 5 }),
				fc.array(name, { maxLength: 5 }),
				(given, names) => {
					const sections = given.map((one) => ({ ...one, type: SHT.PROGBITS }));
					const symbols = names.map((text, i) => ({
						name: text,
						section: (i % sections.length) + 1,
						bind: i % 2,
					}));
					const elf = readElf(writeElf(sections, symbols, []));
					expect(elf.sections.slice(1, -2).map(({ name: text, data }) => [text, [...data]])).toEqual(
						given.map((one) => [one.name, [...one.data]]),
					);
					expect(elf.symbols.slice(1).map((symbol) => symbol.name)).toEqual([
						...names.filter((_, i) => i % 2 === 0),
						...names.filter((_, i) => i % 2 === 1),
					]);
				},
			),
		);
	});

	test.each([
		["a symbol's section", () => writeElf([], [{ name: "a", section: 1 }], [])],
		["a relocation's section", () => writeElf([], [], [{ section: 1, offset: 0, type: 1, symbol: 1 }])],
		[
			"a relocation's symbol",
			() => writeElf([{ name: "a", type: 1 }], [], [{ section: 1, offset: 0, type: 1, symbol: 1 }]),
		],
		["a name", () => writeElf([{ name: "a\0b", type: 1 }], [], [])],
	])("%s that cannot be written is an error", (_, write) => {
		expect(errorOf(write).code).toBe("elf/invalid");
	});
});

describe("bytes that lie", () => {
	const SHDR = { NAME: 0, TYPE: 4, FLAGS: 8, OFFSET: 24, SIZE: 32, LINK: 40, INFO: 44, ENTSIZE: 56 };
	const ALL_ONES = new Array<number>(8).fill(0xff);
	const BIG = [0, 0, 0, 0, 1, 0, 0, 0];
	test.each([
		["another magic number", edited(0, [0]), "elf/invalid", "not an ELF file"],
		["32 bits", edited(4, [1]), "elf/unsupported", "32-bit"],
		["class 3", edited(4, [3]), "elf/invalid", "class 3"],
		["data encoding 3", edited(5, [3]), "elf/invalid", "encoding 3"],
		["version 2", edited(6, [2]), "elf/invalid", "version 2"],
		["big endian", edited(5, [2]), "elf/unsupported", "big-endian"],
		["x86-64", edited(18, [62]), "elf/unsupported", "machine 62"],
		["section headers at 2^32", edited(40, BIG), "elf/invalid", "do not fit"],
		["section headers at 2^64 - 1", edited(40, ALL_ONES), "elf/invalid", "offset of the section headers"],
		["no section headers", edited(40, new Array<number>(8).fill(0)), "elf/invalid", "no section headers"],
		["section headers of 32 bytes", edited(58, [32]), "elf/invalid", "of 32 bytes"],
		["65,535 sections", edited(60, [0xff, 0xff]), "elf/invalid", "do not fit"],
		["extended numbering", edited(60, [0, 0]), "elf/unsupported", "65,279"],
		["names in no section", edited(62, [200]), "elf/invalid", "section names"],
		["names in a code section", edited(62, [2]), "elf/invalid", "not a string table"],
		[
			"a name outside",
			edited({ section: 1, field: SHDR.NAME }, [0xff, 0xff]),
			"elf/invalid",
			"no valid name",
		],
		["a section at 2^32", edited({ section: 2, field: SHDR.OFFSET }, BIG), "elf/invalid", "do not fit"],
		[
			"a section of 2^64 - 1",
			edited({ section: 2, field: SHDR.SIZE }, ALL_ONES),
			"elf/invalid",
			"size of a section",
		],
		["a .bss of 2^32", edited({ section: 4, field: SHDR.SIZE }, BIG), "elf/invalid", "at most 4 GiB"],
		["symbols of 16 bytes", edited({ section: 7, field: SHDR.ENTSIZE }, [16]), "elf/invalid", "not 24"],
		[
			"half a symbol",
			edited({ section: 7, field: SHDR.SIZE }, [100]),
			"elf/invalid",
			"whole number of symbols",
		],
		["symbol names in code", edited({ section: 7, field: SHDR.LINK }, [1]), "elf/invalid", "no symbol names"],
		["two symbol tables", edited({ section: 1, field: SHDR.TYPE }, [2]), "elf/invalid", "two symbol tables"],
		["a symbol in section 99", edited({ symbol: 2, field: 6 }, [99]), "elf/invalid", "in section 99"],
		[
			"a symbol in an extended section",
			edited({ symbol: 2, field: 6 }, [0xff, 0xff]),
			"elf/unsupported",
			"65,279",
		],
		["a symbol at 2^64 - 1", edited({ symbol: 2, field: 8 }, ALL_ONES), "elf/invalid", "the value"],
		["a symbol of 2^64 - 1", edited({ symbol: 2, field: 16 }, ALL_ONES), "elf/invalid", "the size"],
		["relocations of 24 bytes", edited({ section: 6, field: SHDR.ENTSIZE }, [24]), "elf/invalid", "not 16"],
		[
			"half a relocation",
			edited({ section: 6, field: SHDR.SIZE }, [24]),
			"elf/invalid",
			"number of relocations",
		],
		["relocations of itself", edited({ section: 6, field: SHDR.INFO }, [6]), "elf/invalid", "which is none"],
		[
			"relocations of nothing",
			edited({ section: 6, field: SHDR.INFO }, [99]),
			"elf/invalid",
			"which is none",
		],
		["symbols from code", edited({ section: 6, field: SHDR.LINK }, [1]), "elf/invalid", "no symbol table"],
		[
			"relocations out of a small section",
			edited({ section: 6, field: SHDR.INFO }, [5]),
			"elf/invalid",
			"outside",
		],
	])("%s", (_, file, code, message) => {
		const error = errorOf(() => readElf(file));
		expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
		expect(error.where.offset).toBeTypeOf("number");
		expect(error.hint).toBeTypeOf("string");
	});

	test("the file cut at any byte", () => {
		const file = sample();
		for (let length = 0; length < file.length; length++) {
			expect(errorOf(() => readElf(file.slice(0, length))).code).toBe("elf/invalid");
		}
	});

	test("relocation sections that overlap do not multiply", () => {
		const relocated = new Uint8Array(64);
		const table = { type: SHT.REL, entsize: 16, info: 1, link: 8, data: new Uint8Array(16 * 64) };
		const tables = ["a", "b", "c", "d", "e", "f"].map((name) => ({ ...table, name }));
		const text = { name: "text", type: SHT.PROGBITS, data: relocated };
		expect(readElf(writeElf([text, ...tables], [], [])).relocations).toHaveLength(6 * 64);
		const file = writeElf([text, ...tables], [], []);
		const view = new DataView(file.buffer);
		const header = (section: number) => Number(view.getBigUint64(40, true)) + section * 64;
		for (let section = 2; section <= 7; section++) {
			view.setBigUint64(header(section) + 24, view.getBigUint64(header(2) + 24, true), true);
			view.setBigUint64(header(section) + 32, 16n * 64n * 4n, true);
		}
		expect(errorOf(() => readElf(file)).message).toMatch(/overlap/);
	});

	test("any byte replaced gives an object or a typed error", () => {
		const original = sample();
		const edit = fc.record({
			at: fc.nat(original.length - 1),
			bytes: fc.oneof(
				fc.uint8Array({ minLength: 1, maxLength: 8 }),
				fc.constant(new Uint8Array(8).fill(0xff)),
			),
		});
		fc.assert(
			fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
				const file = original.slice();
				for (const { at, bytes } of edits) file.set(bytes.subarray(0, file.length - at), at);
				try {
					const elf = readElf(file);
					for (const { symbol, section } of elf.relocations) {
						expect(elf.symbols[symbol]).toBeDefined();
						expect(elf.sections[section]).toBeDefined();
					}
				} catch (error) {
					if (!(error instanceof TailhopError)) throw error;
				}
			}),
			{ numRuns: 2000 },
		);
	});
});

describe("string tables", () => {
	test("names at any offset, also in the middle of another", () => {
		const table = new StringTable(new TextEncoder().encode("\0one\0größe\0"));
		expect([table.at(0), table.at(1), table.at(2), table.at(5)]).toEqual(["", "one", "ne", "größe"]);
	});

	test("nothing outside, and nothing without an end", () => {
		const table = new StringTable(new TextEncoder().encode("\0one"));
		expect([table.at(0), table.at(1), table.at(4), table.at(0xffff_ffff)]).toEqual([
			"",
			undefined,
			undefined,
			undefined,
		]);
	});

	test("a megabyte of overlapping names is answered at once", () => {
		for (const filler of [0x61, 0xc3]) {
			const bytes = new Uint8Array(1 << 20).fill(filler);
			bytes[bytes.length - 1] = 0;
			const table = new StringTable(bytes);
			const start = performance.now();
			for (let i = 0; i < 50_000; i++) table.at(i);
			expect(performance.now() - start).toBeLessThan(2000);
		}
	});
});
