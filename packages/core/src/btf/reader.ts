import { StringTable } from "../elf/index.ts";
import { TailhopError } from "../errors/index.ts";
import { checkTypes } from "./check.ts";
import { BTF_HEADER, BTF_INT, BTF_KINDS, BTF_MAGIC, BTF_VERSION } from "./constants.ts";
import { rememberSizes } from "./query.ts";
import type { Btf, BtfMember, BtfType } from "./types.ts";

const HINT = "Compile the object again with clang -g; pahole or a strip tool may have damaged its BTF.";

/** Types larger than this in one string section: BTF_MAX_NAME_OFFSET. */
const MAX_STRINGS = 0xff_ffff;

/** btf_type.info without its unused bits: kind_flag, kind, vlen. */
const INFO_MASK = 0x9f00_ffff;

const FLOAT_SIZES: ReadonlySet<number> = new Set([2, 4, 8, 12, 16]);
const ENUM_SIZES: ReadonlySet<number> = new Set([1, 2, 4, 8]);

/** The header and the extent of both sections, as offsets in the bytes. */
interface Layout {
	readonly view: DataView;
	readonly typeStart: number;
	readonly typeEnd: number;
	readonly strings: StringTable;
}

/**
 * Reads a `.BTF` section or /sys/kernel/btf/vmlinux (Documentation/bpf/btf.rst, checks of kernel/bpf/btf.c): all
 * kinds of linux/btf.h up to enum64. Whatever it returns is checked; an object's sections may still want a loader's
 * fix-up (datasec sizes and offsets).
 *
 * @throws TailhopError `btf/invalid` with `where.offset` in the bytes and, inside a type, `detail.typeId`.
 */
export function readBtf(bytes: Uint8Array): Btf {
	const { view, typeStart, typeEnd, strings } = readLayout(bytes);
	const types: BtfType[] = [Object.freeze({ kind: "void" })];
	/** Byte offset of each type, for the errors of the checks that follow. */
	const starts: number[] = [0];
	const fail = (id: number, message: string): never =>
		invalid(`type ${id}: ${message}`, starts[id] ?? typeEnd, id);

	for (let at = typeStart; at < typeEnd; ) {
		const id = types.length;
		starts.push(at);
		if (typeEnd - at < 12) fail(id, "the type section ends inside it");
		const info = view.getUint32(at + 4, true);
		const entry = KIND_READERS[(info >>> 24) & 0x1f];
		if ((info & ~INFO_MASK) !== 0) fail(id, `info 0x${info.toString(16)} has unknown bits`);
		if (entry === undefined) return fail(id, `unknown kind ${(info >>> 24) & 0x1f}`);
		const vlen = info & 0xffff;
		const end = at + 12 + (entry.fixed ?? 0) + (entry.each ?? 0) * vlen;
		if (end > typeEnd) fail(id, "the type section ends inside it");
		if (vlen !== 0 && entry.each === undefined) fail(id, `a ${entry.kind} with ${vlen} entries`);
		if (info >>> 31 === 1 && entry.flag !== true) fail(id, `a ${entry.kind} with kind_flag set`);
		const string = (offset: number) =>
			strings.at(offset) ??
			fail(id, `its name at ${offset} is outside the string section (${strings.bytes.length} bytes)`);
		const type = entry.read({
			view,
			at: at + 12,
			vlen,
			name: string(view.getUint32(at, true)),
			sizeOrType: view.getUint32(at + 8, true),
			flag: info >>> 31 === 1,
			string,
			fail: (message) => fail(id, message),
		});
		types.push(Object.freeze(type));
		at = end;
	}
	const btf: Btf = Object.freeze({ types: Object.freeze(types) });
	rememberSizes(btf, checkTypes(types, fail));
	return btf;
}

/** The string section of `.BTF` bytes: what `.BTF.ext` refers to. Throws as `readBtf`. */
export function readBtfStrings(bytes: Uint8Array): StringTable {
	return readLayout(bytes).strings;
}

function invalid(message: string, offset: number, typeId?: number): never {
	const detail = typeId === undefined ? {} : { detail: { typeId } };
	throw new TailhopError("btf/invalid", message, { section: ".BTF", offset }, { hint: HINT, ...detail });
}

function readLayout(bytes: Uint8Array): Layout {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (bytes.length < BTF_HEADER) invalid(`${bytes.length} bytes are no BTF header`, 0);
	const magic = view.getUint16(0, true);
	if (magic === 0x9feb) invalid("big-endian BTF", 0);
	if (magic !== BTF_MAGIC) invalid(`the magic number is 0x${magic.toString(16)}, not 0xeb9f`, 0);
	if (bytes[2] !== BTF_VERSION) invalid(`BTF version ${bytes[2]}`, 2);
	if (bytes[3] !== 0) invalid(`unknown flags ${bytes[3]}`, 3);
	const headerSize = view.getUint32(4, true);
	if (headerSize < BTF_HEADER || headerSize > bytes.length) invalid(`a header of ${headerSize} bytes`, 4);
	if (bytes.subarray(BTF_HEADER, headerSize).some((byte) => byte !== 0)) {
		invalid("a header with unknown fields", BTF_HEADER);
	}
	const typeOffset = view.getUint32(8, true);
	const typeLength = view.getUint32(12, true);
	const stringOffset = view.getUint32(16, true);
	const stringLength = view.getUint32(20, true);
	const size = bytes.length - headerSize;
	if (typeOffset % 4 !== 0) invalid(`types at ${typeOffset}, which is not a multiple of 4`, 8);
	if (typeOffset + typeLength > size) invalid(`${typeLength} bytes of types do not fit`, 12);
	if (stringOffset + stringLength > size) invalid(`${stringLength} bytes of strings do not fit`, 20);
	if (stringOffset < typeOffset + typeLength && typeOffset < stringOffset + stringLength) {
		invalid("types and strings overlap", 16);
	}
	const stringStart = headerSize + stringOffset;
	const strings = bytes.subarray(stringStart, stringStart + stringLength);
	if (strings.length === 0 || strings.length - 1 > MAX_STRINGS || strings[0] !== 0 || strings.at(-1) !== 0) {
		invalid("the string section does not begin and end with NUL", stringStart);
	}
	return {
		view,
		typeStart: headerSize + typeOffset,
		typeEnd: headerSize + typeOffset + typeLength,
		strings: new StringTable(strings),
	};
}

/** What a kind's reader gets; `at` is behind the three words that all kinds have, and everything is in bounds. */
interface RawType {
	readonly view: DataView;
	readonly at: number;
	readonly vlen: number;
	readonly name: string;
	readonly sizeOrType: number;
	readonly flag: boolean;
	readonly string: (offset: number) => string;
	readonly fail: (message: string) => never;
}

interface KindReader {
	readonly kind: BtfType["kind"];
	/** Bytes behind btf_type, once and per entry of vlen; `each` undefined: vlen must be 0. */
	readonly fixed?: number;
	readonly each?: number;
	/** The kind may have kind_flag. */
	readonly flag?: true;
	readonly read: (raw: RawType) => BtfType;
}

function each<T>(raw: RawType, size: number, read: (at: number) => T): readonly T[] {
	const out = new Array<T>(raw.vlen);
	for (let i = 0; i < raw.vlen; i++) out[i] = Object.freeze(read(raw.at + i * size));
	return Object.freeze(out);
}

function named(raw: RawType): string {
	return raw.name === "" ? raw.fail("it has no name") : raw.name;
}

function modifier(kind: "ptr" | "typedef" | "volatile" | "const" | "restrict"): KindReader {
	return {
		kind,
		read: (raw) => ({ kind, name: kind === "typedef" ? named(raw) : raw.name, type: raw.sizeOrType }),
	};
}

function composite(kind: "struct" | "union"): KindReader {
	const member = (raw: RawType, at: number): BtfMember => {
		const offset = raw.view.getUint32(at + 8, true);
		return {
			name: raw.string(raw.view.getUint32(at, true)),
			type: raw.view.getUint32(at + 4, true),
			bitOffset: raw.flag ? offset & 0xff_ffff : offset,
			bitSize: raw.flag ? offset >>> 24 : 0,
		};
	};
	return {
		kind,
		each: 12,
		flag: true,
		read: (raw) => ({
			kind,
			name: raw.name,
			size: raw.sizeOrType,
			kindFlag: raw.flag,
			members: each(raw, 12, (at) => member(raw, at)),
		}),
	};
}

function enumSize(raw: RawType): number {
	if (!ENUM_SIZES.has(raw.sizeOrType)) raw.fail(`an enum of ${raw.sizeOrType} bytes`);
	return raw.sizeOrType;
}

const READERS: readonly KindReader[] = [
	{
		kind: "int",
		fixed: 4,
		read: (raw) => {
			const word = raw.view.getUint32(raw.at, true);
			const encoding = (word >>> 24) & 0xf;
			const bitOffset = (word >>> 16) & 0xff;
			const bits = word & 0xff;
			if (word >>> 28 !== 0) raw.fail(`int data 0x${word.toString(16)} has unknown bits`);
			if (
				encoding !== 0 &&
				encoding !== BTF_INT.SIGNED &&
				encoding !== BTF_INT.CHAR &&
				encoding !== BTF_INT.BOOL
			) {
				raw.fail(`unknown int encoding ${encoding}`);
			}
			if (bits + bitOffset > 128 || bits + bitOffset > raw.sizeOrType * 8) {
				raw.fail(`${bits} bits at ${bitOffset} in an int of ${raw.sizeOrType} bytes`);
			}
			return { kind: "int", name: raw.name, size: raw.sizeOrType, bits, bitOffset, encoding };
		},
	},
	modifier("ptr"),
	{
		kind: "array",
		fixed: 12,
		read: ({ view, at }) => ({
			kind: "array",
			type: view.getUint32(at, true),
			indexType: view.getUint32(at + 4, true),
			count: view.getUint32(at + 8, true),
		}),
	},
	composite("struct"),
	composite("union"),
	{
		kind: "enum",
		each: 8,
		flag: true,
		read: (raw) => ({
			kind: "enum",
			name: raw.name,
			size: enumSize(raw),
			signed: raw.flag,
			values: each(raw, 8, (at) => ({
				name: raw.string(raw.view.getUint32(at, true)),
				value: raw.flag ? raw.view.getInt32(at + 4, true) : raw.view.getUint32(at + 4, true),
			})),
		}),
	},
	{ kind: "fwd", flag: true, read: (raw) => ({ kind: "fwd", name: raw.name, union: raw.flag }) },
	modifier("typedef"),
	modifier("volatile"),
	modifier("const"),
	modifier("restrict"),
	{
		kind: "func",
		// vlen is the linkage; no entries follow
		each: 0,
		read: (raw) => ({
			kind: "func",
			name: named(raw),
			type: raw.sizeOrType,
			linkage: linkage(raw, raw.vlen),
		}),
	},
	{
		kind: "func_proto",
		each: 8,
		read: (raw) => ({
			kind: "func_proto",
			type: raw.sizeOrType,
			params: each(raw, 8, (at) => ({
				name: raw.string(raw.view.getUint32(at, true)),
				type: raw.view.getUint32(at + 4, true),
			})),
		}),
	},
	{
		kind: "var",
		fixed: 4,
		read: (raw) => ({
			kind: "var",
			name: named(raw),
			type: raw.sizeOrType,
			linkage: linkage(raw, raw.view.getUint32(raw.at, true)),
		}),
	},
	{
		kind: "datasec",
		each: 12,
		read: (raw) => ({
			kind: "datasec",
			name: named(raw),
			size: raw.sizeOrType,
			vars: each(raw, 12, (at) => ({
				type: raw.view.getUint32(at, true),
				offset: raw.view.getUint32(at + 4, true),
				size: raw.view.getUint32(at + 8, true),
			})),
		}),
	},
	{
		kind: "float",
		read: (raw) => {
			if (!FLOAT_SIZES.has(raw.sizeOrType)) raw.fail(`a float of ${raw.sizeOrType} bytes`);
			return { kind: "float", name: raw.name, size: raw.sizeOrType };
		},
	},
	{
		kind: "decl_tag",
		fixed: 4,
		flag: true,
		read: (raw) => ({
			kind: "decl_tag",
			name: named(raw),
			type: raw.sizeOrType,
			component: raw.view.getInt32(raw.at, true),
			attribute: raw.flag,
		}),
	},
	{
		kind: "type_tag",
		flag: true,
		read: (raw) => ({ kind: "type_tag", name: named(raw), type: raw.sizeOrType, attribute: raw.flag }),
	},
	{
		kind: "enum64",
		each: 12,
		flag: true,
		read: (raw) => ({
			kind: "enum64",
			name: raw.name,
			size: enumSize(raw),
			signed: raw.flag,
			values: each(raw, 12, (at) => {
				const low = BigInt(raw.view.getUint32(at + 4, true));
				const high = raw.view.getUint32(at + 8, true);
				return {
					name: raw.string(raw.view.getUint32(at, true)),
					value: (BigInt(raw.flag ? high | 0 : high) << 32n) | low,
				};
			}),
		}),
	},
];

function linkage(raw: RawType, value: number): number {
	return value <= 2 ? value : raw.fail(`unknown linkage ${value}`);
}

/** By BTF_KIND_*. */
const KIND_READERS: readonly (KindReader | undefined)[] = BTF_KINDS.map((kind) =>
	READERS.find((reader) => reader.kind === kind),
);
