import {
	type ArgKind,
	type CallbackArg,
	HELPERS,
	type Helper,
	type HelperImplementation,
	type HelperPrototype,
	helperTakesMap,
	type IteratingHelper,
	prototypeFor,
	type ReturnKind,
} from "../helpers/index.ts";
import type { SocketView } from "../hooks/index.ts";
import { type MapInstance, programAccess } from "../maps/index.ts";

import type { Execution } from "./execution.ts";
import { accessFault, REGION, SCALAR } from "./regions.ts";
import { newSocketRegion, socketRegion } from "./sockets.ts";
import { checkObject, noteObjects, STACK_OBJECTS } from "./stack-objects.ts";

/** Helpers that change what a map holds: map_update_elem, map_delete_elem, map_push_elem, map_pop_elem. */
const WRITERS: readonly number[] = [2, 3, 87, 88];

/** BPF_MAP_TYPE_*: the kinds whose lookup gives a map. */
const ARRAY_OF_MAPS = 12;
const HASH_OF_MAPS = 13;

/** sockmap, xskmap, sockhash: a lookup gives a socket. */
const SOCKET_MAPS: readonly number[] = [15, 17, 18];
/** bloom_filter: map_peek_elem reads the value that it asks about. */
const BLOOM_FILTER = 30;

/** A helper's prototype, read once. */
export interface HelperPlan {
	readonly id: number;
	/** Maps that it was found to take. */
	readonly maps: WeakSet<MapInstance>;
	readonly name: string;
	readonly args: readonly ArgKind[];
	/** How r0's upper half comes: see ReturnKind. */
	readonly result: "int" | "u64" | "void" | "pointer";
	readonly returns: ReturnKind;
	readonly fixedSizes: Readonly<Record<number, number>>;
	readonly changesPacket: boolean;
	/** r0 is a reference that the program must give back. */
	readonly acquires: boolean;
	/** 0, or which argument is a reference that the helper takes away. */
	readonly releases: number;
	readonly returned: NonNullable<HelperPrototype["returned"]>;
	/** Some argument is an object on the stack: a dynptr, an iterator. */
	readonly objects: boolean;
	readonly run: HelperImplementation | undefined;
	readonly iterate: IteratingHelper | undefined;
	readonly callback: number;
	readonly callbackArgs: readonly CallbackArg[];
}

/** Plan of a helper for a program type: a few of Linux's own have another prototype in some types. */
export function planOf(helper: Helper, programType: number): HelperPlan {
	const { id } = helper.prototype;
	const linux = HELPERS.get(id) === helper ? prototypeFor(id, programType) : undefined;
	const {
		name,
		args,
		returns,
		fixedSizes = {},
		changesPacket = false,
		acquires = false,
		releases = 0,
		returned = {},
	} = linux ?? helper.prototype;
	const common = {
		id,
		maps: new WeakSet<MapInstance>(),
		name,
		args,
		returns,
		fixedSizes,
		changesPacket,
		acquires,
		releases,
		returned,
		objects: args.some((kind) => kind in STACK_OBJECTS),
		result: returns === "int" || returns === "u64" || returns === "void" ? returns : ("pointer" as const),
	};
	return "run" in helper
		? { ...common, run: helper.run, iterate: undefined, callback: 0, callbackArgs: [] }
		: {
				...common,
				run: undefined,
				iterate: helper.iterate,
				callback: helper.callback,
				callbackArgs: helper.callbackArgs,
			};
}

/** What a memory argument is for: its access, and where its size comes from. */
interface MemoryKind {
	readonly access: "read" | "write" | "both";
	readonly size: "next" | "key" | "value" | number;
	readonly orNull?: boolean;
}

const MEMORY: Partial<Record<ArgKind, MemoryKind>> = {
	map_key: { access: "read", size: "key" },
	map_value: { access: "read", size: "value" },
	map_value_or_null: { access: "read", size: "value", orNull: true },
	map_value_out: { access: "write", size: "value" },
	mem_in: { access: "read", size: "next" },
	mem_in_or_null: { access: "read", size: "next", orNull: true },
	mem_out: { access: "write", size: "next" },
	mem_out_or_null: { access: "write", size: "next", orNull: true },
	mem_inout: { access: "both", size: "next" },
	mem_inout_or_null: { access: "both", size: "next", orNull: true },
	long_out: { access: "write", size: 8 },
	int_out: { access: "write", size: 4 },
};

const DYNPTR_FROM_MEM = 197;
/** sizeof(struct bpf_timer). */
const TIMER_SIZE = 16;

const POINTS_TO: Partial<Record<ArgKind, number>> = {
	map: REGION.MAP,
	func: REGION.FUNCTION,
	ringbuf_mem: REGION.MEMORY,
};

/** Checks r1-r5 against the prototype, as far as values and provenance tell. Faults name the argument. */
export function checkArguments(x: Execution, plan: HelperPlan): void {
	const p = x.provenance;
	const r = x.registers;
	let map: MapInstance | undefined;
	for (let i = 0; i < plan.args.length; i++) {
		const at = 2 + 2 * i;
		const kind = plan.args[i]!;
		const provenance = p[at]!;
		if (provenance < 0) x.uninitialized(at, at);
		const memory =
			kind === "map_value_out" && map?.def.type === BLOOM_FILTER ? MEMORY.map_value : MEMORY[kind];
		if (memory !== undefined) {
			if (provenance === SCALAR && r[at] === 0 && r[at + 1] === 0 && memory.orNull) continue;
			let size: number;
			if (memory.size === "key") size = map?.def.keySize ?? 0;
			else if (memory.size === "value") size = map?.def.valueSize ?? 0;
			else if (memory.size === "next") {
				const fixed = plan.fixedSizes[i];
				if (fixed !== undefined) size = fixed;
				else {
					if (p[at + 2]! < 0) x.uninitialized(at + 2, at + 2);
					size = sizeArgument(x, plan, i + 1);
				}
			} else size = memory.size;
			checkMemory(x, i, provenance, size, memory);
			if (plan.id === DYNPTR_FROM_MEM && i === 0 && x.regions.kind[provenance] !== REGION.MAP_VALUE)
				x.fault(
					"fault/argument",
					`Unsupported reg type ${x.regions.report(provenance).kind} for bpf_dynptr_from_mem data`,
					"Only values of maps can be put into a dynptr.",
				);
			continue;
		}
		switch (kind) {
			case "ctx":
				if (provenance !== x.contextRegion || r[at]! >>> 0 !== x.regions.first(provenance))
					wrong(x, plan, i, "the context");
				break;
			case "map": {
				map =
					provenance > 0 && x.regions.kind[provenance] === REGION.MAP
						? x.host.runtime.map(r[at]! >>> 0)
						: undefined;
				if (map === undefined) wrong(x, plan, i, "a map");
				checkMap(x, plan, map);
				break;
			}
			case "func":
			case "ringbuf_mem":
				if (provenance <= 0 || x.regions.kind[provenance] !== POINTS_TO[kind])
					wrong(x, plan, i, kind === "func" ? "a function" : "a reserved record");
				if (x.regions.ended(provenance) !== undefined) wrong(x, plan, i, "a record that is still reserved");
				if (kind === "ringbuf_mem" && r[at]! >>> 0 !== x.regions.first(provenance))
					wrong(x, plan, i, "the record's start");
				break;
			case "sock":
			case "sock_or_null":
			case "sock_common":
			case "sock_common_or_null":
				checkSocket(x, plan, i, kind);
				break;
			case "dynptr":
			case "dynptr_out":
			case "iter":
			case "iter_out":
				checkObject(x, i, kind);
				break;
			case "timer":
				checkMemory(x, i, provenance, TIMER_SIZE, MEMORY.mem_inout!);
				break;
			case "stack_or_null":
				if (provenance > 0 ? x.regions.kind[provenance] !== REGION.STACK : r[at] !== 0 || r[at + 1] !== 0)
					wrong(x, plan, i, "a pointer to the stack or null");
				break;
			case "const_str":
				checkString(x, plan, i, provenance);
				break;
		}
	}
}

/** A pointer to a socket, as it was given: live, unmoved, and a reference where it is to be released. */
function checkSocket(x: Execution, plan: HelperPlan, i: number, kind: ArgKind): void {
	const { regions, registers: r } = x;
	const at = 2 + 2 * i;
	const provenance = x.provenance[at]!;
	if (provenance === SCALAR && r[at] === 0 && r[at + 1] === 0 && kind.endsWith("_or_null")) return;
	if (
		provenance <= 0 ||
		regions.kind[provenance] !== REGION.SOCKET ||
		r[at]! >>> 0 !== regions.first(provenance)
	)
		wrong(x, plan, i, "a socket");
	if (regions.ended(provenance) !== undefined) wrong(x, plan, i, "a socket that was not released");
	if (plan.releases === i + 1 && !regions.referenced(provenance))
		x.fault(
			"fault/argument",
			`R${i + 1} must be referenced when passed to release function`,
			"Release only what a lookup returned, once.",
		);
}

/** record_func_map and check_map_func_compatibility of the verifier, with its words. */
function checkMap(x: Execution, plan: HelperPlan, map: MapInstance): void {
	if (plan.maps.has(map)) return;
	if (programAccess(map.def) === "r" && WRITERS.includes(plan.id))
		x.fault(
			"fault/argument",
			"write into map forbidden",
			`Programs may only read map ${map.def.name}: change it from the host.`,
		);
	if (!helperTakesMap(plan.id, map.def.type))
		x.fault(
			"fault/argument",
			`cannot pass map_type ${map.def.type} into func bpf_${plan.name}#${plan.id}`,
			"The kernel refuses this program when it is loaded; use a map kind that has the operation.",
		);
	plan.maps.add(map);
}

function wrong(x: Execution, plan: HelperPlan, i: number, expected: string): never {
	const p = x.provenance[2 + 2 * i]!;
	const got = p > 0 ? `a pointer to ${x.regions.report(p).kind}` : "a number";
	return x.fault(
		"fault/argument",
		`bpf_${plan.name}: R${i + 1} is ${got}, expected ${expected}`,
		`Pass ${expected} as argument ${i + 1}.`,
	);
}

/** The bytes that a size argument says; its upper half must be zero, and zero itself only where allowed. */
function sizeArgument(x: Execution, plan: HelperPlan, i: number): number {
	const at = 2 + 2 * i;
	const size = x.registers[at]!;
	if (x.provenance[at]! > 0) wrong(x, plan, i, "a size");
	if (x.registers[at + 1] !== 0 || size < 0)
		x.fault(
			"fault/argument",
			`bpf_${plan.name}: R${i + 1} is negative or beyond 2^31, expected a size`,
			"Bound the size before the call.",
		);
	if (size === 0 && plan.args[i] === "size")
		x.fault(
			"fault/argument",
			`bpf_${plan.name}: R${i + 1} is a size of zero`,
			"Test for zero before the call.",
		);
	return size;
}

function checkMemory(x: Execution, i: number, provenance: number, size: number, memory: MemoryKind): void {
	const at = 2 + 2 * i;
	const address = x.registers[at]! >>> 0;
	const { regions } = x;
	const write = memory.access !== "read";
	const usable = provenance > 0 && x.registers[at + 1] === 0 && regions.kind[provenance] !== REGION.CONTEXT;
	if (!usable || !regions.allows(provenance, address, size, write)) {
		// an empty range is fine anywhere inside a live region
		if (!(usable && size === 0 && regions.ended(provenance) === undefined))
			throw accessFault(regions, provenance, address, size, write ? "helper write" : "helper read", x.here());
	}
	if (write && regions.kind[provenance] === REGION.STACK) x.clobber(address, size);
}

/** A format: NUL-terminated inside a map value that programs can't write. */
function checkString(x: Execution, plan: HelperPlan, i: number, provenance: number): void {
	const at = 2 + 2 * i;
	const { regions } = x;
	if (provenance <= 0 || regions.kind[provenance] !== REGION.MAP_VALUE)
		wrong(x, plan, i, "a constant string");
	const address = x.registers[at]! >>> 0;
	const end = regions.first(provenance) + regions.size[provenance]!;
	const { u8 } = x.host.runtime.memory;
	for (let a = address; a < end; a++) if (u8[a] === 0) return;
	x.fault(
		"fault/argument",
		`bpf_${plan.name}: R${i + 1} is a string without end`,
		"End the format with a zero byte.",
	);
}

/** Provenance of r0 after a helper; releases and acquires are noted on the way. */
export function resultProvenance(x: Execution, plan: HelperPlan, result: number): number {
	const { regions, provenance: p } = x;
	const made = pointerMade(x, plan, result);
	if (plan.objects) noteObjects(x, plan, made);
	else if (plan.releases > 0) {
		const released = p[2 * plan.releases]!;
		if (released > 0) regions.release(released, `bpf_${plan.name} at insn ${x.insn - 1}`);
	}
	if (made > 0 && plan.acquires) regions.acquire(made);
	return made;
}

/** What a socket that a helper returns shows. */
const VIEW: Partial<Record<ReturnKind, SocketView>> = {
	sock_or_null: "sock",
	sock_common_or_null: "sock_common",
	tcp_sock_or_null: "tcp_sock",
};
/** tcp_sock, sk_fullsock, skc_to_*: another pointer to the socket given (kernel: is_ptr_cast_function). */
const CASTS: ReadonlySet<number> = new Set([95, 96, 136, 137, 138, 139, 140, 178, 196]);

function pointerMade(x: Execution, plan: HelperPlan, result: number): number {
	const { regions, registers: r, provenance: p } = x;
	switch (plan.returns) {
		case "void":
			return -1;
		case "map_value_or_null":
		case "map_value": {
			if (result === 0) return SCALAR;
			const map = x.host.runtime.map(r[2]! >>> 0);
			if (map === undefined) return SCALAR;
			if (map.def.type === ARRAY_OF_MAPS || map.def.type === HASH_OF_MAPS) {
				const inner = x.host.runtime.map(result >>> 0);
				return inner === undefined
					? SCALAR
					: regions.element(REGION.MAP, inner.address, 0, "r", inner.index, inner.def.name);
			}
			// what a socket's words mean is not modelled: a pointer to look at, not into
			if (SOCKET_MAPS.includes(map.def.type)) return socketRegion(x, result >>> 0, "none", map.def.name);
			return mapValueRegion(x, map, result >>> 0);
		}
		case "mem_or_null":
		case "mem": {
			if (result === 0) return SCALAR;
			const sized = plan.args.indexOf("alloc_size");
			const size = sized < 0 ? (plan.returned.size ?? 0) : r[2 + 2 * sized]! >>> 0;
			// dynptr_slice gives the caller's own buffer where the bytes had to be copied
			const buffer = plan.args.indexOf("mem_inout_or_null");
			if (buffer >= 0 && r[2 + 2 * buffer] === result && p[2 + 2 * buffer]! > 0) return p[2 + 2 * buffer]!;
			return regions.add(
				REGION.MEMORY,
				result >>> 0,
				size,
				plan.returned.access ?? "rw",
				0,
				`bpf_${plan.name} at insn ${x.insn - 1}`,
			);
		}
		case "sock_or_null":
		case "tcp_sock_or_null":
		case "sock_common_or_null":
		case "percpu_or_null":
		case "btf_id_or_null":
		case "btf_id": {
			if (result === 0) return SCALAR;
			const made = newSocketRegion(x, result >>> 0, VIEW[plan.returns] ?? "none", `of bpf_${plan.name}`);
			if (CASTS.has(plan.id)) regions.share(made, p[2]!);
			return made;
		}
		default:
			return SCALAR;
	}
}

/** Region of an element's value, with what the map's flags let programs do. */
export function mapValueRegion(x: Execution, map: MapInstance, address: number): number {
	const { def, index } = map;
	return x.regions.element(REGION.MAP_VALUE, address, def.valueSize, programAccess(def), index, def.name);
}
