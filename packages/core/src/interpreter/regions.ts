import { TailhopError, type Where } from "../errors/index.ts";

/** What a pointer can point to. */
export const REGION = {
	STACK: 1,
	CONTEXT: 2,
	PACKET: 3,
	PACKET_META: 4,
	MAP_VALUE: 5,
	MAP_KEY: 6,
	MEMORY: 7,
	// pointers of the kinds above may be moved, those from here on may not
	MAP: 8,
	FUNCTION: 9,
	PACKET_END: 10,
	SOCKET: 11,
	/** A dynptr or an iterator: programs hand it to functions, and read nothing of it. */
	OBJECT: 12,
} as const;

export type RegionKind = (typeof REGION)[keyof typeof REGION];

const KIND_NAMES: Record<RegionKind, string> = {
	[REGION.STACK]: "stack",
	[REGION.CONTEXT]: "context",
	[REGION.PACKET]: "packet",
	[REGION.PACKET_META]: "packet metadata",
	[REGION.PACKET_END]: "packet end",
	[REGION.MAP]: "map",
	[REGION.MAP_VALUE]: "map value",
	[REGION.MAP_KEY]: "map key",
	[REGION.MEMORY]: "memory",
	[REGION.FUNCTION]: "function",
	[REGION.SOCKET]: "socket",
	[REGION.OBJECT]: "object on the stack",
};

/** A region as a fault reports it. Addresses are offsets in the machine's memory, `end` exclusive. */
export interface RegionReport {
	readonly kind: string;
	readonly name?: string;
	readonly start: number;
	readonly end: number;
	readonly ended?: string;
}

/** What a plain load or store may do in a region. */
export type RegionAccess = "rw" | "r" | "w" | "none";

/** Provenance of a number, and of a register that was never written. */
export const SCALAR = 0;
export const UNINITIALIZED = -1;

/**
 * The regions that pointers of one machine come from. A provenance is an index here; every register and every
 * spilled stack slot has one. Regions are never reused within an invocation, so an index is also a generation:
 * packet pointers from before a move point to an ended region, however the addresses fall.
 *
 * The loop's test of a plain access of `size` bytes is `offset >= 0 && offset <= span[p] - size` with
 * `offset = (address - start[p]) | 0`, in int32 throughout (measured: Float64 bounds made a checked load 2 ns slower). `span` is
 * the region's size where a load needs nothing more, and 0 where the slow path must decide (contexts, ended
 * regions, and what is no memory at all); `writeSpan` the same for stores. Regions are smaller than 2^31.
 */
export class Regions {
	/** First address; an unsigned number's bits. */
	start = new Int32Array(64);
	span = new Int32Array(64);
	writeSpan = new Int32Array(64);
	/** Size as it is, whatever may be done there. */
	size = new Int32Array(64);
	kind = new Int32Array(64);
	/** What the kind needs: a map's index, a stack frame's depth, which view of a socket, which kind of object. */
	aux = new Int32Array(64);
	#names: (string | undefined)[] = [undefined];
	#ended = new Map<number, string>();
	/** Region → every region that shares its reference: several pointers to one object have one (kernel: ref_obj_id). */
	#references = new Map<number, number[]>();
	#count = 1;
	/** Regions of the machine itself (maps, map values of global data) come first and outlive invocations. */
	#permanent = 1;
	/** Element address → region, so that a loop of lookups makes one region an element. */
	#elements = new Map<number, number>();

	add(kind: RegionKind, start: number, size: number, access: RegionAccess, aux = 0, name?: string): number {
		const id = this.#count++;
		if (id === this.start.length) this.#grow();
		this.kind[id] = kind;
		this.start[id] = start;
		this.size[id] = size;
		this.span[id] = access[0] === "r" ? size : 0;
		this.writeSpan[id] = access.endsWith("w") ? size : 0;
		this.aux[id] = aux;
		this.#names[id] = name;
		return id;
	}

	/** The region of a map element's value or key; one per address and invocation. */
	element(
		kind: RegionKind,
		address: number,
		size: number,
		access: RegionAccess,
		map: number,
		name: string,
	): number {
		const known = this.#elements.get(address);
		if (known !== undefined && this.kind[known] === kind) return known;
		const id = this.add(kind, address, size, access, map, name);
		this.#elements.set(address, id);
		return id;
	}

	/** No access from now on; `why` for the report. */
	finish(id: number, why: string): void {
		this.span[id] = 0;
		this.writeSpan[id] = 0;
		this.#ended.set(id, why);
	}

	/** The region is a reference of its own: it must be released once. */
	acquire(id: number): void {
		this.#references.set(id, [id]);
	}

	/** The region is another pointer to what `from` points to, and goes with it. */
	share(id: number, from: number): void {
		const sharing = this.#references.get(from);
		if (sharing === undefined) return;
		sharing.push(id);
		this.#references.set(id, sharing);
	}

	referenced(id: number): boolean {
		return this.#references.has(id);
	}

	/** Ends the reference behind a region, with every pointer that shares it. */
	release(id: number, why: string): void {
		for (const region of this.#references.get(id) ?? []) {
			this.finish(region, why);
			this.#references.delete(region);
		}
	}

	ended(id: number): string | undefined {
		return this.#ended.get(id);
	}

	/** First address, unsigned. */
	first(id: number): number {
		return this.start[id]! >>> 0;
	}

	/** Whether a helper may touch `size` bytes at an address through a pointer into this region. */
	allows(id: number, address: number, size: number, write: boolean): boolean {
		const offset = (address - this.start[id]!) | 0;
		return offset >= 0 && offset <= (write ? this.writeSpan : this.span)[id]! - size;
	}

	/** What exists now stays; later regions go with `forget`. */
	keep(): void {
		this.#permanent = this.#count;
	}

	/** Ends an invocation. */
	forget(): void {
		this.#count = this.#permanent;
		this.#elements.clear();
		this.#ended.clear();
		this.#references.clear();
		this.#names.length = this.#count;
	}

	/** Everything goes: the machine is being made anew. */
	clear(): void {
		this.#permanent = 1;
		this.forget();
	}

	report(id: number): RegionReport {
		const name = this.#names[id];
		const why = this.#ended.get(id);
		return {
			kind: KIND_NAMES[this.kind[id] as RegionKind],
			...(name === undefined ? {} : { name }),
			start: this.first(id),
			end: this.first(id) + this.size[id]!,
			...(why === undefined ? {} : { ended: why }),
		};
	}

	/** The live region that an address falls into, the innermost by size; for reports. */
	at(address: number): RegionReport | undefined {
		let best = 0;
		for (let id = 1; id < this.#count; id++) {
			const offset = address - this.first(id);
			if (offset < 0 || offset >= this.size[id]! || this.#ended.has(id)) continue;
			if (best === 0 || this.size[id]! < this.size[best]!) best = id;
		}
		return best === 0 ? undefined : this.report(best);
	}

	#grow(): void {
		const length = this.start.length * 2;
		if (length > MAX_REGIONS) {
			throw new TailhopError(
				"machine/memory",
				`a run made more than ${MAX_REGIONS} pointers with a region each`,
				{},
				{ hint: "Run with a smaller budget, or unchecked." },
			);
		}
		for (const column of COLUMNS) {
			const wider = new Int32Array(length);
			wider.set(this[column]);
			this[column] = wider;
		}
	}
}

const COLUMNS = ["start", "span", "writeSpan", "size", "kind", "aux"] as const;
/** 2^22 regions are 100 MB of columns: what a run of 100 million instructions can only reach on purpose. */
const MAX_REGIONS = 2 ** 22;

const hex = (n: number) => `0x${n.toString(16)}`;

/** A report in words: "map value counts [0x20010, 0x20018)". */
export function regionText(region: RegionReport): string {
	const name = region.name === undefined ? "" : ` ${region.name}`;
	const ended = region.ended === undefined ? "" : `, ended by ${region.ended}`;
	return `${region.kind}${name} [${hex(region.start)}, ${hex(region.end)})${ended}`;
}

/** The fault of an access outside the region that its pointer came from. */
export function accessFault(
	regions: Regions,
	provenance: number,
	address: number,
	size: number,
	what: "load" | "store" | "helper read" | "helper write",
	where: Where,
): TailhopError {
	const hit = regions.at(address);
	const hits = hit === undefined ? "no live region" : regionText(hit);
	if (provenance <= 0) {
		return new TailhopError(
			"fault/access",
			`${what} of ${size} bytes at ${hex(address)} through a number, not a pointer (there: ${hits})`,
			where,
			{
				hint: "A null pointer from a lookup, or a pointer that went through arithmetic or memory that loses it?",
				detail: { address, size, access: what, ...(hit === undefined ? {} : { hit }) },
			},
		);
	}
	const from = regions.report(provenance);
	const offset = address - from.start;
	const write = what === "store" || what === "helper write";
	const forbidden = (write ? regions.writeSpan : regions.span)[provenance] === 0;
	if (regions.kind[provenance] === REGION.MAP_VALUE && forbidden && from.ended === undefined) {
		return new TailhopError(
			"fault/access",
			`${write ? "write into" : "read from"} map forbidden, value_size=${from.end - from.start} off=${offset} size=${size}`,
			{ ...where, ...(from.name === undefined ? {} : { map: from.name }) },
			{ hint: "The map's BPF_F_RDONLY_PROG or BPF_F_WRONLY_PROG closes it to programs." },
		);
	}
	return new TailhopError(
		"fault/access",
		`${what} of ${size} bytes at offset ${offset} of ${regionText(from)}; the address lies in ${hits}`,
		where,
		{
			hint:
				from.ended === undefined
					? "Check the bounds before the access, on every path that leads here."
					: `The pointer is from before ${from.ended}: load it again from the context.`,
			detail: { address, size, access: what, offset, pointer: from, ...(hit === undefined ? {} : { hit }) },
		},
	);
}
