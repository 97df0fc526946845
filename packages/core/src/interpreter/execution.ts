import { TailhopError, type Where } from "../errors/index.ts";
import {
	type Environment,
	type Helper,
	type HelperRuntime,
	MAX_TAIL_CALLS,
	type Outcome,
} from "../helpers/index.ts";
import type { Hook } from "../hooks/index.ts";
import { helperName } from "../isa/index.ts";
import { MACHINE } from "../memory/index.ts";
import { checkArguments, type HelperPlan, planOf, resultProvenance } from "./arguments.ts";
import { contextLoad, contextStore } from "./context.ts";
import { loop } from "./loop.ts";
import { type LoweredProgram, STRIDE } from "./lower.ts";
import { accessFault, REGION, type Regions, SCALAR, UNINITIALIZED } from "./regions.ts";
import { socketLoad } from "./sockets.ts";
import { whereOf } from "./where.ts";

/** BPF_MAP_TYPE_PROG_ARRAY. */
const PROG_ARRAY = 3;

/** Bytes of a frame; r10 points at its end (MAX_BPF_STACK). */
export const FRAME_SIZE = 512;

/**
 * Frames that can be live at once: eight in each of the programs that 33 tail calls in subprograms string
 * together, 33 × 7 + 8.
 */
export const MAX_FRAMES = 239;
export const STACK_SIZE = MAX_FRAMES * FRAME_SIZE;

/** A tail call as it was recorded; made into a Hop when the run is over. */
export interface HopRecord {
	readonly program: LoweredProgram;
	readonly insn: number;
	/** Name of the prog array. */
	readonly map: string;
	readonly slot: number;
	readonly outcome: Outcome;
	readonly target: LoweredProgram | undefined;
	/** Tail calls spent before this one. */
	readonly count: number;
}

/** What the interpreter asks of the machine that runs it. */
export interface EngineHost {
	readonly runtime: HelperRuntime;
	readonly environment: Environment;
	/** End (highest address) of the stack area of STACK_SIZE bytes. */
	readonly stackTop: number;
	/** Register file size: constants of every program included. */
	readonly registers: number;
	fillConstants(registers: Int32Array, provenance: Int32Array): void;
	helper(id: number): Helper | undefined;
	/** A kernel function by its name, `bpf_` included; absent: there are none. */
	kfunc?(name: string): Helper | undefined;
	/** The program of a prog-array word. */
	program(index: number): LoweredProgram | undefined;
	/** Empty slots count as spent tail calls too (the kernel's own interpreter). */
	readonly emptySlotCounts: boolean;
	readonly callx?: boolean;
}

export interface Entry {
	readonly program: LoweredProgram;
	readonly hook: Hook | undefined;
	/** r1, and its provenance (a region of the machine's `regions`). */
	readonly context: number;
	readonly contextRegion: number;
	/** Second argument, of programs without a hook: r2. */
	readonly second?: number;
	readonly hops: HopRecord[] | undefined;
	/** A tail call from compiled code came here: its r10, and the tail calls spent. */
	readonly from?: { readonly sp: number; readonly count: number };
}

/** Words of a saved frame: return address, r6-r9, r10, their provenance, may_goto's count, callback or 0. */
const SAVED = {
	RETURN: 0,
	R6: 1,
	R10: 9,
	PROVENANCE: 10,
	MAY_GOTO: 15,
	CALLBACK: 16,
	SIZE: 17,
} as const;

interface Callback {
	readonly plan: HelperPlan;
	readonly iteration: {
		next(previous: number | undefined): readonly (number | readonly [number, number])[] | undefined;
		result(): number;
	};
	/** Values and provenance of the helper's own arguments, for those handed through. */
	readonly arguments: Int32Array;
	readonly provenance: Int32Array;
	readonly target: number;
}

/**
 * One invocation, from the entry program to the last exit. `advance(n)` runs at most n instructions and can be
 * called again: stepping, observing and budgets are this one mechanism, and nothing is paid for it when it is
 * not used. The hot loop is in loop.ts; here are the rarer steps and everything that the checks need.
 */
export class Execution {
	readonly host: EngineHost;
	readonly checked: boolean;
	readonly regions: Regions;

	/** r0-r10 as int32 halves, low first, then constants (lower.ts). */
	readonly registers: Int32Array;
	/** Same indexes; only the low half's entry is used. 0 a number, -1 never written, else a region. */
	readonly provenance: Int32Array;
	/** Provenance of each 8-byte word of the stack area: what a spill keeps. */
	readonly shadow: Int32Array;

	code!: Int32Array;
	program!: LoweredProgram;
	/** Next instruction, as an index in `code`. */
	pc = 0;
	depth = 0;
	/** Depth of the frame whose exit ends the execution: frames of compiled code lie above it. */
	#base = 0;
	mayGoto = 0;
	finished = false;
	executed = 0;

	/** Regions of what dynptr_slice gave: they end when the packet moves. */
	readonly slices: number[] = [];

	readonly #frames = new Int32Array(MAX_FRAMES * SAVED.SIZE);
	readonly #callbacks: Callback[] = [];
	/** By program type and helper id. */
	readonly #plans = new Map<number, Map<number, HelperPlan>>();
	#entry!: Entry;
	#packet = 0;
	#packetMeta = 0;
	#packetEnd = 0;
	/** Lowest address of the stack area. */
	readonly stackBase: number;
	/** The context's bytes, for unchecked stores: its fields may convert what is stored. Empty without a hook. */
	contextStart = 0;
	contextEnd = 0;
	/**
	 * Region of the frame at each depth. They outlive the frame, since nothing that points into one can: a return
	 * drops r1-r5 and a returned frame pointer, r6-r9 are the caller's, and a callee's frame pointer is not stored
	 * in a caller's frame (`spill`).
	 */
	readonly #frameRegions: Int32Array;

	constructor(host: EngineHost, regions: Regions, checked: boolean) {
		this.host = host;
		this.regions = regions;
		this.checked = checked;
		this.registers = new Int32Array(host.registers);
		this.provenance = new Int32Array(host.registers);
		this.shadow = new Int32Array(STACK_SIZE / 8);
		this.stackBase = host.stackTop - STACK_SIZE;
		host.fillConstants(this.registers, this.provenance);
		this.#frameRegions = Int32Array.from({ length: MAX_FRAMES }, (_, depth) =>
			regions.add(REGION.STACK, host.stackTop - (depth + 1) * FRAME_SIZE, FRAME_SIZE, "rw", depth),
		);
	}

	/** Sets the entry up; the machine has put context and packet into memory. */
	begin(entry: Entry): void {
		this.#entry = entry;
		this.contextStart = entry.hook === undefined ? 0 : entry.context;
		this.contextEnd = entry.hook === undefined ? 0 : entry.context + entry.hook.contextSize;
		this.finished = false;
		this.executed = 0;
		this.#base = Math.ceil((this.host.stackTop - (entry.from?.sp ?? this.host.stackTop)) / FRAME_SIZE);
		this.depth = this.#base;
		this.#callbacks.length = 0;
		this.slices.length = 0;
		const r = this.registers;
		r.fill(0, 0, 22);
		this.provenance.fill(UNINITIALIZED, 0, 32);
		r[20] = (this.host.stackTop - this.#base * FRAME_SIZE) | 0;
		this.#enter(entry.program);
		this.#setFrame();
		this.packetMoved("the start");
		r[2] = entry.context | 0;
		this.provenance[2] = entry.contextRegion;
		if (entry.second !== undefined) {
			r[4] = entry.second | 0;
			this.provenance[4] = SCALAR;
		}
		this.host.runtime.memory.setU32(MACHINE.TAIL_CALLS, entry.from?.count ?? 0);
	}

	/** Runs at most `limit` instructions; true when the invocation is over. Throws the fault it ends in. */
	advance(limit: number): boolean {
		let left = limit;
		while (left > 0 && !this.finished) {
			const slice = Math.min(left, 0x3fff_ffff);
			const rest = loop(this, slice);
			left -= slice - rest;
			this.executed += slice - rest;
		}
		return this.finished;
	}

	/** r0, all 64 bits. */
	get r0(): bigint {
		return (BigInt(this.registers[1]! >>> 0) << 32n) | BigInt(this.registers[0]! >>> 0);
	}

	get insn(): number {
		return this.pc / STRIDE;
	}

	/** Where the instruction at `pc` (in words) is. */
	where(pc: number): Where {
		const insn = Math.floor(pc / STRIDE);
		return whereOf(this.program, insn);
	}

	/** A fault at the instruction before `pc`: the loop has stepped over it when it calls here. */
	fault(
		code:
			| "fault/access"
			| "fault/uninitialized"
			| "fault/pointer"
			| "fault/argument"
			| "fault/jump"
			| "fault/stack"
			| "fault/unimplemented",
		message: string,
		hint: string,
	): never {
		throw new TailhopError(code, message, this.here(), { hint });
	}

	here(): Where {
		return this.where(this.pc - STRIDE);
	}

	uninitialized(d: number, s: number): never {
		const register = (this.provenance[s]! < 0 ? s : d) / 2;
		this.fault(
			"fault/uninitialized",
			`R${register} is read before anything was written to it`,
			"Write the register first on every path; r1-r5 are gone after a call, r0 after a tail call that fell through.",
		);
	}

	/** Sets the provenance of `d` after an arithmetic op in which a pointer takes part; or faults. */
	pointerArithmetic(num: number, d: number, s: number): void {
		const p = this.provenance;
		const pd = p[d]!;
		const ps = p[s]!;
		if (pd < 0 || ps < 0) this.uninitialized(d, s);
		const kind = this.regions.kind;
		if (num === 15) {
			if (pd > 0 && ps > 0)
				this.fault("fault/pointer", "a pointer is added to a pointer", "Subtract pointers, or add a number.");
			const from = pd > 0 ? pd : ps;
			if (kind[from]! >= REGION.MAP) this.#immovable(from);
			p[d] = from;
			return;
		}
		if (num === 16 && pd > 0 && ps === 0) {
			if (kind[pd]! >= REGION.MAP) this.#immovable(pd);
			return;
		}
		// what the kernel allows with CAP_PERFMON: a number that knows nothing of its past. A later access faults.
		p[d] = SCALAR;
	}

	#immovable(provenance: number): never {
		this.fault(
			"fault/pointer",
			`arithmetic on a ${this.regions.report(provenance).kind} pointer`,
			"Only pointers to memory can be moved.",
		);
	}

	/** A load that the plain test refused: contexts, and faults. True when it was done here. */
	loadSlow(d: number, provenance: number, address: number, size: number, high: number): boolean {
		if (provenance < 0) this.uninitializedBase();
		const kind = provenance > 0 && high === 0 ? this.regions.kind[provenance] : undefined;
		if (kind === REGION.CONTEXT && this.#entry.hook !== undefined) {
			contextLoad(this, this.#entry.hook, provenance, d, address, size);
			return true;
		}
		if (kind === REGION.SOCKET && this.regions.ended(provenance) === undefined) {
			socketLoad(this, provenance, d, address, size);
			return true;
		}
		throw accessFault(this.regions, provenance, address + high * 2 ** 32, size, "load", this.here());
	}

	storeSlow(s: number, provenance: number, address: number, size: number, high: number): boolean {
		if (provenance < 0) this.uninitializedBase();
		if (
			provenance > 0 &&
			high === 0 &&
			this.regions.kind[provenance] === REGION.CONTEXT &&
			this.#entry.hook !== undefined
		) {
			contextStore(this, this.#entry.hook, provenance, s, address, size);
			return true;
		}
		return this.storeFault(provenance, address, size, high);
	}

	storeFault(provenance: number, address: number, size: number, high: number): never {
		if (provenance < 0) this.uninitializedBase();
		throw accessFault(this.regions, provenance, address + high * 2 ** 32, size, "store", this.here());
	}

	/** An unchecked store that falls into the context. */
	storeContext(s: number, address: number, size: number): void {
		contextStore(this, this.#entry.hook!, this.#entry.contextRegion, s, address, size);
	}

	/** callx of the conformance dialect: calls the helper whose id is in dst. */
	callRegister(d: number): void {
		if (this.host.callx !== true) this.invalid(-1);
		if (this.checked && this.provenance[d]! !== SCALAR) {
			if (this.provenance[d]! < 0) this.uninitialized(d, d);
			this.fault("fault/pointer", "callx through a pointer", "The register holds a helper id.");
		}
		this.callHelper(this.registers[d]!);
	}

	/** LD_IND: the offset is src's low 32 bits plus imm. */
	loadIndirect(s: number, imm: number, size: 1 | 2 | 4): void {
		if (this.checked && this.provenance[s]! < 0) this.uninitialized(s, s);
		this.loadAbsolute((this.registers[s]! + imm) | 0, size);
	}

	/** An unchecked access beyond the memory ends in a RangeError of the view: the same fault as a checked one. */
	outside(error: unknown): unknown {
		if (!(error instanceof RangeError)) return error;
		return new TailhopError("fault/access", "access outside the machine's memory", this.here(), {
			hint: "Run checked to see where the pointer came from.",
			cause: error,
		});
	}

	uninitializedBase(): never {
		const op = this.pc - STRIDE;
		const at = this.code[op]!;
		// loads have their base in s, stores and atomics in d
		const base = (at >= 58 && at <= 64) || (at >= 93 && at <= 96) ? this.code[op + 2]! : this.code[op + 1]!;
		return this.uninitialized(base, base);
	}

	/** Provenance that an 8-byte load from the stack brings back. */
	spilled(address: number): number {
		const offset = address - this.stackBase;
		return (offset & 7) === 0 ? this.shadow[offset >> 3]! : SCALAR;
	}

	/** Notes what a store to the stack leaves in its words: a pointer only if all 8 bytes of it went there. */
	spill(address: number, size: number, provenance: number, into: number): void {
		const offset = address - this.stackBase;
		if (size === 8 && (offset & 7) === 0) {
			if (
				provenance > 0 &&
				this.regions.kind[provenance] === REGION.STACK &&
				this.regions.aux[provenance]! > this.regions.aux[into]!
			)
				this.fault(
					"fault/pointer",
					"a pointer into this frame is stored in a caller's frame",
					"The frame is gone when the caller reads it.",
				);
			this.shadow[offset >> 3] = provenance;
			return;
		}
		for (let word = offset >> 3; word <= (offset + size - 1) >> 3; word++) this.shadow[word] = SCALAR;
	}

	/** Forgets what the stack words of a range that a helper wrote held. */
	clobber(address: number, size: number): void {
		if (size === 0) return;
		const first = (address - this.stackBase) >> 3;
		this.shadow.fill(SCALAR, first, ((address - this.stackBase + size - 1) >> 3) + 1);
	}

	/** Provenance of a context field that holds a packet pointer. */
	packetProvenance(field: "packet" | "packet_meta" | "packet_end"): number {
		return field === "packet" ? this.#packet : field === "packet_meta" ? this.#packetMeta : this.#packetEnd;
	}

	/** The packet has moved: pointers from before point to ended regions. */
	packetMoved(why: string): void {
		const { hook } = this.#entry;
		if (hook === undefined) return;
		const { regions } = this;
		if (why !== "the start") {
			for (const id of [this.#packet, this.#packetMeta, this.#packetEnd, ...this.slices])
				regions.finish(id, why);
			this.slices.length = 0;
		}
		const { meta, data, end } = hook.bounds(this.host.runtime.memory);
		const access = hook.packetAccess ?? "rw";
		this.#packet = regions.add(REGION.PACKET, data, end - data, access);
		this.#packetMeta = regions.add(REGION.PACKET_META, meta, data - meta, access);
		this.#packetEnd = regions.add(REGION.PACKET_END, end, 0, "none");
	}

	get contextRegion(): number {
		return this.#entry.contextRegion;
	}

	#plan(id: number): HelperPlan {
		const type = this.program.program.type;
		let plans = this.#plans.get(type);
		if (plans === undefined) {
			plans = new Map();
			this.#plans.set(type, plans);
		}
		let plan = plans.get(id);
		if (plan === undefined) {
			const helper = this.host.helper(id);
			if (helper === undefined) {
				this.fault(
					"fault/unimplemented",
					`helper ${helperName(id) ?? "unknown"} (${id}) is not implemented`,
					"Give the Machine an implementation of your own in `helpers`, or run with the kernel engine.",
				);
			}
			plan = planOf(helper, type);
			plans.set(id, plan);
		}
		return plan;
	}

	/** call HELPER: checks arguments, runs it, sets r0 and the provenance of what it gives. */
	callHelper(id: number): void {
		this.#call(this.#plan(id));
	}

	readonly #kfuncs = new Map<string, HelperPlan>();

	/** call KFUNC: by its name, as a helper. */
	callKfunc(): void {
		const { program } = this.program;
		const name = program.kfuncs.find(({ insn }) => insn === this.insn - 1)?.name ?? "?";
		let plan = this.#kfuncs.get(name);
		if (plan === undefined) {
			const kfunc = this.host.kfunc?.(name);
			if (kfunc === undefined)
				this.fault(
					"fault/unimplemented",
					`kfunc ${name} is not implemented`,
					"Give the Machine an implementation of your own in `kfuncs`, or run with the kernel engine.",
				);
			plan = planOf(kfunc, program.type);
			this.#kfuncs.set(name, plan);
		}
		this.#call(plan);
	}

	#call(plan: HelperPlan): void {
		const { runtime } = this.host;
		const r = this.registers;
		if (this.checked) checkArguments(this, plan);
		runtime.argHi[0] = r[3]!;
		runtime.argHi[1] = r[5]!;
		runtime.argHi[2] = r[7]!;
		runtime.argHi[3] = r[9]!;
		runtime.argHi[4] = r[11]!;
		if (plan.run !== undefined) {
			this.#finishHelper(plan, plan.run(runtime, r[2]!, r[4]!, r[6]!, r[8]!, r[10]!));
			return;
		}
		const iteration = plan.iterate!(runtime, r[2]!, r[4]!, r[6]!, r[8]!, r[10]!);
		if (typeof iteration === "number") {
			this.#finishHelper(plan, iteration);
			return;
		}
		const target = r[plan.callback * 2]!;
		const callback: Callback = {
			plan,
			iteration,
			arguments: r.slice(0, 12),
			provenance: this.provenance.slice(0, 12),
			target: target * STRIDE,
		};
		this.#push(this.#callbacks.length + 1);
		this.#callbacks.push(callback);
		this.#iterate(callback, undefined);
	}

	#finishHelper(plan: HelperPlan, result: number): void {
		const r = this.registers;
		const p = this.provenance;
		if (this.checked) {
			p[0] = resultProvenance(this, plan, result);
			this.#forgetArguments();
			if (plan.changesPacket) this.packetMoved(`bpf_${plan.name} at insn ${this.insn - 1}`);
		}
		if (plan.result === "void") return;
		r[0] = result;
		r[1] = plan.result === "int" ? result >> 31 : plan.result === "u64" ? this.host.runtime.resultHi : 0;
	}

	/** r1-r5 do not outlive a call. */
	#forgetArguments(): void {
		const p = this.provenance;
		p[2] = p[4] = p[6] = p[8] = p[10] = UNINITIALIZED;
	}

	/** Next round of a callback helper, or its end; the callback's frame is on top. */
	#iterate(callback: Callback, previous: number | undefined): void {
		const args = callback.iteration.next(previous);
		const r = this.registers;
		const p = this.provenance;
		if (args === undefined) {
			this.#callbacks.pop();
			this.#pop();
			r.set(callback.arguments, 0);
			if (this.checked) p.set(callback.provenance, 0);
			this.#finishHelper(callback.plan, callback.iteration.result());
			return;
		}
		if (this.checked) {
			p.fill(UNINITIALIZED, 0, 20);
			this.#clearFrame();
		}
		for (let i = 0; i < args.length; i++) {
			const value = args[i]!;
			const at = 2 + 2 * i;
			if (typeof value === "number") {
				r[at] = value;
				r[at + 1] = 0;
			} else {
				r[at] = value[0];
				r[at + 1] = value[1];
			}
			if (this.checked) p[at] = this.#callbackProvenance(callback, i, value);
		}
		this.pc = callback.target;
		this.mayGoto = this.host.environment.mayGoto;
	}

	#callbackProvenance(callback: Callback, i: number, value: number | readonly [number, number]): number {
		const what = callback.plan.callbackArgs[i];
		if (what === undefined || what === "number") return SCALAR;
		if (typeof what === "number") return callback.provenance[what * 2]!;
		const map = this.host.runtime.map(callback.arguments[2]! >>> 0);
		if (map === undefined) return SCALAR;
		const address = (typeof value === "number" ? value : value[0]) >>> 0;
		const { name, keySize, valueSize } = map.def;
		return what === "map_key"
			? this.regions.element(REGION.MAP_KEY, address, keySize, "r", map.index, name)
			: this.regions.element(REGION.MAP_VALUE, address, valueSize, "rw", map.index, name);
	}

	/** call LOCAL: a new frame below; r1-r5 go along, r6-r9 are the callee's own. */
	callLocal(target: number): void {
		this.#push(0);
		if (this.checked) {
			const p = this.provenance;
			p[0] = p[12] = p[14] = p[16] = p[18] = UNINITIALIZED;
		}
		this.pc = target;
		this.mayGoto = this.host.environment.mayGoto;
	}

	#push(callback: number): void {
		if (this.depth + 1 >= MAX_FRAMES) {
			this.fault(
				"fault/stack",
				`calls are nested ${this.depth + 1} deep`,
				"Recursion? The kernel allows 8 frames a program.",
			);
		}
		const f = this.#frames;
		const at = this.depth * SAVED.SIZE;
		const r = this.registers;
		const p = this.provenance;
		f[at + SAVED.RETURN] = this.pc;
		for (let i = 0; i < 8; i++) f[at + SAVED.R6 + i] = r[12 + i]!;
		f[at + SAVED.R10] = r[20]!;
		for (let i = 0; i < 5; i++) f[at + SAVED.PROVENANCE + i] = p[12 + 2 * i]!;
		f[at + SAVED.MAY_GOTO] = this.mayGoto;
		f[at + SAVED.CALLBACK] = callback;
		this.#saved[this.depth] = this.program;
		this.depth++;
		r[20] = r[20]! - FRAME_SIZE;
		this.#setFrame();
	}

	/** Programs of the frames below: the objects, since an index may mean nothing any more when the frame returns. */
	readonly #saved: LoweredProgram[] = [];

	#pop(): void {
		this.depth--;
		const f = this.#frames;
		const at = this.depth * SAVED.SIZE;
		const r = this.registers;
		const p = this.provenance;
		this.pc = f[at + SAVED.RETURN]!;
		for (let i = 0; i < 8; i++) r[12 + i] = f[at + SAVED.R6 + i]!;
		r[20] = f[at + SAVED.R10]!;
		this.mayGoto = f[at + SAVED.MAY_GOTO]!;
		if (this.checked) {
			for (let i = 0; i < 5; i++) p[12 + 2 * i] = f[at + SAVED.PROVENANCE + i]!;
			if (p[0] === this.#frameRegions[this.depth + 1]) p[0] = SCALAR;
			this.#forgetArguments();
		}
		this.#use(this.#saved[this.depth]!);
	}

	#use(program: LoweredProgram): void {
		this.program = program;
		this.code = program.code;
	}

	/** A program starts from its first instruction, in the running frame. */
	#enter(program: LoweredProgram): void {
		this.#use(program);
		this.pc = 0;
		this.mayGoto = this.host.environment.mayGoto;
	}

	/** The frame that r10 points above: a region of its own, and nothing of what lay there before. */
	#setFrame(): void {
		if (!this.checked) return;
		this.provenance[20] = this.#frameRegions[this.depth]!;
		this.#clearFrame();
	}

	#clearFrame(): void {
		const top = this.registers[20]! >>> 0;
		this.host.runtime.memory.u8.fill(this.host.environment.fillByte, top - FRAME_SIZE, top);
		this.clobber(top - FRAME_SIZE, FRAME_SIZE);
	}

	/** exit: back to the caller's frame, to the next round of a callback, or the end. */
	exit(): void {
		if (this.depth === this.#base) {
			if (this.checked && this.provenance[0]! < 0) this.uninitialized(0, 0);
			this.finished = true;
			return;
		}
		const callback = this.#frames[(this.depth - 1) * SAVED.SIZE + SAVED.CALLBACK]!;
		if (callback !== 0) {
			// the callback may have been left by a tail call: its own program is the frame's below
			this.#use(this.#saved[this.depth - 1]!);
			this.#iterate(this.#callbacks[callback - 1]!, this.registers[0]!);
			return;
		}
		this.#pop();
	}

	/**
	 * bpf_tail_call. Replaces the running frame's code: callers' frames stay, the counter is the invocation's.
	 * Checks in the order of the x86 JIT: index, limit, slot (facts: rules 1 to 8).
	 */
	tailCall(): void {
		const r = this.registers;
		const { runtime } = this.host;
		const { memory } = runtime;
		const insn = this.insn - 1;
		if (this.checked) this.#checkTailCall();
		const map = runtime.map(r[4]! >>> 0);
		if (map?.slots === undefined || map.def.type !== PROG_ARRAY) {
			this.fault("fault/argument", "expected prog array map for tail call", "r2 must be a prog array.");
		}
		const slot = r[6]! >>> 0;
		const count = memory.u32(MACHINE.TAIL_CALLS);
		let outcome: Outcome;
		let target: LoweredProgram | undefined;
		if (slot >= map.def.maxEntries) outcome = "out-of-range";
		else if (count >= MAX_TAIL_CALLS) outcome = "limit";
		else {
			target = this.host.program(map.slots.word(slot));
			outcome = target === undefined ? "empty" : "taken";
			if (target !== undefined || this.host.emptySlotCounts) memory.setU32(MACHINE.TAIL_CALLS, count + 1);
		}
		this.#entry.hops?.push({
			program: this.program,
			insn,
			map: map.def.name,
			slot,
			outcome,
			target,
			count,
		});
		if (target === undefined) {
			if (this.checked) {
				this.provenance[0] = UNINITIALIZED;
				this.#forgetArguments();
			}
			return;
		}
		if (this.checked) {
			const context = this.provenance[2]!;
			this.provenance.fill(UNINITIALIZED, 0, 20);
			this.provenance[2] = context;
			this.#clearFrame();
		}
		this.#enter(target);
	}

	#checkTailCall(): void {
		const p = this.provenance;
		if (p[2]! < 0) this.uninitialized(2, 2);
		if (p[4]! < 0) this.uninitialized(4, 4);
		if (p[6]! < 0) this.uninitialized(6, 6);
		if (p[2] !== this.contextRegion || this.registers[2]! >>> 0 !== this.#entry.context)
			this.fault(
				"fault/argument",
				"r1 of a tail call is not the context",
				"Pass the ctx that the program was given, unmodified.",
			);
		if (p[4]! <= 0 || this.regions.kind[p[4]!] !== REGION.MAP)
			this.fault("fault/argument", "r2 of a tail call is not a map", "Pass the prog array itself.");
	}

	/** LD_ABS and LD_IND: r0 = the packet's value, or the function returns 0. */
	loadAbsolute(offset: number, size: 1 | 2 | 4): void {
		const p = this.provenance;
		if (this.checked) {
			if (p[12]! < 0) this.uninitialized(12, 12);
			if (p[12] !== this.contextRegion)
				this.fault("fault/argument", "r6 of a packet load is not the context", "Copy ctx to r6 first.");
		}
		const value = this.#entry.hook?.loadAbsolute?.(this.host.runtime.memory, offset, size);
		const r = this.registers;
		r[0] = value ?? 0;
		r[1] = 0;
		if (this.checked) {
			p[0] = SCALAR;
			this.#forgetArguments();
		}
		if (value === undefined) this.exit();
	}

	/** What the loop meets that is no instruction, or one that only a kernel can run. */
	invalid(num: number): never {
		if (num === 35)
			this.fault(
				"fault/unimplemented",
				"addr_space_cast: arenas are not implemented",
				"Run with the kernel engine.",
			);
		const insn = this.insn - 1;
		const what =
			insn >= this.program.program.insns.length
				? "control ran off the end of the program"
				: `no valid instruction at ${insn}`;
		this.fault("fault/jump", what, "Every path must end in exit or a jump back.");
	}

	/** The fault of a spent budget; the invocation can still be advanced. */
	overBudget(budget: number): never {
		throw new TailhopError(
			"fault/budget",
			`the budget of ${budget} instructions is spent`,
			this.where(this.pc),
			{
				hint: "An endless loop? Otherwise give a larger budget.",
			},
		);
	}

	/** What the stack looks like from the running function to the entry, for reports and debuggers. */
	backtrace(): readonly Where[] {
		const frames: Where[] = [this.where(this.pc)];
		for (let depth = this.depth - 1; depth >= this.#base; depth--) {
			const pc = this.#frames[depth * SAVED.SIZE + SAVED.RETURN]!;
			frames.push(whereOf(this.#saved[depth]!, Math.floor(pc / STRIDE) - 1));
		}
		return frames;
	}
}
