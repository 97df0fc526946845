import {
	alignOf,
	BTF_FUNC,
	BTF_INT,
	BTF_VAR,
	type Btf,
	btfName,
	findBtfTypes,
	resolveType,
	sizeOf,
	typeById,
} from "../btf/index.ts";
import { type ElfSymbol, SHN, STB, STT } from "../elf/index.ts";
import { MAP_FLAG } from "../isa/index.ts";
import { dataMap } from "./data-maps.ts";
import type { ExternSpec } from "./object.ts";
import { invalid, type Source, unsupported } from "./source.ts";
import type { MapSpec } from "./types.ts";

/** Externs are undefined symbols (libbpf: sym_is_extern). */
export function isExtern(symbol: ElfSymbol): boolean {
	return (
		symbol.section === SHN.UNDEF &&
		symbol.name !== "" &&
		symbol.type === STT.NOTYPE &&
		symbol.bind !== STB.LOCAL
	);
}

export interface Externs {
	readonly specs: readonly ExternSpec[];
	/** Index in `specs` by symbol index. */
	readonly bySymbol: ReadonlyMap<number, number>;
	/** The map of the kconfig values, if there are any. */
	readonly kconfig?: MapSpec;
}

/** The undefined symbols with what BTF says of them; kconfig values are laid out in their map as libbpf does. */
export function readExterns(source: Source): Externs {
	const specs: ExternSpec[] = [];
	const bySymbol = new Map<number, number>();
	const byName = new Map<string, number>();
	const declared = source.btf === undefined ? new Map<string, Declared>() : declaredIn(source.btf);
	for (const symbol of source.elf.symbols) {
		if (!isExtern(symbol)) continue;
		const known = byName.get(symbol.name);
		if (known !== undefined) {
			bySymbol.set(symbol.index, known);
			continue;
		}
		const { kind, typeId } = declared.get(symbol.name) ?? { kind: "unknown" as const, typeId: 0 };
		byName.set(symbol.name, specs.length);
		bySymbol.set(symbol.index, specs.length);
		specs.push({ name: symbol.name, weak: symbol.bind === STB.WEAK, kind, typeId });
	}
	const kconfig = source.btf === undefined ? undefined : kconfigMap(source.btf, specs);
	return { specs, bySymbol, ...(kconfig === undefined ? {} : { kconfig }) };
}

type Declared = Pick<ExternSpec, "kind" | "typeId">;

/** What the virtual sections `.kconfig` and `.ksyms` of BTF declare, by name. */
function declaredIn(btf: Btf): Map<string, Declared> {
	const found = new Map<string, Declared>();
	for (const [section, kind] of [
		[".kconfig", "kconfig"],
		[".ksyms", "ksym"],
	] as const) {
		for (const id of findBtfTypes(btf, section, "datasec")) {
			const datasec = typeById(btf, id);
			if (datasec.kind !== "datasec") continue;
			for (const { type } of datasec.vars) {
				const item = typeById(btf, type);
				if (item.kind === "var" && item.linkage === BTF_VAR.EXTERN)
					found.set(item.name, { kind, typeId: type });
				else if (item.kind === "func" && item.linkage === BTF_FUNC.EXTERN && kind === "ksym")
					found.set(item.name, { kind: "kfunc", typeId: type });
			}
		}
	}
	return found;
}

/** How a kconfig value is written (libbpf: find_kcfg_type). */
export type KconfigType = "bool" | "char" | "int" | "tristate" | "string";

/** The type of a kconfig variable (a BTF type id, not a VAR), and whether its integer is signed; undefined: none that libbpf knows. */
export function kconfigType(
	btf: Btf,
	typeId: number,
): { readonly type: KconfigType; readonly signed: boolean } | undefined {
	const type = resolveType(btf, typeId);
	switch (type.kind) {
		case "int": {
			if (type.encoding & BTF_INT.BOOL) return type.size === 1 ? { type: "bool", signed: false } : undefined;
			const signed = (type.encoding & BTF_INT.SIGNED) !== 0;
			if (type.size === 1) return { type: "char", signed };
			return [2, 4, 8].includes(type.size) ? { type: "int", signed } : undefined;
		}
		case "enum":
		case "enum64":
			return btfName(type) === "libbpf_tristate" ? { type: "tristate", signed: false } : undefined;
		case "array": {
			const element = resolveType(btf, type.type);
			const char = element.kind === "int" && element.size === 1 && !(element.encoding & BTF_INT.BOOL);
			return char && type.count > 0 ? { type: "string", signed: false } : undefined;
		}
		default:
			return undefined;
	}
}

/** Sorted by alignment (largest first), size and name, as libbpf lays them out (bpf_object__collect_externs). */
function kconfigMap(btf: Btf, specs: readonly ExternSpec[]): MapSpec | undefined {
	const items = specs
		.filter((one) => one.kind === "kconfig")
		.map(({ name, typeId: id }) => {
			const variable = typeById(btf, id);
			const typeId = variable.kind === "var" ? variable.type : 0;
			const where = { section: ".kconfig" };
			const size = sizeOf(btf, typeId) ?? invalid(`${name} has a type without size`, where);
			if (kconfigType(btf, typeId) === undefined)
				unsupported(
					`${name} has a type that no kconfig value has`,
					where,
					"Use bool, char, an integer, enum libbpf_tristate or char[].",
				);
			return { name, typeId, size, align: alignOf(btf, typeId) };
		})
		.sort((a, b) => b.align - a.align || a.size - b.size || (a.name < b.name ? -1 : 1));
	if (items.length === 0) return undefined;
	let end = 0;
	const variables = items.map(({ name, typeId, size, align }) => {
		const offset = Math.ceil(end / align) * align;
		end = offset + size;
		return { name, offset, size, typeId };
	});
	const [datasec] = findBtfTypes(btf, ".kconfig", "datasec");
	return {
		...dataMap(".kconfig", end, variables),
		flags: MAP_FLAG.RDONLY_PROG | MAP_FLAG.MMAPABLE,
		valueTypeId: datasec ?? 0,
		frozen: true,
	};
}
