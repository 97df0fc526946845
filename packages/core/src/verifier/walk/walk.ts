import type { Insn } from "../../isa/index.ts";
import type { Env } from "../env.ts";
import { printState } from "../log/print-state.ts";
import { INSN } from "../program/aux.ts";
import type { UsedMap } from "../program/map-references.ts";
import type { StackLiveness } from "../prune/stack-liveness.ts";
import type { Errno } from "../reject.ts";
import { StateCore } from "../state/core.ts";
import { FUNC_STATE, REG_STATE, STACK_MISC, STACK_ZERO, STATE } from "../state/layout.ts";
import { FLAG, kindOf, REG } from "../state/types.ts";

/** What the walk remembers of an instruction, to find later where a value came from (kernel: bpf_jmp_history_entry). */
export interface HistoryEntry {
	readonly idx: number;
	readonly prev: number;
	/** HISTORY bits, the frame and the slot that was accessed. */
	flags: number;
	/** Registers and slots that gained a range together. */
	linked: readonly LinkedPlace[] | undefined;
}

export interface LinkedPlace {
	readonly frame: number;
	readonly isReg: boolean;
	/** Of the register, or the slot. */
	readonly number: number;
}

export const HISTORY = {
	FRAME_MASK: 7,
	SPI_SHIFT: 3,
	SPI_MASK: 63,
	STACK_ACCESS: 1 << 9,
	DST_REG_STACK: 1 << 10,
	SRC_REG_STACK: 1 << 11,
} as const;

/** A state with what the walk knows of it: the registers and stacks lie in the core's memory at `at`. */
export class VState {
	at: number;
	parent: VState | undefined;
	insnIdx = 0;
	firstInsnIdx = 0;
	lastInsnIdx = -1;
	branches = 0;
	dfsDepth = 0;
	history: HistoryEntry[] = [];
	/** Of a state of a loop that was found equal: to which one. */
	equalState: VState | undefined;
	cleaned = false;
	hits = 0;
	misses = 0;
	/** In the list of states that programs may still meet; false: kept for its children only. */
	listed = false;

	constructor(at: number) {
		this.at = at;
	}
}

/** A branch that waits. */
export interface Pending {
	readonly state: VState;
	readonly insnIdx: number;
	readonly prevInsnIdx: number;
	readonly logPosition: number;
	/** How long the observer's path is there. */
	readonly mark: number;
}

/** A conditional jump's fall-through goes on; the rest waits (kernel: BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
const MAX_PENDING = 8192;

/** The walk over all paths: what the rules read and change. The rules themselves stand in the files beside. */
export class Walk {
	readonly env: Env;
	readonly core: StateCore;
	readonly liveness: StackLiveness;
	cur: VState;
	/** Index of the subprogram that is verified as one of its own: 0, or a global one. */
	subprog = 0;
	insnIdx = 0;
	prevInsnIdx = -1;
	idGen = 0;
	readonly pending: Pending[] = [];
	/** The history entry of this very instruction, once it has one. */
	entry: HistoryEntry | undefined;
	scratchedRegs = 0;
	scratchedLow = 0;
	scratchedHigh = 0;
	/** Where the last instruction's text ended, and how long it was. */
	prevLogPosition = 0;
	prevInsnLength = 0;

	insnProcessed = 0;
	jmpsProcessed = 0;
	prevInsnProcessed = 0;
	prevJmpsProcessed = 0;
	maxStatesPerInsn = 0;
	totalStates = 0;
	peakStates = 0;
	exploredStates = 0;
	freeListStates = 0;
	backedges = 0;

	constructor(env: Env, liveness: StackLiveness) {
		this.env = env;
		this.liveness = liveness;
		this.core = new StateCore();
		const { privileges } = env;
		this.core.setPolicy({ allowUninitStack: privileges.uninitStack, bpfCapable: privileges.bpf });
		this.cur = new VState(this.core.newState());
	}

	get insn(): Insn {
		return this.env.insns[this.insnIdx]!;
	}

	// ---- the current frame ----

	get curframe(): number {
		return this.core.curframe(this.cur.at);
	}
	frame(index = this.curframe): number {
		return this.core.frame(this.cur.at, index);
	}
	reg(n: number): number {
		return this.core.reg(this.cur.at, n);
	}
	type(n: number): number {
		return this.core.type(this.reg(n));
	}
	word(field: number): number {
		return this.core.get(this.cur.at, field);
	}
	setWord(field: number, value: number): void {
		this.core.set(this.cur.at, field, value);
	}
	get speculative(): boolean {
		return this.word(STATE.SPECULATIVE) !== 0;
	}
	frameWord(field: number): number {
		return this.core.get(this.frame(), field);
	}
	/** The frame that a pointer to the stack points into. */
	frameOf(reg: number): number {
		return this.core.get(reg, REG_STATE.FRAMENO);
	}

	newId(): number {
		return ++this.idGen;
	}

	// ---- registers ----

	/** A scalar of any value in r`n`. */
	markUnknown(n: number): void {
		this.core.markUnknown(this.reg(n));
	}
	markNotInit(n: number): void {
		this.core.markNotInit(this.reg(n));
	}

	scratch(n: number): void {
		this.scratchedRegs |= 1 << n;
	}
	scratchSlot(spi: number): void {
		if (spi < 32) this.scratchedLow |= 1 << spi;
		else this.scratchedHigh |= 1 << (spi - 32);
	}
	get isScratched(): boolean {
		return (this.scratchedRegs | this.scratchedLow | this.scratchedHigh) !== 0;
	}
	cleanScratched(): void {
		this.scratchedRegs = this.scratchedLow = this.scratchedHigh = 0;
	}
	scratchAll(): void {
		this.scratchedRegs = this.scratchedLow = this.scratchedHigh = -1;
	}

	/** check_reg_arg of a source: it must have been written. */
	read(n: number): void {
		this.scratch(n);
		if (n >= 11) this.env.log.reject("EINVAL", `R${n} is invalid`);
		if (this.type(n) === REG.NOT_INIT) this.env.log.reject("EACCES", `R${n} !read_ok`);
	}

	/** check_reg_arg of a destination; its value is the rule's matter. */
	write(n: number): void {
		this.scratch(n);
		if (n >= 11) this.env.log.reject("EINVAL", `R${n} is invalid`);
		if (n === 10) this.env.log.reject("EACCES", "frame pointer is read only");
	}

	/** A register holds an address that this program may not show. */
	isPointerValue(n: number): boolean {
		return !this.env.privileges.ptrLeaks && this.type(n) !== REG.SCALAR;
	}

	// ---- history and pending branches ----

	pushHistory(flags: number, linked?: readonly LinkedPlace[]): void {
		if (this.entry !== undefined) {
			this.entry.flags |= flags;
			if (linked !== undefined) this.entry.linked = linked;
			return;
		}
		this.entry = { idx: this.insnIdx, prev: this.prevInsnIdx, flags, linked };
		this.cur.history.push(this.entry);
	}

	/** A copy of a state, with the memory of the core. */
	copy(state: VState): VState {
		const copy = new VState(this.core.copyState(state.at));
		copy.parent = state.parent;
		copy.insnIdx = state.insnIdx;
		copy.firstInsnIdx = state.firstInsnIdx;
		copy.lastInsnIdx = state.lastInsnIdx;
		copy.branches = state.branches;
		copy.dfsDepth = state.dfsDepth;
		copy.history = state.history.slice();
		return copy;
	}

	/** Where a path that waits will leave the observed one. */
	get mark(): number {
		return this.env.options.observer?.mark() ?? 0;
	}

	/** Another way from here, to be walked later (kernel: push_stack). */
	push(insnIdx: number, prevInsnIdx: number, speculative = false, errno: Errno = "ENOMEM"): VState {
		const state = this.copy(this.cur);
		if (speculative) this.core.set(state.at, STATE.SPECULATIVE, 1);
		this.pending.push({ state, insnIdx, prevInsnIdx, logPosition: this.env.log.position, mark: this.mark });
		if (this.pending.length > MAX_PENDING)
			this.env.log.reject(errno, `The sequence of ${this.pending.length} jumps is too complex.`);
		if (state.parent !== undefined) state.parent.branches++;
		return state;
	}

	/** The map that a pointer to one, or to its value or key, is of. */
	mapOf(reg: number): UsedMap {
		return this.env.mapById(this.core.get(reg, REG_STATE.AUX));
	}
	/** A store that another CPU could see too early needs a barrier (SSB): marks it (kernel: aux->nospec_result). */
	sanitizeStore(insn: number, frame: number, spi: number, size: number, pointer: boolean): void {
		let sanitize = pointer;
		const types = this.core.slot(frame, spi);
		for (let i = 0; i < size; i++) {
			const type = this.core.u8[types + i]!;
			if (type !== STACK_MISC && type !== STACK_ZERO) sanitize = true;
		}
		if (sanitize) this.env.aux.mark(insn, INSN.NOSPEC_RESULT);
	}
	/** Names for the log, of what AUX holds. */
	btfName(id: number): string {
		return this.env.structName(id);
	}
	iterName(kind: number): string {
		return ITERATORS[kind] ?? "<unknown>";
	}

	/** What changed, behind the instruction that changed it (kernel: print_insn_state). */
	printInsnState(): void {
		const { log } = this.env;
		if (this.prevLogPosition !== 0 && this.prevLogPosition === log.position) {
			log.reset(this.prevLogPosition - 1);
			const length = this.prevInsnLength;
			const column = Math.ceil(Math.max(length + 4, 40) / 8) * 8;
			log.write(`${" ".repeat(column - length - 1)};`);
		} else log.write(`${this.insnIdx}:`);
		log.write(`${printState(this, this.cur.at, this.curframe, true)}\n`);
		this.cleanScratched();
	}

	/** Scalars are compared exactly from now on, so that no way to a different mask is missed. */
	exploreAluLimits(): void {
		const { uninitStack, bpf } = this.env.privileges;
		this.core.setPolicy({ allowUninitStack: uninitStack, bpfCapable: bpf, exploreAluLimits: true });
	}

	/** A register's kind without flags. */
	kind(n: number): number {
		return kindOf(this.type(n));
	}
}

/** Open-coded iterators by the number that their stack slots carry. */
export const ITERATORS: readonly string[] = [
	"",
	"num",
	"task_vma",
	"css_task",
	"css",
	"task",
	"bits",
	"kmem_cache",
	"dmabuf",
	"scx_dsq",
];

export const maybeNull = (type: number): boolean => (type & FLAG.MAYBE_NULL) !== 0;
/** Address of register n of a frame. */
export const regAt = (frame: number, n: number): number => frame + FUNC_STATE.REGS + n * REG_STATE.SIZE;
export const isPacket = (type: number): boolean => {
	const kind = kindOf(type);
	return kind === REG.PACKET || kind === REG.PACKET_META;
};
export const isPacketAny = (type: number): boolean => isPacket(type) || kindOf(type) === REG.PACKET_END;
