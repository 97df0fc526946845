import { TailhopError } from "../errors/index.ts";
import {
	clock,
	type Environment,
	type HelperRuntime,
	type Output,
	PACKET,
	random,
	readRing,
	socketsSize,
	writeSockets,
} from "../helpers/index.ts";
import type { MapInstance, MapRuntime } from "../maps/index.ts";
import { type LinearMemory, MACHINE } from "../memory/index.ts";

/** The running machine as helpers see it: one object a machine, reused from run to run. */
export class Runtime implements HelperRuntime {
	readonly memory: LinearMemory;
	readonly argHi = new Int32Array(5);
	resultHi = 0;
	readonly environment: Environment;
	programType = 0;
	/** Address of the Environment's sockets, 0 where there are none. */
	readonly sockets: number;
	readonly #maps: readonly MapRecordLike[];
	#output: Output[] = [];

	constructor(allocator: MapRuntime, environment: Environment, maps: readonly MapRecordLike[]) {
		this.memory = allocator.memory;
		this.environment = environment;
		this.#maps = maps;
		const size = socketsSize(environment);
		this.sockets = size === 0 ? 0 : allocator.allocData(size);
		writeSockets(this.memory, this.sockets, environment);
	}

	/** The running invocation's. */
	get context(): number {
		return this.memory.u32(PACKET.CONTEXT);
	}

	get cpu(): number {
		return this.environment.cpu;
	}

	/** The map whose header is at `address`: word 0 of a header is its index, and the index must point back. */
	map(address: number): MapInstance | undefined {
		if (address > this.memory.u8.length - 4) return undefined;
		const record = this.#maps[this.memory.u32(address)];
		if (record === undefined || record.address !== address) return undefined;
		if (record.instance === undefined) {
			throw new TailhopError(
				"fault/unimplemented",
				record.unavailable?.message ?? `map ${record.name} is not implemented`,
				{ map: record.name },
				{ hint: "Run with the kernel engine." },
			);
		}
		return record.instance;
	}

	clock(): bigint {
		return clock(this.memory, this.environment);
	}

	random(): number {
		return random(this.memory);
	}

	output(event: Output): void {
		this.memory.setU32(MACHINE.BATCH_STOP, 1);
		this.#output.push(event);
	}

	/** A run starts: what it gives to the outside is collected in the list returned. */
	begin(programType: number, context: number): Output[] {
		this.programType = programType;
		this.memory.setU32(PACKET.CONTEXT, context);
		this.#output = [];
		return this.#output;
	}

	/** Ring buffers that got records in this run: read when it is over, so that programs see them unread till then. */
	readonly #committed = new Set<MapInstance>();

	ringbufCommitted(map: MapInstance): void {
		this.memory.setU32(MACHINE.BATCH_STOP, 1);
		this.#committed.add(map);
	}

	/** The same run once more: what the last one gave to the outside is dropped. */
	again(): void {
		this.finish();
		if (this.#output.length > 0) this.#output.length = 0;
	}

	/** A run is over: its ring buffers are read into its output. */
	finish(): void {
		if (this.#committed.size > 0) {
			for (const map of this.#committed) readRing(this, map);
			this.#committed.clear();
		}
	}
}

/** What the runtime needs of a machine's map. */
export interface MapRecordLike {
	readonly name: string;
	readonly address: number;
	readonly instance: MapInstance | undefined;
	readonly unavailable: TailhopError | undefined;
}
