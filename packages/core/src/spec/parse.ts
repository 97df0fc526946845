import { locate } from "../errors/index.ts";
import { opOf } from "../isa/index.ts";
import { fixBtf } from "./btf-fixup.ts";
import { btfMaps, type PlacedMap } from "./btf-maps.ts";
import {
	decodeCode,
	type FindTarget,
	functionFinder,
	type RawCode,
	readExtended,
	readFunctions,
	readRelocations,
} from "./code.ts";
import { dataMaps, structOpsMaps } from "./data-maps.ts";
import { assignExceptionCallbacks } from "./exception-callbacks.ts";
import { readExterns } from "./externs.ts";
import { deepFreeze } from "./freeze.ts";
import { legacyMaps } from "./legacy-maps.ts";
import type { ObjectSpec, Reference } from "./object.ts";
import { type SectionKind, sectionKind } from "./section-names.ts";
import { sectionSlots, tagSlots } from "./slots.ts";
import { invalid, openSource, type Source, u32, unsupported } from "./source.ts";

export interface ParseOptions {
	/** Name of the file, for messages. */
	readonly file?: string;
}

/**
 * Reads an object file: libbpf's rules, and cilium/ebpf's where they go further (static programs, calls into other
 * program sections, slots by declaration tags). Deterministic and pure: what depends on the machine (CPUs, kernel
 * BTF, kconfig) stays symbolic until `link`. The result is deeply frozen.
 *
 * @throws TailhopError elf/*, btf/*, spec/invalid or spec/unsupported, with `where.file` if it was given.
 */
export function parse(bytes: Uint8Array, options: ParseOptions = {}): ObjectSpec {
	const file = options.file ?? "object";
	try {
		// a copy, so that nobody changes the result by changing the bytes
		return deepFreeze(read(openSource(bytes.slice(), file)));
	} catch (error) {
		throw locate(error, { file });
	}
}

function read(raw: Source): ObjectSpec {
	const externs = readExterns(raw);
	const btf = fixBtf(raw, externs.kconfig);
	const source: Source = btf === undefined ? raw : { ...raw, btf };
	const code = decodeCode(source);
	const legacy = legacyMaps(source);
	const functions = assignExceptionCallbacks(
		btf,
		readFunctions(source, code, legacy.length === 0 ? undefined : legacyKind(source, code)),
	);
	const declared = [...btfMaps(source), ...legacy];
	const data = [...dataMaps(source, referencedSections(source, code)), ...structOpsMaps(source)];
	const placed: readonly PlacedMap[] = [...declared, ...data];
	const specs = placed.map((one) => one.spec);
	if (externs.kconfig !== undefined) specs.push(externs.kconfig);
	checkNames(specs.map((one) => one.name));

	const functionAt = functionFinder(functions);
	const target = mapFinder(source, placed);
	const extended = readExtended(source, code);
	const sections = code.map(({ section, insns }, index) => {
		const kind = sectionKind(section.name);
		return {
			name: section.name,
			insns,
			relocations: readRelocations(source, code, index, externs, functionAt, target),
			...extended[index]!,
			...(kind === undefined ? {} : { kind }),
		};
	});
	return {
		file: source.file,
		license: license(source),
		version: version(source),
		maps: specs,
		code: sections,
		functions,
		slots: [
			...tagSlots(source.btf, functions),
			...sectionSlots(
				legacy,
				code.map((one) => one.section.name),
				functions,
			),
		],
		externs: externs.specs,
		...(source.btf === undefined ? {} : { btf: source.btf }),
	};
}

function license(source: Source): string {
	const data = source.sections.get("license")?.data;
	if (data === undefined) return "";
	const end = data.indexOf(0);
	return new TextDecoder().decode(data.subarray(0, end < 0 ? data.length : end));
}

function version(source: Source): number {
	const section = source.sections.get("version");
	if (section === undefined) return 0;
	if (section.data.length !== 4)
		invalid(`the version section has ${section.data.length} bytes, not 4`, { section: "version" });
	return u32(section.data, 0);
}

function checkNames(names: readonly string[]): void {
	const seen = new Set<string>();
	for (const name of names) {
		if (seen.has(name)) invalid(`two maps are named ${name}`, { map: name });
		seen.add(name);
	}
}

/** Sections that code refers to. */
function referencedSections(source: Source, code: readonly RawCode[]): ReadonlySet<number> {
	const found = new Set<number>();
	for (const { section } of code)
		for (const { symbol } of source.relocations[section.index]!)
			found.add(source.elf.symbols[symbol]!.section);
	return found;
}

/** Finds the map or the variable at a byte of a section. */
function mapFinder(source: Source, placed: readonly PlacedMap[]): FindTarget {
	const at = new Map<number, Map<number, number>>();
	for (const [index, { section, offset }] of placed.entries()) {
		const inSection = at.get(section) ?? new Map<number, number>();
		at.set(section, inSection);
		inSection.set(offset, index);
	}
	return (section, byte, where): Reference => {
		const { name } = source.elf.sections[section]!;
		const role = source.roles[section];
		if (role === "data" || role === "rodata" || role === "bss") {
			const map = at.get(section)?.get(0);
			if (map === undefined) invalid(`a relocation against ${name}, which is no map`, where);
			return { kind: "data", map, offset: byte };
		}
		if (role !== "btf-maps" && role !== "legacy-maps")
			unsupported(
				`a relocation against section ${name}, which holds neither maps nor variables nor functions`,
				where,
				"Maps stand in .maps or maps, variables in .data*, .rodata*, .bss*.",
			);
		const map = at.get(section)?.get(byte);
		if (map === undefined)
			invalid(`a relocation against byte ${byte} of ${name}, where no map starts`, where);
		return { kind: "map", map };
	};
}

/** Helpers that only XDP programs may call: xdp_adjust_head, redirect_map, xdp_adjust_meta, xdp_adjust_tail, xdp_* of frags. */
const XDP_HELPERS: ReadonlySet<number> = new Set([44, 51, 54, 65, 188, 189, 190]);

/**
 * What programs of an object with legacy maps are if neither section nor types say it. iproute2 decided by the
 * command that loaded them: `tc` (sched_cls) or `ip link` (xdp). The object gives it away by the context structure
 * in its debug information, or by helpers that only XDP has; otherwise tc it is.
 */
function legacyKind(source: Source, code: readonly RawCode[]): SectionKind | undefined {
	const strings = source.sections.get(".debug_str")?.data;
	const debug = strings === undefined ? "" : `\0${new TextDecoder("latin1").decode(strings)}`;
	const named = (type: string) => debug.includes(`\0${type}\0`);
	const xdp =
		(named("xdp_md") && !named("__sk_buff")) ||
		code.some(({ insns }) => insns.some((insn) => XDP_HELPERS.has(insn.imm) && opOf(insn) === "call"));
	return sectionKind(xdp ? "xdp" : "tc");
}
