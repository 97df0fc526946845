import { Builder, edgeBytes, offset } from "../builder.ts";
import type { FuzzCase, FuzzProgram, FuzzStep } from "../case.ts";
import { hex } from "../harness.ts";
import type { Random } from "../random.ts";

/** Programs of one kind may be in each other's slots: the owner of an array is one kind. */
interface Kind {
	readonly type: number;
	readonly attachType: number;
	/** BPF_F_XDP_HAS_FRAGS is a part of it. */
	readonly flags?: number;
}

const KINDS: readonly Kind[] = [
	{ type: 6, attachType: 0 },
	{ type: 6, attachType: 37 },
	{ type: 6, attachType: 0, flags: 32 },
	{ type: 3, attachType: 0 },
	{ type: 3, attachType: 46 },
	{ type: 4, attachType: 0 },
	{ type: 1, attachType: 0 },
];

/** Layout of the value of `log`: how many programs ran, a hash of all that happened, the first ids. */
const HASH = 8;
const IDS = 16;
const MAX_IDS = 60;
const IN_WORDS = 8;

interface Array {
	readonly name: string;
	readonly kind: Kind;
	readonly size: number;
}

interface Graph {
	readonly kinds: readonly Kind[];
	readonly arrays: readonly Array[];
	readonly programs: readonly { readonly name: string; readonly kind: Kind }[];
}

/**
 * Graphs of programs that tail call each other, from main functions and subprograms, through static and dynamic
 * slots, up to the limit; slots change between runs. What ran, and what callers still had after it, is in `log`.
 */
export function tailcalls(random: Random): FuzzCase {
	const kinds = Array.from({ length: random.chance(25) ? 2 : 1 }, () => random.pick(KINDS));
	const arrays = Array.from({ length: random.between(kinds.length, 3) }, (_, index) => ({
		name: `jumps${index}`,
		kind: kinds[index % kinds.length]!,
		size: random.weighted([
			[4, random.between(1, 8)],
			[1, 64],
		]),
	}));
	const programs = Array.from({ length: random.between(kinds.length, 5) }, (_, index) => ({
		name: `p${index}`,
		kind: kinds[index % kinds.length]!,
	}));
	const graph: Graph = { kinds, arrays, programs };
	const slots: Record<string, Record<number, string>> = {};
	for (const array of arrays) {
		const own = programs.filter(({ kind }) => kind === array.kind);
		const filled: Record<number, string> = {};
		const percent = random.pick([40, 80, 100]);
		for (let slot = 0; slot < Math.min(array.size, 8); slot++) {
			if (random.chance(percent)) filled[slot] = random.pick(own).name;
		}
		slots[array.name] = filled;
	}
	return {
		family: "tailcalls",
		maps: [
			{ name: "in", type: "array", valueSize: IN_WORDS * 8 },
			{ name: "log", type: "array", valueSize: IDS + 4 * MAX_IDS },
			...arrays.map(({ name, size }) => ({ name, type: "prog_array", maxEntries: size })),
		],
		programs: Object.fromEntries(
			programs.map(({ name, kind }, index) => [name, program(random, graph, kind, index)]),
		),
		slots,
		steps: stepsOf(random, graph),
	};
}

function stepsOf(random: Random, { arrays, programs }: Graph): FuzzStep[] {
	const steps: FuzzStep[] = [];
	for (let run = random.between(2, 5); run > 0; run--) {
		for (let changes = random.below(3); changes > 0; changes--) {
			const array = random.pick(arrays);
			steps.push({
				slot: array.name,
				index: random.chance(90) ? random.below(Math.min(array.size, 8)) : array.size + random.below(2),
				program: random.chance(60) ? random.pick(programs).name : null,
				mode: random.weighted([
					[8, "any"],
					[1, "noexist"],
					[1, "exist"],
				]),
			});
		}
		steps.push({ update: "in", key: "00000000", value: hex(inputs(random)) });
		if (random.chance(70)) {
			steps.push({ update: "log", key: "00000000", value: "00".repeat(IDS + 4 * MAX_IDS) });
		}
		steps.push({ run: random.pick(programs).name, packet: packet(random) });
		steps.push({ lookup: "log", key: "00000000" });
	}
	return steps;
}

/** Mostly small numbers: they are slots. */
function inputs(random: Random): Uint8Array {
	const bytes = edgeBytes(random, IN_WORDS);
	for (let at = 0; at < bytes.length; at += 8) {
		if (!random.chance(80)) continue;
		bytes.fill(0, at, at + (random.chance(80) ? 8 : 4));
		bytes[at] = random.below(8);
	}
	return bytes;
}

function packet(random: Random): string {
	// an ethertype that no layer checks
	const bytes = random.bytes(random.between(60, 100));
	bytes[12] = 0x88;
	bytes[13] = 0xb5;
	return hex(bytes);
}

interface Scope {
	readonly graph: Graph;
	readonly kind: Kind;
	/** How many subprograms the program has, and the first that may be called from here. */
	readonly subprograms: number;
	readonly first: number;
	/** Bytes of stack that this function uses. */
	readonly frame: number;
	readonly depth: number;
	/** Calls in loops that are open: only one deep. */
	readonly inLoop: boolean;
}

/**
 * r6: the context; r7: the value of `log`; r8, r9: numbers that must survive whatever is called, as the frame must.
 */
function program(random: Random, graph: Graph, kind: Kind, id: number): FuzzProgram {
	const code = new Builder(random);
	const subprograms = random.weighted([
		[4, 0],
		[3, 1],
		[2, 2],
		[1, 3],
	]);
	const scope: Scope = {
		graph,
		kind,
		subprograms,
		first: 0,
		frame: 8 * random.between(1, 7),
		depth: 0,
		inLoop: false,
	};
	code.emit("r6 = r1", "r7 = log[0]+0 ll");
	enter(code, id + 1);
	marks(code, scope);
	statements(code, scope, random.between(1, 6));
	unmark(code, scope);
	code.emit(random.chance(50) ? `r0 = ${code.imm64()} ll` : `r0 = ${id + 1}`, "exit");
	for (let index = 0; index < subprograms; index++) {
		if (!code.callees.has(`f${index}`)) continue;
		code.place(`f${index}`);
		code.emit("r6 = r1", "r7 = log[0]+0 ll");
		if (random.chance(50))
			code.emit(`r1 = *(u64 *)(r2 + 0)`, `r1 += ${random.between(1, 99)}`, "*(u64 *)(r2 + 0) = r1");
		const inner = { ...scope, first: index + 1, frame: 8 * random.between(1, 7) };
		marks(code, inner);
		statements(code, inner, random.between(1, 4));
		unmark(code, inner);
		code.emit(random.chance(50) ? `r0 = ${code.imm64()} ll` : `r0 = ${100 + index}`, "exit");
	}
	return { ...kind, asm: code.lines };
}

/** The id of a program that was entered goes into `log`. */
function enter(code: Builder, id: number): void {
	const full = code.label();
	code.emit(
		"r1 = *(u32 *)(r7 + 0)",
		"r2 = r1",
		"r2 += 1",
		"*(u32 *)(r7 + 0) = r2",
		`if r1 >= ${MAX_IDS} goto ${full}`,
		"r1 <<= 2",
		"r1 += r7",
		`*(u32 *)(r1 + ${IDS}) = ${id}`,
	);
	code.place(full);
	mix(code, id);
}

/** hash = hash * 31 + what; clobbers r1 and r2. */
function mix(code: Builder, what: number | string): void {
	code.emit(
		`r1 = *(u64 *)(r7 + ${HASH})`,
		"r1 *= 31",
		typeof what === "number" ? `r1 += ${what}` : `r1 += ${what}`,
		`*(u64 *)(r7 + ${HASH}) = r1`,
	);
}

/** Known numbers in r8, r9 and the frame. */
function marks(code: Builder, { frame }: Scope): void {
	code.emit(`r8 = ${code.imm64()} ll`, `r9 = ${code.imm()}`);
	for (let at = 8; at <= frame; at += 8) code.emit(`*(u64 *)(r10 - ${at}) = ${code.imm()}`);
}

/** They go into the hash. */
function unmark(code: Builder, { frame }: Scope): void {
	mix(code, "r8");
	mix(code, "r9");
	for (let at = 8; at <= frame; at += 8) {
		code.emit(`r2 = *(u64 *)(r10 - ${at})`);
		mix(code, "r2");
	}
}

function statements(code: Builder, scope: Scope, count: number): void {
	for (let left = count; left > 0; left--) statement(code, scope);
}

function statement(code: Builder, scope: Scope): void {
	const { random } = code;
	const calls = scope.first < scope.subprograms;
	random.weighted<() => void>([
		[5, () => tailCall(code, scope)],
		[calls ? 4 : 0, () => call(code, scope)],
		[scope.depth < 2 ? 2 : 0, () => branch(code, scope)],
		[calls && !scope.inLoop && scope.depth < 2 ? 1 : 0, () => loop(code, scope)],
		[1, () => mix(code, code.imm())],
		[1, () => code.emit(`*(u64 *)(r10 - ${8 * random.between(1, scope.frame / 8)}) = r8`)],
		[1, () => code.emit(`r8 ${random.pick(["+=", "^=", "*="])} ${code.imm()}`)],
		[scope.kind.type === 6 ? 0 : 1, () => contextStore(code)],
	])();
}

/** cb[1] counts, so that the context goes along. */
function contextStore(code: Builder): void {
	code.emit("r1 = *(u32 *)(r6 + 52)", "r1 += 1", "*(u32 *)(r6 + 52) = r1");
}

function tailCall(code: Builder, { graph, kind }: Scope): void {
	const { random } = code;
	// now and then another kind's: the load is refused
	const own = graph.arrays.filter((array) => array.kind === kind || random.below(200) === 0);
	const array = random.pick(own);
	const slot = (): string =>
		String(random.chance(90) ? random.below(Math.min(array.size, 8)) : array.size + random.below(3));
	random.weighted<() => void>([
		[5, () => code.emit(`r3 = ${slot()}`)],
		[
			4,
			() => {
				const width = random.pick([1, 4, 8]);
				code.emit("r3 = in[0]+0 ll", `r3 = *(u${width * 8} *)(r3 + ${8 * random.below(IN_WORDS)})`);
				if (random.chance(30)) code.emit("r3 <<= 32", "r3 s>>= 32");
			},
		],
		// another slot at each entry
		[
			3,
			() => {
				code.emit("r3 = *(u32 *)(r7 + 0)", `r3 ${random.pick(["&= 3", "&= 7", `%= ${array.size}`, "&= 1"])}`);
			},
		],
		// two constants that meet: no static slot
		[
			2,
			() => {
				const over = code.label();
				code.emit(`r3 = ${slot()}`, ...test(code, over), `r3 = ${slot()}`);
				code.place(over);
			},
		],
		[1, () => code.emit(`r3 = ${code.imm64()} ll`)],
		[1, () => code.emit(`r3 = ${0x1_0000_0000 + random.below(8)} ll`)],
	])();
	const other = random.pick(own);
	random.weighted<() => void>([
		[6, () => code.emit(`r2 = ${array.name} ll`)],
		[
			1,
			() => {
				const over = code.label();
				code.emit(
					"r1 = *(u32 *)(r7 + 0)",
					"r1 &= 1",
					`r2 = ${array.name} ll`,
					`if r1 == 0 goto ${over}`,
					`r2 = ${other.name} ll`,
				);
				code.place(over);
			},
		],
	])();
	code.emit("r1 = r6", "call 12");
	mix(code, random.below(1000));
}

/** A jump to `label` that the input decides; clobbers r1. */
function test(code: Builder, label: string): string[] {
	const { random } = code;
	return random.chance(50)
		? [
				"r1 = in[0]+0 ll",
				`r1 = *(u32 *)(r1 + ${4 * random.below(IN_WORDS * 2)})`,
				`if r1 & ${1 << random.below(3)} goto ${label}`,
			]
		: ["r1 = *(u32 *)(r7 + 0)", `if r1 > ${random.between(1, 34)} goto ${label}`];
}

function branch(code: Builder, scope: Scope): void {
	const over = code.label();
	code.emit(...test(code, over));
	statements(code, { ...scope, depth: scope.depth + 1 }, code.random.between(1, 2));
	code.place(over);
}

function call(code: Builder, scope: Scope): void {
	const { random } = code;
	// r2: eight bytes of this frame, which the callee may write
	code.emit("r1 = r6", "r2 = r10", `r2 += -${8 * random.between(1, scope.frame / 8)}`);
	code.call(`f${random.between(scope.first, scope.subprograms - 1)}`);
	if (random.chance(80)) mix(code, "r0");
}

/** Many calls, so that the budget goes in subprograms that return. The counter lies below the frame. */
function loop(code: Builder, scope: Scope): void {
	const { random } = code;
	const start = code.label();
	const at = scope.frame + 8;
	const rounds = random.pick([2, 3, 10, 40]);
	code.emit(`*(u64 *)(r10 ${offset(-at)}) = 0`);
	code.place(start);
	call(code, scope);
	if (rounds < 10) statements(code, { ...scope, depth: 2, inLoop: true }, 1);
	code.emit(
		`r1 = *(u64 *)(r10 ${offset(-at)})`,
		"r1 += 1",
		`*(u64 *)(r10 ${offset(-at)}) = r1`,
		`if r1 < ${rounds} goto ${start}`,
	);
}
