import type { MapRuntime } from "../maps/index.ts";
import { CONTROL_BASE } from "../memory/index.ts";
import type { MapRecord, Owner, ProgramRecord } from "./records.ts";

const PAGE = 4096;

interface Page {
	readonly address: number;
	readonly bytes: Uint8Array;
}

interface MapState {
	readonly descriptors: number;
	readonly pins: readonly string[];
	readonly programs: number;
	readonly owner: Owner | undefined;
}

interface ProgramState {
	readonly record: ProgramRecord;
	readonly descriptors: number;
	readonly pins: readonly string[];
	readonly slots: number;
	readonly freed: boolean;
}

/**
 * A copy of the used parts of a machine's memory, pages of zeros left out, and of the life-cycle counts beside it.
 * Nothing else holds state.
 */
export class Snapshot {
	readonly #pages: readonly Page[];
	readonly #maps: readonly MapState[];
	readonly #programs: readonly (ProgramState | undefined)[];
	readonly #area: { readonly address: number; readonly size: number };

	private constructor(
		pages: readonly Page[],
		maps: readonly MapState[],
		programs: readonly (ProgramState | undefined)[],
		area: { address: number; size: number },
	) {
		this.#pages = pages;
		this.#maps = maps;
		this.#programs = programs;
		this.#area = area;
	}

	/** Bytes that it takes. */
	get size(): number {
		return this.#pages.length * PAGE;
	}

	/** How many maps there were. */
	get maps(): number {
		return this.#maps.length;
	}

	/** @internal */
	static take(
		allocator: MapRuntime,
		maps: readonly MapRecord[],
		programs: readonly (ProgramRecord | undefined)[],
		area: { address: number; size: number },
	): Snapshot {
		const pages: Page[] = [];
		for (const [from, to] of used(allocator)) {
			const words = allocator.memory.i32;
			for (let address = from; address < to; address += PAGE) {
				const end = Math.min(address + PAGE, to);
				let zero = true;
				for (let i = address >> 2; zero && i < end >> 2; i++) zero = words[i] === 0;
				if (!zero) pages.push({ address, bytes: allocator.memory.read(address, end - address) });
			}
		}
		return new Snapshot(
			pages,
			maps.map(({ descriptors, pins, programs, owner }) => ({
				descriptors,
				pins: [...pins],
				programs,
				owner,
			})),
			programs.map(
				(record) =>
					record && {
						record,
						descriptors: record.descriptors,
						pins: [...record.pins],
						slots: record.slots,
						freed: record.freed,
					},
			),
			area,
		);
	}

	/** @internal Puts everything back; the area of packets and contexts as it was. */
	restore(
		allocator: MapRuntime,
		maps: readonly MapRecord[],
		programs: (ProgramRecord | undefined)[],
	): { address: number; size: number } {
		const { u8 } = allocator.memory;
		// the allocator hands out zeroed bytes above its marks: what was used since goes back to zero
		for (const [from, to] of used(allocator)) u8.fill(0, from, to);
		for (const { address, bytes } of this.#pages) u8.set(bytes, address);
		this.#maps.forEach((state, i) => {
			const record = maps[i]!;
			record.descriptors = state.descriptors;
			record.programs = state.programs;
			record.owner = state.owner;
			record.pins.clear();
			for (const pin of state.pins) record.pins.add(pin);
		});
		programs.length = this.#programs.length;
		this.#programs.forEach((state, i) => {
			programs[i] = state?.record;
			if (state === undefined) return;
			const { record } = state;
			record.descriptors = state.descriptors;
			record.slots = state.slots;
			record.freed = state.freed;
			record.pins.clear();
			for (const pin of state.pins) record.pins.add(pin);
		});
		return { ...this.#area };
	}
}

/** The used ranges of the control and the data area. The used ends are whole words. */
function used(allocator: MapRuntime): readonly (readonly [from: number, to: number])[] {
	return [
		[CONTROL_BASE, (allocator.controlBrk + 3) & ~3],
		[allocator.dataBase, ((allocator.dataBrk + 3) & ~3) >>> 0],
	];
}
