import type { LinearMemory } from "../memory/index.ts";
import type { ContextField } from "./types.ts";

/** By list of fields: the field of each byte. */
const tables = new WeakMap<readonly ContextField[], readonly (ContextField | undefined)[]>();

/** The field of a context that holds the byte at `offset`. The list is read once: it must not change afterwards. */
export function fieldAt(fields: readonly ContextField[], offset: number): ContextField | undefined {
	let table = tables.get(fields);
	if (table === undefined) {
		const made: (ContextField | undefined)[] = [];
		for (const field of fields)
			for (let at = field.offset; at < field.offset + field.size; at++) made[at] ??= field;
		table = made;
		tables.set(fields, table);
	}
	return table[offset];
}

/** Width of one element: a u32 of cb[5], or the field itself. */
function elementSize(field: ContextField): number {
	return field.count === undefined ? field.size : field.size / field.count;
}

/**
 * Whether 6.18 allows a load of `size` bytes at `offset` in the context to a program of this expected attach type
 * (kernel: is_valid_access of the program type).
 */
export function loadAllowed(field: ContextField, offset: number, size: number, attachType = 0): boolean {
	if (!field.read || field.attachTypes?.includes(attachType) === false) return false;
	const from = offset - field.offset;
	if (field.loadWidths?.includes(size)) return from % size === 0 && from + size <= field.size;
	const element = elementSize(field);
	if (size === element) return from % element === 0;
	return field.narrow && size < element && (from % element) % size === 0;
}

/** Whether 6.18 allows a store of `size` bytes at `offset` in the context. */
export function storeAllowed(field: ContextField, offset: number, size: number): boolean {
	if (!field.write) return false;
	const from = offset - field.offset;
	const widths = field.storeWidths ?? [elementSize(field)];
	return widths.includes(size) && from % size === 0 && from + size <= field.size;
}

/** Where the bytes of a load are that `loadAllowed` allows: see ContextField.kept. */
export function loadedFrom(field: ContextField, offset: number, size: number): number {
	return field.kept !== undefined && size >= field.kept ? field.offset : offset;
}

/**
 * Puts a register (its two halves), or an immediate, into the field at `address`: what 6.18 makes of the value, with
 * the width of the store.
 */
export function storeField(
	memory: LinearMemory,
	field: ContextField | undefined,
	address: number,
	size: number,
	low: number,
	high: number,
	immediate: boolean,
): void {
	let value: number | undefined = size === 1 ? low & 0xff : size === 2 ? low & 0xffff : low;
	if (field?.store !== undefined) value = field.store(value >>> 0, high, immediate);
	if (value === undefined) return;
	const { view } = memory;
	if (size === 1) view.setUint8(address, value);
	else if (size === 2) view.setUint16(address, value, true);
	else view.setInt32(address, value, true);
	if (size === 8) view.setInt32(address + 4, high, true);
}
