import { type ContextField, type Hook, TailhopError } from "@tailhop/core";

type Fields = Readonly<Record<string, number | bigint | readonly number[]>>;

const XDP = 6;

/** ctx_in of BPF_PROG_TEST_RUN: bytes as they are given, or fields by name in the hook's structure. */
export function contextInput(
	hook: Hook | undefined,
	input: { readonly packet: Uint8Array; readonly context?: Fields; readonly contextBytes?: Uint8Array },
): Uint8Array | undefined {
	if (input.contextBytes !== undefined || input.context === undefined) return input.contextBytes;
	if (hook === undefined) {
		throw new TailhopError(
			"machine/invalid-input",
			"the context's fields are not known for this type of program",
			{},
			{
				hint: "Load the object with `hooks`, or give the context's bytes in contextBytes.",
			},
		);
	}
	const view = new DataView(new ArrayBuffer(hook.contextSize));
	// xdp_md's data_end is the packet's length: a caller who sets another field needn't know
	const given: Fields =
		hook.programType === XDP ? { data_end: input.packet.length, ...input.context } : input.context;
	for (const [name, value] of Object.entries(given)) {
		const field = hook.fields.find((each) => each.name === name);
		if (field === undefined) {
			throw new TailhopError(
				"machine/invalid-input",
				`${hook.contextName} has no field ${name}`,
				{},
				{
					hint: `It has: ${hook.fields.map((each) => each.name).join(", ")}.`,
				},
			);
		}
		elements(field).forEach((at, index) => {
			const element = typeof value === "object" ? value[index] : index === 0 ? value : undefined;
			if (element !== undefined) write(view, at, element);
		});
	}
	return new Uint8Array(view.buffer);
}

/** ctx_out by name. Pointers are left out; xdp_md's data and data_end come back as offsets in the packet. */
export function contextOutput(hook: Hook | undefined, bytes: Uint8Array): Fields {
	const fields: Record<string, number | bigint | readonly number[]> = {};
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (const field of hook?.fields ?? []) {
		const offset = hook?.programType === XDP && field.pointer !== "packet_meta";
		if (!field.read || (field.pointer !== undefined && !offset)) continue;
		if (field.offset + field.size > bytes.length) continue;
		const values = elements(field).map((at) => read(view, at));
		fields[field.name] = field.count === undefined ? values[0]! : values.map(Number);
	}
	return fields;
}

interface Element {
	readonly offset: number;
	readonly width: number;
}

/** Where a field's elements lie: one, or an array's. */
function elements({ offset, size, count = 1 }: ContextField): readonly Element[] {
	const width = size / count;
	return Array.from({ length: count }, (_, index) => ({ offset: offset + index * width, width }));
}

function write(view: DataView, { offset, width }: Element, value: number | bigint): void {
	if (width === 8) view.setBigUint64(offset, BigInt(value), true);
	else if (width === 4) view.setUint32(offset, Number(value), true);
	else if (width === 2) view.setUint16(offset, Number(value), true);
	else view.setUint8(offset, Number(value));
}

function read(view: DataView, { offset, width }: Element): number | bigint {
	if (width === 8) return view.getBigUint64(offset, true);
	if (width === 4) return view.getUint32(offset, true);
	return width === 2 ? view.getUint16(offset, true) : view.getUint8(offset);
}
