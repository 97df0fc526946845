import { MACHINE } from "../memory/index.ts";
import { PROGRAM } from "./convention.ts";
import { FunctionWriter, ModuleWriter, type WrittenModule } from "./module.ts";
import { T, W } from "./opcodes.ts";

/**
 * A packet of a batch as it waits in memory: what its invocation came to, and its words of MACHINE.PACKET, which take
 * turns there. All u32.
 */
export const TICKET = {
	CONTEXT: 0,
	/** r0's halves. */
	R0: 4,
	R0_HIGH: 8,
	PACKET: 16,
	SIZE: 0x80,
} as const;

/** Bytes of MACHINE.PACKET in use: all of its fields lie in them. */
export const PACKET_WORDS = 0x60;

/**
 * The module of one function: `run(program, ticket, end, sp, rounds)` runs a program of the table over the tickets
 * from `ticket` to before `end`, and gives the ticket that it stopped before: `end`, or the one behind a packet whose
 * invocation set MACHINE.BATCH_STOP. `rounds` is each invocation's budget. MACHINE.BATCH_AT is the running ticket.
 */
export function batchModule(): WrittenModule {
	const module = new ModuleWriter();
	const run = module.declare({ params: new Array<number>(5).fill(T.i32), results: [T.i32] });
	const w = new FunctionWriter(5, 512);
	const [program, ticket, end, sp, rounds] = [0, 1, 2, 3, 4] as const;
	const r0 = w.local(T.i64);
	/** The packet's words from a ticket to their place, or back. */
	const move = (back: boolean) => {
		for (let at = 0; at < PACKET_WORDS; at += 8) {
			if (back) w.get(ticket);
			else w.i32(0);
			if (back) w.i32(0);
			else w.get(ticket);
			w.memory(W.i64_load, at + (back ? MACHINE.PACKET : TICKET.PACKET), 3);
			w.memory(W.i64_store, at + (back ? TICKET.PACKET : MACHINE.PACKET), 3);
		}
	};
	w.op(W.block, T.void);
	w.get(ticket);
	w.get(end);
	w.op(W.i32_ge_u);
	w.brIf(0);
	w.op(W.loop, T.void);
	w.i32(0);
	w.get(ticket);
	w.memory(W.i32_store, MACHINE.BATCH_AT, 2);
	move(false);
	w.i32(0);
	w.get(rounds);
	w.memory(W.i32_store, MACHINE.BUDGET, 2);
	w.get(ticket);
	w.memory(W.i32_load, TICKET.CONTEXT, 2);
	w.get(sp);
	w.i32(0);
	w.get(program);
	w.callIndirect(module.type(PROGRAM));
	w.set(r0);
	w.get(ticket);
	w.get(r0);
	w.memory(W.i64_store, TICKET.R0, 2);
	move(true);
	w.get(ticket);
	w.i32(TICKET.SIZE);
	w.op(W.i32_add);
	w.set(ticket);
	w.i32(0);
	w.memory(W.i32_load, MACHINE.BATCH_STOP, 2);
	w.brIf(1);
	w.get(ticket);
	w.get(end);
	w.op(W.i32_lt_u);
	w.brIf(0);
	w.op(W.end, W.end);
	w.get(ticket);
	module.body(run, w.finish());
	module.export("run", run);
	return module.write();
}
