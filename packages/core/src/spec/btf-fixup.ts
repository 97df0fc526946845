import { BTF_FUNC, BTF_VAR, type Btf, type BtfOf, type BtfType } from "../btf/index.ts";
import { type ElfSymbol, STB, STV } from "../elf/index.ts";
import { deepFreeze } from "./freeze.ts";
import { invalid, type Source } from "./source.ts";
import type { MapSpec } from "./types.ts";

/** Symbols that the linker does not show: libbpf makes their BTF static. */
export const isHidden = ({ visibility }: ElfSymbol) =>
	visibility === STV.HIDDEN || visibility === STV.INTERNAL;

const DUMMY = "dummy_ksym";

/**
 * The object's BTF as the kernel wants it (libbpf: btf_fixup_datasec, bpf_object__collect_externs): DATASECs with the
 * sizes and offsets that clang leaves 0, hidden variables and functions static, externs made into variables that
 * exist. Ids don't change; a type may be added at the end.
 */
export function fixBtf(source: Source, kconfig: MapSpec | undefined): Btf | undefined {
	const { btf, elf } = source;
	if (btf === undefined) return undefined;
	const types: BtfType[] = btf.types.slice();
	const names = new Map<string, ElfSymbol>();
	const hidden = new Set<string>();
	for (const symbol of elf.symbols) {
		if (symbol.bind === STB.LOCAL || symbol.name === "" || symbol.section === 0) continue;
		if (!names.has(symbol.name)) names.set(symbol.name, symbol);
		if (isHidden(symbol)) hidden.add(symbol.name);
	}
	for (const [id, type] of btf.types.entries()) {
		if (type.kind === "func" && type.linkage === BTF_FUNC.GLOBAL && hidden.has(type.name))
			types[id] = { ...type, linkage: BTF_FUNC.STATIC };
		if (type.kind !== "datasec") continue;
		if (type.name === ".kconfig") types[id] = kconfigSection(types, type, kconfig);
		else if (type.name === ".ksyms") types[id] = ksymsSection(types, type);
		else types[id] = dataSection(source, types, type, names);
	}
	return deepFreeze({ types });
}

function dataSection(
	source: Source,
	types: BtfType[],
	datasec: BtfOf<"datasec">,
	names: ReadonlyMap<string, ElfSymbol>,
): BtfType {
	const section = source.sections.get(datasec.name);
	const vars = datasec.vars.map((item) => {
		const variable = types[item.type]!;
		if (variable.kind !== "var" || variable.linkage !== BTF_VAR.GLOBAL) return item;
		const symbol = names.get(variable.name);
		if (symbol === undefined || section === undefined || symbol.section !== section.index) return item;
		if (isHidden(symbol)) types[item.type] = { ...variable, linkage: BTF_VAR.STATIC };
		return datasec.size === 0 ? { ...item, offset: symbol.value } : item;
	});
	const size = datasec.size || (section?.size ?? 0);
	for (const item of vars)
		if (item.offset + item.size > size)
			invalid(`a variable of DATASEC ${datasec.name} reaches past its end`, { section: datasec.name });
	return { ...datasec, size, vars: vars.sort((a, b) => a.offset - b.offset) };
}

function kconfigSection(types: BtfType[], datasec: BtfOf<"datasec">, kconfig: MapSpec | undefined): BtfType {
	const placed = new Map(kconfig?.variables.map((one) => [one.name, one]));
	const vars: { type: number; offset: number; size: number }[] = [];
	for (const { type } of datasec.vars) {
		const variable = types[type]!;
		const at = variable.kind === "var" ? placed.get(variable.name) : undefined;
		if (variable.kind !== "var" || at === undefined) continue;
		types[type] = { ...variable, linkage: BTF_VAR.GLOBAL };
		vars.push({ type, offset: at.offset, size: at.size });
	}
	return { ...datasec, size: kconfig?.valueSize ?? 0, vars: vars.sort((a, b) => a.offset - b.offset) };
}

/** The kernel takes no extern here: each stands as a 4-byte integer, functions as one variable of that name. */
function ksymsSection(types: BtfType[], datasec: BtfOf<"datasec">): BtfType {
	const int = types.findIndex((one) => one.kind === "int" && one.bits === 32);
	if (int < 0) return { ...datasec, size: 0, vars: [] };
	let dummy = 0;
	const vars = datasec.vars.map(({ type }, i) => {
		const item = types[type]!;
		if (item.kind === "var") types[type] = { ...item, linkage: BTF_VAR.GLOBAL, type: int };
		if (item.kind !== "func") return { type, offset: i * 4, size: 4 };
		types[type] = { ...item, linkage: BTF_FUNC.GLOBAL };
		nameParameters(types, item.type);
		if (dummy === 0) {
			dummy = types.length;
			types.push({ kind: "var", name: DUMMY, type: int, linkage: BTF_VAR.GLOBAL });
		}
		return { type: dummy, offset: i * 4, size: 4 };
	});
	return { ...datasec, size: vars.length * 4, vars };
}

/** The kernel refuses a global function whose parameters have no names. */
function nameParameters(types: BtfType[], id: number): void {
	const prototype = types[id];
	if (prototype?.kind !== "func_proto") return;
	const params = prototype.params.map((one) =>
		one.type !== 0 && one.name === "" ? { ...one, name: DUMMY } : one,
	);
	types[id] = { ...prototype, params };
}
