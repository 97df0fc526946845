import {
	type ContextField,
	fieldAt,
	type Hook,
	loadAllowed,
	loadedFrom,
	storeAllowed,
	storeField,
} from "../hooks/index.ts";
import type { Execution } from "./execution.ts";
import { FIRST_CONSTANT } from "./lower.ts";
import { SCALAR } from "./regions.ts";
import { socketRegion } from "./sockets.ts";

// Accesses to a context go by the hook's table of fields, not by plain memory: which offsets exist, which widths
// they take, what a stored value becomes, and which fields hold pointers.

function refuse(x: Execution, hook: Hook, offset: number, size: number, what: string): never {
	return x.fault(
		"fault/access",
		`invalid bpf_context access off=${offset} size=${size}`,
		`${hook.contextName} has no field that a program of this type may ${what} there with this width.`,
	);
}

/** Loads from the context into register `d`. */
export function contextLoad(
	x: Execution,
	hook: Hook,
	region: number,
	d: number,
	address: number,
	size: number,
): void {
	const offset = address - x.regions.first(region);
	const field = fieldAt(hook.fields, offset);
	if (field === undefined || !loadAllowed(field, offset, size, x.program.program.expectedAttachType))
		refuse(x, hook, offset, size, "read");
	const { view } = x.host.runtime.memory;
	const r = x.registers;
	const from = address - offset + loadedFrom(field, offset, size);
	r[d + 1] = 0;
	if (size === 1) r[d] = view.getUint8(from);
	else if (size === 2) r[d] = view.getUint16(from, true);
	else r[d] = view.getInt32(from, true);
	if (size === 8) r[d + 1] = view.getInt32(from + 4, true);
	x.provenance[d] = pointerOf(x, hook, field, r[d]!);
}

function pointerOf(x: Execution, hook: Hook, field: ContextField, value: number): number {
	switch (field.pointer) {
		case undefined:
			return SCALAR;
		case "packet":
		case "packet_end":
		case "packet_meta":
			return x.packetProvenance(field.pointer);
		default: {
			if (value === 0) return SCALAR;
			const behind = hook.target?.(x.host.runtime.memory, field.pointer);
			const view = field.pointer === "sock_or_null" && behind !== undefined ? "sock_common" : "none";
			// what the hook doesn't model is a pointer all the same, with no access through it
			return socketRegion(x, value >>> 0, view, field.name);
		}
	}
}

/** Stores register `s` into the context. */
export function contextStore(
	x: Execution,
	hook: Hook,
	region: number,
	s: number,
	address: number,
	size: number,
): void {
	const offset = address - x.regions.first(region);
	const field = fieldAt(hook.fields, offset);
	if (field === undefined || !storeAllowed(field, offset, size)) refuse(x, hook, offset, size, "write");
	const [low, high] = [x.registers[s]!, x.registers[s + 1]!];
	storeField(x.host.runtime.memory, field, address, size, low, high, s >= FIRST_CONSTANT);
}
