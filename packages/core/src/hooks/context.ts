import { TailhopError } from "../errors/index.ts";
import type { ContextField, HookInput } from "./types.ts";

export const EINVAL = 22;
export const ENOMEM = 12;
export const E2BIG = 7;

/** What BPF_PROG_TEST_RUN refuses, with the errno that it answers. */
export function refuse(message: string, errno: number, hint: string): TailhopError {
	return new TailhopError("machine/invalid-input", message, {}, { hint, detail: { errno } });
}

/**
 * The bytes of a context as a caller gives it (BPF_PROG_TEST_RUN's ctx_in), or undefined where none is given.
 * Longer bytes than the structure must be zero there (kernel: bpf_check_uarg_tail_zero, E2BIG).
 */
export function contextInput(
	input: HookInput,
	contextName: string,
	size: number,
	fields: readonly ContextField[],
	settable: readonly string[],
): Uint8Array | undefined {
	if (input.contextBytes !== undefined) {
		if (input.context !== undefined)
			throw refuse("a context was given both by fields and as bytes", EINVAL, "Give one of the two.");
		if (input.contextBytes.subarray(size).some((byte) => byte !== 0))
			throw refuse(
				`the context is longer than struct ${contextName} and not zero behind it`,
				E2BIG,
				`Give at most ${size} bytes.`,
			);
		const bytes = new Uint8Array(size);
		bytes.set(input.contextBytes.subarray(0, size));
		return bytes;
	}
	if (input.context === undefined) return undefined;
	const bytes = new Uint8Array(size);
	for (const [name, value] of Object.entries(input.context)) {
		const field = settable.includes(name) ? fields.find((candidate) => candidate.name === name) : undefined;
		if (field === undefined)
			throw refuse(
				`${contextName}.${name} cannot be set for a run`,
				EINVAL,
				`These fields can: ${settable.join(", ")}.`,
			);
		writeField(bytes, field, value, contextName);
	}
	return bytes;
}

function writeField(
	bytes: Uint8Array,
	field: ContextField,
	value: number | bigint | readonly number[],
	contextName: string,
): void {
	const view = new DataView(bytes.buffer);
	const count = field.count ?? 1;
	const width = field.size / count;
	const values = typeof value === "object" ? value : [value];
	if (values.length > count)
		throw refuse(
			`${contextName}.${field.name} has ${count} elements, not ${values.length}`,
			EINVAL,
			"Give fewer.",
		);
	values.forEach((element, index) => {
		const bits = wholeNumber(element);
		if (bits === undefined || bits !== BigInt.asUintN(width * 8, bits))
			throw refuse(
				`${contextName}.${field.name} is an unsigned number of ${width * 8} bits, not ${element}`,
				EINVAL,
				"Give a whole number that fits.",
			);
		const at = field.offset + index * width;
		if (width === 8) view.setBigUint64(at, bits, true);
		else if (width === 4) view.setUint32(at, Number(bits), true);
		else view.setUint8(at, Number(bits));
	});
}

function wholeNumber(value: unknown): bigint | undefined {
	if (typeof value === "bigint") return value;
	return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : undefined;
}

/** The fields of a context as numbers; 8-byte fields as bigint, arrays as arrays, pointers left out. */
export function contextRecord(
	bytes: Uint8Array,
	fields: readonly ContextField[],
): Record<string, number | bigint | readonly number[]> {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const record: Record<string, number | bigint | readonly number[]> = {};
	for (const { name, offset, size, count, read, pointer } of fields) {
		if (!read || pointer !== undefined) continue;
		if (count !== undefined)
			record[name] = Array.from({ length: count }, (_, index) =>
				view.getUint32(offset + (index * size) / count, true),
			);
		else if (size === 8) record[name] = view.getBigUint64(offset, true);
		else record[name] = size === 4 ? view.getUint32(offset, true) : view.getUint8(offset);
	}
	return record;
}
