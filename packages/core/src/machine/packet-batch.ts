import { TailhopError } from "../errors/index.ts";
import { type Output, PACKET } from "../helpers/index.ts";
import type { Hook, HookOutput } from "../hooks/index.ts";
import type { MapRuntime } from "../maps/index.ts";
import { type LinearMemory, MACHINE } from "../memory/index.ts";
import { PACKET_WORDS, TICKET } from "../wasm/index.ts";
import type { ProgramRecord } from "./records.ts";
import type { Runtime } from "./runtime.ts";
import type { RunInput } from "./types.ts";
import type { Invocation, WasmEngine } from "./wasm-engine.ts";

/** An event or record that a packet's run gave to the outside. */
export type PacketBatchOutput = Output & { readonly packetIndex: number };

/** What a batch needs of its machine. */
export interface PacketBatchHost {
	readonly memory: LinearMemory;
	readonly allocator: MapRuntime;
	readonly runtime: Runtime;
	/** Absent: the interpreter takes the packets one by one. */
	readonly wasm: WasmEngine | undefined;
	interpret(invocation: Invocation): bigint;
	readonly record: ProgramRecord;
	readonly hook: Hook;
	readonly sp: number;
	readonly budget: number;
	/** Whether the packets' memory is still the batch's: a restored snapshot takes it away. */
	alive(): boolean;
	/** @throws TailhopError machine/closed */
	check(): void;
	/** Before a run: what the machine does for maps that belong to an invocation; absent where it has none. */
	readonly beginRun: (() => void) | undefined;
}

/**
 * Packets that lie in memory side by side and go through a program in one call: for traffic, where `run` is for a
 * packet. Maps carry over from packet to packet as they do from run to run; hops are not recorded. Each `run` goes
 * over the bytes that the last one left, as BPF_PROG_TEST_RUN's repeat does; `reset` puts the first ones back.
 */
export class PacketBatch {
	readonly #host: PacketBatchHost;
	readonly #inputs: readonly RunInput[];
	/** Addresses: the tickets, and the area of each packet. */
	readonly #tickets: number;
	readonly #areas: readonly { readonly address: number; readonly size: number }[];
	readonly #invocation: Invocation;
	/** By packet: the fault that its last run ended in. */
	readonly errors: (TailhopError | undefined)[] = [];
	#output: PacketBatchOutput[] = [];
	#closed = false;

	/** @internal */
	constructor(host: PacketBatchHost, inputs: readonly RunInput[]) {
		const { allocator, hook, record, sp, budget } = host;
		this.#host = host;
		this.#inputs = inputs;
		this.#tickets = allocator.allocData(Math.max(1, inputs.length) * TICKET.SIZE);
		this.#areas = inputs.map(({ packet }) => {
			const size = hook.footprint(packet.length, record.program.flags);
			return { address: allocator.allocData(size), size };
		});
		this.#invocation = { record, hook, context: 0, sp, budget, hops: undefined };
		try {
			this.reset();
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/** Packets. */
	get length(): number {
		return this.#inputs.length;
	}

	/** Events and records of the last run, in order. */
	get output(): readonly PacketBatchOutput[] {
		return this.#output;
	}

	/** Puts the packets back as they were given. @throws TailhopError machine/invalid-input for one that is refused */
	reset(): void {
		const { memory, hook, record } = this.#host;
		this.#check();
		for (const [i, input] of this.#inputs.entries()) {
			const ticket = this.#ticket(i);
			const context = hook.begin(memory, this.#areas[i]!.address, input, record.program.flags);
			memory.setU32(ticket + TICKET.CONTEXT, context);
			this.#keep(ticket);
		}
	}

	/** Runs every packet once, in order. A fault ends its packet's run, not the batch: see `errors`. */
	run(): void {
		const { memory, runtime, record, beginRun } = this.#host;
		this.#check();
		this.errors.length = 0;
		this.#output = [];
		const end = this.#ticket(this.length);
		for (let at = this.#tickets; at < end; ) {
			beginRun?.();
			const events = runtime.begin(record.program.type, 0);
			memory.setU32(MACHINE.BATCH_STOP, 0);
			try {
				at = this.#advance(at, beginRun === undefined ? end : at + TICKET.SIZE);
			} catch (error) {
				if (!(error instanceof TailhopError)) throw error;
				at = memory.u32(MACHINE.BATCH_AT) + TICKET.SIZE;
				this.errors[(at - this.#tickets) / TICKET.SIZE - 1] = error;
				// the function had no chance to put the packet's words back
				this.#keep(at - TICKET.SIZE);
			}
			runtime.finish();
			const packetIndex = (at - this.#tickets) / TICKET.SIZE - 1;
			for (const event of events) this.#output.push({ ...event, packetIndex });
		}
	}

	/** Runs tickets from `at` on; the one that it stopped before. */
	#advance(at: number, end: number): number {
		const { memory, wasm, interpret } = this.#host;
		if (wasm !== undefined) return wasm.runBatch(this.#invocation, at, end);
		memory.setU32(MACHINE.BATCH_AT, at);
		this.#show(at);
		const r0 = interpret({ ...this.#invocation, context: memory.u32(at + TICKET.CONTEXT) });
		memory.setU64(at + TICKET.R0, r0);
		this.#keep(at);
		return at + TICKET.SIZE;
	}

	/** A ticket's packet becomes the machine's. */
	#show(ticket: number): void {
		const from = ticket + TICKET.PACKET;
		this.#host.memory.u8.copyWithin(MACHINE.PACKET, from, from + PACKET_WORDS);
	}

	/** The machine's packet goes back to its ticket. */
	#keep(ticket: number): void {
		const { PACKET } = MACHINE;
		this.#host.memory.u8.copyWithin(ticket + TICKET.PACKET, PACKET, PACKET + PACKET_WORDS);
	}

	/** r0's low 32 bits of a packet's last run: the verdict. */
	verdict(index: number): number {
		return this.#host.memory.u32(this.#at(index) + TICKET.R0);
	}

	/** All 64 bits. */
	r0(index: number): bigint {
		const { memory } = this.#host;
		const at = this.#at(index);
		return (BigInt(memory.u32(at + TICKET.R0_HIGH)) << 32n) | BigInt(memory.u32(at + TICKET.R0));
	}

	/** Bytes of a packet as it is now, metadata included. */
	packetLength(index: number): number {
		const { memory } = this.#host;
		const words = this.#at(index) + TICKET.PACKET - MACHINE.PACKET;
		const linear = memory.u32(words + PACKET.END) - memory.u32(words + PACKET.META);
		return linear + memory.u32(words + PACKET.FRAGS_LENGTH);
	}

	/** A packet and its context as the last run left them. */
	result(index: number): HookOutput {
		const { memory, hook } = this.#host;
		const at = this.#at(index);
		this.#show(at);
		return hook.end(memory, memory.u32(at + TICKET.CONTEXT));
	}

	/** Frees the packets' memory. */
	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		if (!this.#host.alive()) return;
		const { allocator } = this.#host;
		for (const { address, size } of this.#areas) allocator.freeData(address, size);
		allocator.freeData(this.#tickets, Math.max(1, this.length) * TICKET.SIZE);
	}

	[Symbol.dispose](): void {
		this.close();
	}

	#ticket(index: number): number {
		return this.#tickets + index * TICKET.SIZE;
	}

	#at(index: number): number {
		this.#check();
		if (index >>> 0 !== index || index >= this.length)
			throw new TailhopError("machine/invalid-input", `no packet ${index} in a batch of ${this.length}`);
		return this.#ticket(index);
	}

	#check(): void {
		this.#host.check();
		if (!this.#host.alive())
			throw new TailhopError("machine/closed", "the batch went with a restored snapshot");
		if (this.#closed) throw new TailhopError("machine/closed", "the batch is closed");
	}
}
