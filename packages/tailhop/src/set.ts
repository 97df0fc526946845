import {
	encodeMapValue,
	type LinkedMap,
	type LinkedObject,
	MAP_TYPE,
	type ObjectSpec,
	parsePlainValue,
	parseValue,
	TailhopError,
	variableCopies,
} from "@tailhop/core";
import { usage } from "./command.ts";

/** One `--set`, taken apart but not yet understood. */
export type Setting =
	| {
			readonly kind: "entry";
			readonly map: string;
			readonly key: string;
			readonly value: string;
			readonly text: string;
	  }
	| {
			readonly kind: "variable";
			readonly name: string;
			readonly value: string;
			readonly text: string;
			readonly option: "set" | "rodata";
	  };

/** `MAP[KEY]=VALUE`, where KEY may hold brackets and quoted text of its own, or `VARIABLE=VALUE`; --rodata takes the latter only. */
export function parseSetting(text: string, option: "set" | "rodata" = "set"): Setting {
	const name = /^\s*([A-Za-z_.$][\w.$]*)\s*/.exec(text);
	if (name === null) throw wrong(text, option);
	let at = name[0].length;
	if (text[at] === "=")
		return { kind: "variable", name: name[1]!, value: text.slice(at + 1).trim(), text, option };
	if (text[at] !== "[" || option === "rodata") throw wrong(text, option);
	const start = at + 1;
	let depth = 0;
	let quoted = false;
	for (; at < text.length; at++) {
		const c = text[at];
		if (quoted) {
			if (c === "\\") at++;
			else if (c === '"') quoted = false;
		} else if (c === '"') quoted = true;
		else if (c === "[" || c === "{") depth++;
		else if (c === "]" || c === "}") {
			depth--;
			if (depth === 0) break;
		}
	}
	const rest = /^\]\s*=([\s\S]*)$/.exec(text.slice(at));
	if (rest === null) throw wrong(text, option);
	return { kind: "entry", map: name[1]!, key: text.slice(start, at).trim(), value: rest[1]!.trim(), text };
}

function wrong(text: string, option: "set" | "rodata"): TailhopError {
	if (option === "rodata") return usage(`--rodata takes VARIABLE=VALUE, not "${text}"`);
	return usage(
		`--set takes 'MAP[KEY]=VALUE' or 'VARIABLE=VALUE', not "${text}"`,
		"Quote it for the shell: --set 'jumps[1]=next'.",
	);
}

interface Variable {
	readonly map: string;
	readonly offset: number;
	readonly bytes: Uint8Array;
	readonly frozen: boolean;
}

/** The bytes of a global variable's new value, and where they go. */
export function resolveVariable(spec: ObjectSpec, setting: Setting & { kind: "variable" }): Variable {
	for (const map of spec.maps) {
		const variable = map.variables.find((each) => each.name === setting.name);
		if (variable === undefined) continue;
		const bytes =
			spec.btf === undefined || variable.typeId === 0
				? parsePlainValue(variable.size, setting.value)
				: parseValue(spec.btf, variable.typeId, setting.value);
		return { map: map.name, offset: variable.offset, bytes, frozen: map.frozen };
	}
	const names = spec.maps.flatMap((map) => map.variables.map((each) => each.name));
	throw new TailhopError(
		"cli/usage",
		`no global variable ${setting.name}`,
		{ file: spec.file },
		{
			hint:
				names.length === 0
					? "The object has none; MAP[KEY]=VALUE fills maps."
					: `Variables: ${names.join(", ")}.`,
		},
	);
}

/** What a map takes from the host: the part of a Machine's and of the kernel's maps that settings need. */
export interface HostMap {
	readonly hostValueSize: number;
	hostUpdate(key: Uint8Array, value: Uint8Array, flags: bigint): number;
	hostLookup(key: Uint8Array): Uint8Array | number;
}

export interface Settable {
	map(name: string): HostMap;
	/** A program into a slot, or undefined: out of it; a slot that is empty stays so. */
	setSlot(map: string, slot: number, program: string | undefined): void;
	setInnerMap(map: string, key: Uint8Array, inner: string): void;
}

/** Carries a setting out. @throws TailhopError btf/value, machine/* */
export function apply(side: Settable, linked: LinkedObject, setting: Setting & { kind: "entry" }): void {
	const def = mapOf(linked, setting.map);
	const bytes = (typeId: number, size: number, text: string) =>
		linked.btf === undefined || typeId === 0
			? parsePlainValue(size, text)
			: parseValue(linked.btf, typeId, text);
	if (def.type === MAP_TYPE.PROG_ARRAY) {
		if (!/^(0x[0-9a-f]+|\d+)$/i.test(setting.key))
			throw usage(`${setting.text}: a slot of a prog array is a number`);
		side.setSlot(setting.map, Number(setting.key), setting.value === "" ? undefined : setting.value);
		return;
	}
	const key = bytes(def.keyTypeId, def.keySize, setting.key);
	if (def.type === MAP_TYPE.ARRAY_OF_MAPS || def.type === MAP_TYPE.HASH_OF_MAPS) {
		mapOf(linked, setting.value);
		side.setInnerMap(setting.map, key, setting.value);
		return;
	}
	const map = side.map(setting.map);
	const one = bytes(def.valueTypeId, def.valueSize, setting.value);
	check(setting, map.hostUpdate(key, encodeMapValue(linked.btf, def, map.hostValueSize, one), 0n));
}

function mapOf({ maps, file }: LinkedObject, name: string): LinkedMap {
	const def = maps.find((map) => map.name === name);
	if (def !== undefined) return def;
	const hint = `Maps: ${maps.map((map) => map.name).join(", ") || "none"}.`;
	throw new TailhopError("machine/unknown-map", `no map ${name}`, { file }, { hint });
}

/** Writes a variable that programs may change, every CPU's copy of it; read-only ones go through the Target. */
export function applyVariable(
	side: Settable,
	linked: LinkedObject,
	setting: Setting,
	variable: Variable,
): void {
	const map = side.map(variable.map);
	const key = new Uint8Array(4);
	const value = map.hostLookup(key);
	if (typeof value === "number") {
		check(setting, value);
		return;
	}
	for (const copy of variableCopies(mapOf(linked, variable.map), linked.target.cpus))
		value.set(variable.bytes, copy + variable.offset);
	check(setting, map.hostUpdate(key, value, 0n));
}

function check(setting: Setting, result: number): void {
	if (result >= 0) return;
	throw new TailhopError(
		"machine/invalid-input",
		`--set ${setting.text}: the map refuses it (errno ${-result})`,
		{},
		{
			hint: "Check the key against max_entries, and whether the map is frozen or full.",
			detail: { errno: -result },
		},
	);
}
