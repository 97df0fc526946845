/** What is changed: the objects of examples and benchmarks, and one made here with what those don't have. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import {
	assemble,
	BTF_INT,
	BTF_VAR,
	BtfBuilder,
	CORE,
	encodeInsns,
	R_BPF,
	readElf,
	SHF,
	SHT,
	STB,
	STT,
	writeBtfAndExt,
	writeElf,
} from "@tailhop/core";

export interface Original {
	readonly name: string;
	/** An object, or the bytes of a `.BTF` section. */
	readonly kind: "object" | "btf";
	readonly bytes: Uint8Array;
}

export function corpus(root: string): readonly Original[] {
	const files = ["examples", "bench/programs"].flatMap((folder) => objectsIn(join(root, folder)));
	const objects: Original[] = files.map((path) => ({
		name: relative(root, path).replaceAll("\\", "/"),
		kind: "object",
		bytes: new Uint8Array(readFileSync(path)),
	}));
	objects.push({ name: "made", kind: "object", bytes: madeObject() });
	const btf = objects.flatMap((object): Original[] => {
		const section = readElf(object.bytes).sections.find(({ name }) => name === ".BTF");
		return section === undefined
			? []
			: [{ name: `${object.name}:.BTF`, kind: "btf", bytes: section.data.slice() }];
	});
	return [...objects, ...btf];
}

function objectsIn(folder: string): string[] {
	return readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".o"))
		.sort()
		.map((name) => join(folder, name));
}

/** Every kind of type and of CO-RE record, slots by `.values` and by tag, data sections, externs, a subprogram. */
function madeObject(): Uint8Array {
	const b = new BtfBuilder();
	const int = b.int("int", 4, BTF_INT.SIGNED);
	const u32 = b.int("unsigned int", 4);
	const u64 = b.int("unsigned long", 8);
	const char = b.int("char", 1, BTF_INT.SIGNED);
	const ctx = b.ptr(
		b.struct("xdp_md", 8, [
			{ name: "data", type: u32, offset: 0 },
			{ name: "data_end", type: u32, offset: 4 },
		]),
	);
	const node = b.declare();
	b.define(
		node,
		BtfBuilder.composite("struct", "node", 40, [
			{ name: "next", type: b.ptr(node), offset: 0 },
			{ name: "name", type: b.array(char, 16), offset: 8 },
			{ name: "low", type: int, bitOffset: 192, bitSize: 3 },
			{ name: "high", type: int, bitOffset: 195, bitSize: 29 },
			{ name: "stamp", type: u64, bitOffset: 256, bitSize: 0 },
		]),
	);
	b.union("either", 8, [
		{ name: "wide", type: u64, offset: 0 },
		{ name: "narrow", type: int, offset: 0 },
	]);
	const functions = b.enum("bpf_func_id", { BPF_FUNC_tail_call: 12 });
	b.enum64("big", { HUGE: 0x1_0000_0000n });
	b.fwd("elsewhere");
	b.typedef("node_t", b.modifier("const", b.modifier("volatile", node)));
	b.modifier("restrict", b.ptr(b.typeTag("kptr", node)));
	b.float("double", 8);
	const proto = b.funcProto(int, [["ctx", ctx]]);
	const programs = ["entry", "target", "tagged"].map((name) => b.func(name, proto));
	const helper = b.func("helper", b.funcProto(int, [["a", int]]), 0);
	b.declTag("tail:jumps/2", programs[2]!);
	const slot = b.ptr(b.funcProto(0, []));
	const jumps = b.struct("", 40, [
		{ name: "type", type: b.ptr(b.array(int, 3)), offset: 0 },
		{ name: "max_entries", type: b.ptr(b.array(int, 4)), offset: 8 },
		{ name: "key", type: b.ptr(u32), offset: 16 },
		{ name: "value", type: b.ptr(u32), offset: 24 },
		{ name: "values", type: b.array(slot, 0), offset: 32 },
	]);
	const nodes = b.mapDefinition({ type: 1, max_entries: 8, map_flags: 1 }, { key: u32, value: node });
	const variable = (name: string, type: number, linkage: number = BTF_VAR.GLOBAL) =>
		b.var(name, type, linkage);
	b.datasec(".maps", 80, [
		{ type: variable("jumps", jumps), offset: 0, size: 40 },
		{ type: variable("nodes", nodes.id), offset: 40, size: 40 },
	]);
	b.datasec(".data", 8, [{ type: variable("counter", u64), offset: 0, size: 8 }]);
	b.datasec(".rodata", 4, [{ type: variable("limit", b.modifier("const", u32)), offset: 0, size: 4 }]);
	b.datasec(".bss", 64, [{ type: variable("seen", b.array(u64, 8)), offset: 0, size: 64 }]);
	b.datasec(".kconfig", 4, [{ type: variable("CONFIG_HZ", int, BTF_VAR.EXTERN), offset: 0, size: 4 }]);
	b.datasec("license", 4, [{ type: variable("_license", b.array(char, 4)), offset: 0, size: 4 }]);

	const code = (text: string) => encodeInsns(assemble(text).insns);
	/** By CO-RE kind: what the compiler would have put in; `node.stamp`, `node`, or the enum's value. */
	const answers = [32, 8, 1, 0, 0, 0, node, node, 1, 40, 1, 12, 1];
	const records = Object.values(CORE).map((kind) => ({
		offset: kind * 8,
		typeId: kind === CORE.ENUMVAL_EXISTS || kind === CORE.ENUMVAL_VALUE ? functions : node,
		access: kind <= CORE.FIELD_RSHIFT_U64 ? "0:4" : "0",
		kind,
	}));
	const sections = [
		code("r0 = 1\nexit"),
		code(
			`${answers.map((answer) => `r0 = ${answer}`).join("\n")}
			r6 = r1
			r2 = 0 ll
			r3 = 1
			call 12
			r1 = 0 ll
			r2 = 0 ll
			r3 = 0 ll
			r4 = 0 ll
			r1 = 3
			call local
			exit
			local:
			r0 = r1
			exit`,
		),
		code("r0 = 2\nexit"),
	];
	/** Byte offsets of the five lddw. */
	const loads = [1, 5, 7, 9, 11].map((insn) => (answers.length + insn) * 8);
	const { btf, ext } = writeBtfAndExt(b.build(), {
		funcs: [
			{ section: ".text", records: [{ offset: 0, typeId: helper }] },
			{ section: "xdp", records: [{ offset: 0, typeId: programs[0]! }] },
			{ section: "xdp/tail", records: [{ offset: 0, typeId: programs[1]! }] },
		],
		lines: [
			{ section: "xdp", records: [{ offset: 0, file: "made.c", text: "int entry(…)", line: 1, column: 1 }] },
		],
		coreRelos: [{ section: "xdp", records }],
	});
	const data = SHF.ALLOC | SHF.WRITE;
	const text = SHF.ALLOC | SHF.EXECINSTR;
	const part = (name: string, flags: number, bytes: Uint8Array, type: number = SHT.PROGBITS) => ({
		name,
		type,
		flags,
		data: bytes,
		addralign: 8,
	});
	const symbol = (name: string, section: number, value: number, size: number, type: number = STT.OBJECT) => ({
		name,
		section,
		value,
		size,
		type,
		bind: STB.GLOBAL,
	});
	return writeElf(
		[
			part(".text", text, sections[0]!),
			part("xdp", text, sections[1]!),
			part("xdp/tail", text, new Uint8Array([...sections[2]!, ...sections[2]!])),
			part(".maps", data, new Uint8Array(80)),
			part(".data", data, new Uint8Array(8)),
			part(".rodata", SHF.ALLOC, new Uint8Array(4)),
			{ ...part(".bss", data, new Uint8Array(0), SHT.NOBITS), size: 64 },
			part("license", data, new TextEncoder().encode("GPL\0")),
			part(".BTF", 0, btf),
			part(".BTF.ext", 0, ext),
		],
		[
			symbol("helper", 1, 0, sections[0]!.length, STT.FUNC),
			symbol("entry", 2, 0, sections[1]!.length - 16, STT.FUNC),
			symbol("target", 3, 0, 16, STT.FUNC),
			symbol("tagged", 3, 16, 16, STT.FUNC),
			symbol("jumps", 4, 0, 40),
			symbol("nodes", 4, 40, 40),
			symbol("counter", 5, 0, 8),
			symbol("limit", 6, 0, 4),
			symbol("seen", 7, 0, 64),
			symbol("_license", 8, 0, 4),
			symbol("CONFIG_HZ", 0, 0, 0, STT.NOTYPE),
			{ ...symbol("local", 2, sections[1]!.length - 16, 16, STT.FUNC), bind: STB.LOCAL },
		],
		[
			{ section: 2, offset: loads[0]!, type: R_BPF.R64_64, symbol: 5 },
			{ section: 2, offset: loads[1]!, type: R_BPF.R64_64, symbol: 7 },
			{ section: 2, offset: loads[2]!, type: R_BPF.R64_64, symbol: 8 },
			{ section: 2, offset: loads[3]!, type: R_BPF.R64_64, symbol: 9 },
			{ section: 2, offset: loads[4]!, type: R_BPF.R64_64, symbol: 11 },
			{ section: 4, offset: 32, type: R_BPF.R64_64, symbol: 3 },
		],
	);
}
