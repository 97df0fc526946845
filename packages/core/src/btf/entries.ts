import type { Btf } from "./types.ts";
import { formatValue, type JsonValue } from "./values.ts";
import { encodeValue, type ValueInput } from "./values-parse.ts";

/** What a map says of its keys and values; a LinkedMap is one. Type ids are 0 where nothing is known. */
export interface EntryTypes {
	readonly keySize: number;
	readonly valueSize: number;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
}

/** A key as bpf(2) takes it. @throws TailhopError btf/value */
export function encodeMapKey(btf: Btf | undefined, types: EntryTypes, key: ValueInput): Uint8Array {
	return encodeValue(btf, types.keyTypeId, types.keySize, key);
}

/**
 * A value as bpf(2) takes it, `size` bytes: of a per-CPU map that is every CPU's, given as a list or as one that
 * all get. @throws TailhopError btf/value
 */
export function encodeMapValue(
	btf: Btf | undefined,
	types: EntryTypes,
	size: number,
	value: ValueInput,
): Uint8Array {
	const one = (each: ValueInput): Uint8Array => encodeValue(btf, types.valueTypeId, types.valueSize, each);
	if (size === types.valueSize) return one(value);
	if (value instanceof Uint8Array && value.length === size) return value;
	const bytes = new Uint8Array(size);
	const cpus = size / strideOf(types);
	for (let cpu = 0; cpu < cpus; cpu++) {
		const own: ValueInput = Array.isArray(value) && value.length === cpus ? value[cpu] : value;
		bytes.set(one(own), cpu * strideOf(types));
	}
	return bytes;
}

export function formatMapKey(btf: Btf | undefined, types: EntryTypes, key: Uint8Array): JsonValue {
	return formatValue(btf, types.keyTypeId, key);
}

/** The bytes of a value as bpf(2) gives them; of a per-CPU map a list, one value a CPU. */
export function formatMapValue(btf: Btf | undefined, types: EntryTypes, bytes: Uint8Array): JsonValue {
	const each = mapValues(types, bytes).map((one) => formatValue(btf, types.valueTypeId, one));
	return bytes.length === types.valueSize ? each[0]! : each;
}

/** The single values in a value's bytes: one, or one for each CPU. */
export function mapValues(types: EntryTypes, bytes: Uint8Array): readonly Uint8Array[] {
	const { valueSize } = types;
	if (bytes.length === valueSize) return [bytes];
	const stride = strideOf(types);
	return Array.from({ length: bytes.length / stride }, (_, cpu) =>
		bytes.subarray(cpu * stride, cpu * stride + valueSize),
	);
}

/** Bytes from one CPU's value to the next. */
const strideOf = ({ valueSize }: EntryTypes): number => Math.ceil(valueSize / 8) * 8;
