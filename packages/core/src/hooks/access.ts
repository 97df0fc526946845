import type { ContextField, Hook } from "./types.ts";

/** The field of a context that holds the byte at `offset`. */
export function fieldAt(hook: Hook, offset: number): ContextField | undefined {
	return hook.fields.find((field) => offset >= field.offset && offset < field.offset + field.size);
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
