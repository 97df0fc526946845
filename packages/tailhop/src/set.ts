import { type LinkedObject, type ObjectSpec, parsePlainValue, parseValue, TailhopError } from "@tailhop/core";
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
	| { readonly kind: "variable"; readonly name: string; readonly value: string; readonly text: string };

/** `MAP[KEY]=VALUE`, where KEY may hold brackets and quoted text of its own, or `VARIABLE=VALUE`. */
export function parseSetting(text: string): Setting {
	const name = /^\s*([A-Za-z_.$][\w.$]*)\s*/.exec(text);
	if (name === null) throw wrong(text);
	let at = name[0].length;
	if (text[at] === "=") return { kind: "variable", name: name[1]!, value: text.slice(at + 1).trim(), text };
	if (text[at] !== "[") throw wrong(text);
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
	if (rest === null) throw wrong(text);
	return { kind: "entry", map: name[1]!, key: text.slice(start, at).trim(), value: rest[1]!.trim(), text };
}

function wrong(text: string): TailhopError {
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
	setSlot(map: string, slot: number, program: string): void;
}

const PROG_ARRAY = 3;

/** Carries a setting out. @throws TailhopError btf/value, machine/* */
export function apply(side: Settable, linked: LinkedObject, setting: Setting & { kind: "entry" }): void {
	const def = linked.maps.find((map) => map.name === setting.map);
	if (def === undefined) {
		throw new TailhopError(
			"machine/unknown-map",
			`no map ${setting.map}`,
			{ file: linked.file },
			{
				hint: `Maps: ${linked.maps.map((map) => map.name).join(", ") || "none"}.`,
			},
		);
	}
	if (def.type === PROG_ARRAY) {
		const slot = Number(setting.key);
		if (!/^(0x[0-9a-f]+|\d+)$/i.test(setting.key))
			throw usage(`${setting.text}: a slot of a prog array is a number`);
		side.setSlot(setting.map, slot, setting.value);
		return;
	}
	const map = side.map(setting.map);
	const bytes = (typeId: number, size: number, text: string) =>
		linked.btf === undefined || typeId === 0
			? parsePlainValue(size, text)
			: parseValue(linked.btf, typeId, text);
	const key = bytes(def.keyTypeId, def.keySize, setting.key);
	const one = bytes(def.valueTypeId, def.valueSize, setting.value);
	const value = new Uint8Array(map.hostValueSize);
	// a per-CPU map gets the value on every CPU
	for (let at = 0; at < value.length; at += Math.ceil(def.valueSize / 8) * 8) value.set(one, at);
	check(setting, map.hostUpdate(key, value, 0n));
}

/** Writes a variable that programs may change; read-only ones go through the Target before linking. */
export function applyVariable(side: Settable, setting: Setting, variable: Variable): void {
	const map = side.map(variable.map);
	const key = new Uint8Array(4);
	const value = map.hostLookup(key);
	if (typeof value === "number") {
		check(setting, value);
		return;
	}
	value.set(variable.bytes, variable.offset);
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
