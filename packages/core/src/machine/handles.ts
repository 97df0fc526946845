import { TailhopError } from "../errors/index.ts";
import { type Lifecycle, PROG_ARRAY } from "./lifecycle.ts";
import type { MapRecord, ProgramRecord } from "./records.ts";

/** One reference of the user's: a descriptor. Closing it twice is fine. */
export class Descriptor implements Disposable {
	#release: (() => void) | undefined;

	constructor(release: () => void) {
		this.#release = release;
	}

	close(): void {
		this.#release?.();
		this.#release = undefined;
	}

	[Symbol.dispose](): void {
		this.close();
	}
}

/** A loaded program; the handle is the loader's descriptor. */
export class ProgramHandle implements Disposable {
	readonly #record: ProgramRecord;
	readonly #lifecycle: Lifecycle;
	#open = true;

	constructor(record: ProgramRecord, lifecycle: Lifecycle) {
		this.#record = record;
		this.#lifecycle = lifecycle;
	}

	/** @internal */
	get record(): ProgramRecord {
		return this.#record;
	}

	get name(): string {
		return this.#record.name;
	}

	/** As bpf(2) numbers programs, and as a lookup of a prog array's slot answers. */
	get id(): number {
		return this.#record.id;
	}

	/** Section, type, instructions, lines. */
	get program() {
		return this.#record.program;
	}

	/** Whether it is gone: under `lifecycle: "kernel"`, once no descriptor, pin or slot holds it. */
	get freed(): boolean {
		return this.#record.freed;
	}

	pin(path: string): void {
		this.#record.pins.add(path);
	}

	unpin(path: string): void {
		if (this.#record.pins.delete(path)) this.#lifecycle.programReleased(this.#record);
	}

	close(): void {
		if (!this.#open) return;
		this.#open = false;
		this.#record.descriptors--;
		this.#lifecycle.programReleased(this.#record);
	}

	[Symbol.dispose](): void {
		this.close();
	}
}

/** Closes, duplicates and pins of a map: what decides whether a prog array keeps its slots. */
export class MapReferences {
	readonly #record: MapRecord;
	readonly #lifecycle: Lifecycle;
	#open = true;

	constructor(record: MapRecord, lifecycle: Lifecycle) {
		this.#record = record;
		this.#lifecycle = lifecycle;
	}

	/** One more descriptor of the same map. */
	open(): Descriptor {
		this.check();
		const record = this.#record;
		record.descriptors++;
		return new Descriptor(() => {
			record.descriptors--;
			this.#lifecycle.mapReleased(record);
		});
	}

	pin(path: string): void {
		this.check();
		this.#record.pins.add(path);
	}

	unpin(path: string): void {
		if (this.#record.pins.delete(path)) this.#lifecycle.mapReleased(this.#record);
	}

	/** Closes the loader's own descriptor. */
	close(): void {
		if (!this.#open) return;
		this.#open = false;
		this.#record.descriptors--;
		this.#lifecycle.mapReleased(this.#record);
	}

	/** @throws TailhopError machine/closed once nothing holds the map any more */
	check(): void {
		if (this.#lifecycle.alive(this.#record)) return;
		const array =
			this.#record.def.type === PROG_ARRAY
				? "; a prog array's slots are cleared with its last user reference"
				: "";
		throw new TailhopError(
			"machine/closed",
			`map ${this.#record.name} is gone${array}`,
			{ map: this.#record.name },
			{ hint: "Keep a descriptor open, or pin it.", detail: { errno: 9 } },
		);
	}
}
