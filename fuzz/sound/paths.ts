import { offset, WIDTHS } from "../builder.ts";
import type { FuzzCase } from "../case.ts";
import type { Random } from "../random.ts";
import { BOXES, IN_WORDS, soundCase } from "./inputs.ts";

/** BPF_F_TEST_STATE_FREQ: a state is kept wherever paths may meet. */
const KEEP_ALL_STATES = 8;
/** Where a program's context has its packet: of xdp and sched_cls. */
const TYPES = [
	{ type: 6, data: 0, end: 4 },
	{ type: 3, data: 76, end: 80 },
] as const;

/** The main program's stack, in bytes below r10: words that functions are given too, and what is one frame's own. */
const STACK = { words: 32, buffer: 64, context: 72, loops: 88 } as const;
const WORDS = STACK.words / 8;

/** A number that outlives a statement: in a register that calls keep, in a word, or in a counter of this frame. */
type Place =
	| { readonly register: number }
	| { readonly word: number; readonly width: 4 | 8 }
	| { readonly counter: number };

/** The function that is being written. */
interface Frame {
	/** Points to the words: r10 in the main program. */
	readonly base: 10 | 6;
	/** Where a way leads that gives up: the end of the loop or function. */
	readonly leave: string;
	/** Loops that are open here and have something on the stack. */
	readonly loops: number;
	readonly counters: readonly Place[];
	/** In a loop, or called by one. */
	readonly looping: boolean;
}

/** Limits that programs count, mask and compare with. */
const LIMITS = [1, 3, 5, 6, 7, 7, 12, 15, 15, 24, 31, 63, 100] as const;

/** Bytes of a packet that are looked for; packets have 14 and more. */
const SIZES = [14, 16, 18, 24, 34] as const;

type Line = (register: number, n: number, leave: string) => string;
/** A number of at most n, or what looks like it. */
const NARROW: readonly (readonly [weight: number, line: Line])[] = [
	[6, (r, n) => `r${r} &= ${n}`],
	[2, (r, n) => `w${r} &= ${n}`],
	[6, (r, n, leave) => `if r${r} > ${n} goto ${leave}`],
	[1, (r, n, leave) => `if r${r} >= ${n + 1} goto ${leave}`],
	[1, (r, n, leave) => `if w${r} > ${n} goto ${leave}`],
	[1, (r, n, leave) => `if r${r} s> ${n} goto ${leave}`],
	[1, (r, n) => `r${r} %= ${n + 1}`],
	[1, (r, n) => `r${r} >>= ${32 + Math.clz32(n || 1)}`],
];
/** Another number, of which most of the bounds are still known. */
const TWIST: readonly (readonly [weight: number, line: Line])[] = [
	[3, (r, n) => `r${r} &= ${n}`],
	[2, (r, n) => `r${r} += ${n}`],
	[2, (r, n) => `r${r} -= ${n}`],
	[1, (r, n) => `r${r} ^= ${n}`],
	[1, (r, n) => `r${r} |= ${n}`],
	[1, (r, n) => `r${r} *= ${n}`],
	[1, (r) => `r${r} <<= 1`],
	[1, (r) => `r${r} >>= 1`],
	[1, (r, n) => `w${r} += ${n}`],
	[1, (r, n) => `w${r} -= ${n}`],
	[1, (r) => `r${r} = -r${r}`],
	[1, (r) => `r${r} = (s8)r${r}`],
	[1, (r) => `w${r} = w${r}`],
];
const CONDITIONS = ["==", "!=", ">", "<", "s>", "s<", "&"] as const;

/**
 * Programs for what the verifier does not walk: paths that part and meet again with other numbers in registers and
 * words of the stack, in branches, loops of every kind, callbacks and functions; and then go by these numbers. A
 * program has few numbers, so that what differs between its paths is often one thing alone.
 */
export function paths(random: Random): FuzzCase {
	const kind = random.pick(TYPES);
	const asm = new Paths(random, kind).make();
	return soundCase(random, kind.type, asm, random.chance(80) ? KEEP_ALL_STATES : 0);
}

class Paths {
	readonly random: Random;
	readonly kind: (typeof TYPES)[number];
	readonly limit: number;
	readonly places: readonly Place[];
	#lines: string[] = [];
	readonly #behind: string[] = [];
	#names = 0;
	#frame: Frame = { base: 10, leave: "out", loops: 0, counters: [], looping: false };
	#depth = 0;

	constructor(random: Random, kind: (typeof TYPES)[number]) {
		this.random = random;
		this.kind = kind;
		this.limit = random.pick(LIMITS);
		const all: readonly Place[] = [
			{ register: 7 },
			{ register: 8 },
			...Array.from({ length: WORDS }, (_, word) => ({ word, width: random.chance(85) ? 8 : 4 }) as const),
		];
		// few, so that they are met again
		const first = random.below(all.length);
		this.places = Array.from(
			{ length: random.pick([1, 1, 2, 2, 3]) },
			(_, i) => all[(first + i) % all.length]!,
		);
	}

	make(): readonly string[] {
		const { random } = this;
		this.emit(`*(u64 *)(r10 - ${STACK.context}) = r1`, "r9 = in[0]+0 ll", "r7 = 0", "r8 = 0");
		for (let at = 8; at <= STACK.buffer; at += 8) this.emit(`*(u64 *)(r10 - ${at}) = 0`);
		for (const place of this.places) if (random.chance(60)) this.set(place);
		for (let n = random.pick([1, 1, 2, 2, 3]); n > 0; n--) this.statement();
		if (random.chance(50)) this.use();
		this.emit("out:", "r0 = 0", "exit");
		return [...this.#lines, ...this.#behind];
	}

	emit(...lines: readonly string[]): void {
		this.#lines.push(...lines);
	}
	name(prefix: string): string {
		return `${prefix}${this.#names++}`;
	}

	/** One of the program's few numbers. */
	few(): number {
		const { random, limit } = this;
		return random.weighted([
			[5, limit],
			[2, limit >> 1],
			[2, 1],
			[1, limit + 1],
			[1, Math.max(1, limit - 1)],
			[1, 0],
			[1, 2],
		]);
	}
	line(of: typeof NARROW, register: number, n = this.few(), leave = this.#frame.leave): void {
		this.emit(this.random.weighted<Line>(of)(register, n, leave));
	}

	at(word: number): string {
		return `r${this.#frame.base} ${offset(8 * word - (this.#frame.base === 10 ? STACK.words : 0))}`;
	}
	memory(place: Exclude<Place, { register: number }>): string {
		return "counter" in place
			? `*(u64 *)(r10 - ${place.counter})`
			: `*(u${8 * place.width} *)(${this.at(place.word)})`;
	}
	load(register: number, place: Place): void {
		this.emit(`r${register} = ${"register" in place ? `r${place.register}` : this.memory(place)}`);
	}
	store(place: Place, register: number): void {
		const { random } = this;
		if (!("register" in place)) this.emit(`${this.memory(place)} = r${register}`);
		else if (random.chance(90)) this.emit(`r${place.register} = r${register}`);
		else this.emit(`w${place.register} = w${register}`);
	}
	/** One that may be written. */
	place(): Place {
		return this.random.pick(this.places);
	}
	/** One that may be read. */
	known(): Place {
		return this.random.pick([...this.places, ...this.#frame.counters]);
	}

	/** All that a place can go through; a round of a loop is of interest where it goes one of several ways. */
	statement(): void {
		const { random } = this;
		const { looping } = this.#frame;
		const deeper = this.#depth < 3 ? 1 : 0;
		this.#depth++;
		random.weighted<() => void>([
			[8, () => this.simple()],
			[looping ? 1 : 3, () => this.checkedUse()],
			[2, () => this.pointers()],
			[6, () => this.meet()],
			[this.places.length > 1 ? 4 : 0, () => this.meetLinked()],
			[8 * deeper, () => this.branch()],
			[3 * deeper, () => this.check()],
			[(looping ? 1 : 12) * deeper, () => this.loop()],
			[(looping ? 1 : 4) * deeper, () => this.call()],
		])();
		this.#depth--;
	}
	simple(): void {
		this.random.weighted<() => void>([
			[4, () => this.use()],
			[3, () => this.set(this.place())],
			[2, () => this.step(this.place())],
			[1, () => this.copy()],
		])();
	}
	statements(most: number): void {
		for (let n = this.random.between(1, most); n > 0; n--) this.statement();
	}

	/** A number that nothing is known of, or a little. */
	number(register: number): void {
		const { random } = this;
		const width = random.pick(WIDTHS);
		const signed = width < 8 && random.chance(15) ? "s" : "u";
		this.emit(`r${register} = *(${signed}${8 * width} *)(r9 + ${8 * random.below(IN_WORDS)})`);
	}

	set(place: Place): void {
		const { random } = this;
		if (random.chance(40)) this.emit(`r1 = ${random.chance(85) ? this.few() : random.between(-2, 200)}`);
		else {
			this.number(1);
			if (random.chance(75)) this.line(NARROW, 1);
			if (random.chance(35)) this.line(TWIST, 1);
		}
		this.store(place, 1);
	}

	/** A number becomes another one by itself, as in each round of a loop. */
	step(place: Place): void {
		const { random } = this;
		this.load(1, place);
		this.line(TWIST, 1);
		if (random.chance(50)) this.line(NARROW, 1);
		this.store(place, 1);
	}

	/** Two places with one number, or one a little apart. */
	copy(): void {
		const { random } = this;
		this.load(1, this.known());
		if (random.chance(25)) this.line(TWIST, 1);
		this.store(this.place(), 1);
	}

	/** A number becomes an offset; its bounds are known, or are made here. */
	use(place = this.known()): void {
		const { random } = this;
		this.load(1, place);
		if (random.chance(25)) this.line(TWIST, 1);
		if (random.chance(80)) this.line(NARROW, 1);
		if (random.chance(35)) this.line(TWIST, 1);
		if (random.chance(20)) {
			const skip = this.name("L");
			this.emit(`if r1 ${random.pick(CONDITIONS)} ${this.few()} goto ${skip}`);
			this.access(1);
			this.emit(`${skip}:`);
		} else this.access(1);
	}

	/** What is learned of one number is used for another one: right where both are one. */
	checkedUse(checked = this.known(), used = this.random.chance(40) ? checked : this.known()): void {
		const { random } = this;
		this.load(1, checked);
		if (used === checked) this.emit("r2 = r1");
		else this.load(2, used);
		if (random.chance(20)) this.line(TWIST, 2);
		this.emit(`if ${random.chance(80) ? "r" : "w"}1 > ${this.few()} goto ${this.#frame.leave}`);
		this.access(2);
	}

	access(register: number): void {
		const { random } = this;
		random.weighted<() => void>([
			[7, () => this.box(register)],
			[
				1,
				() =>
					this.emit(
						"r5 = r10",
						`r5 += -${STACK.buffer}`,
						`r5 += r${register}`,
						this.touch(5, random.below(2), [1]),
					),
			],
			[1, () => this.words(register)],
		])();
	}
	touch(pointer: number, at: number, widths: readonly number[] = [1, 1, 1, 8]): string {
		const { random } = this;
		const memory = `*(u${8 * random.pick(widths)} *)(r${pointer} + ${at})`;
		return random.chance(60) ? `r0 = ${memory}` : `${memory} = ${random.below(9)}`;
	}
	/** `fit` makes it as large as the verifier asks for, and the sum positive. */
	box(register: number): void {
		this.emit(`r5 = ${this.random.pick(BOXES)}[0]+0 ll`);
		if (this.random.chance(40)) this.emit(`r${register} += 0`);
		this.emit(`r5 += r${register}`, this.touch(5, 0));
	}
	/** The words themselves, at some offset. */
	words(register: number): void {
		this.emit(`r5 = r${this.#frame.base}`);
		if (this.#frame.base === 10) this.emit(`r5 += -${STACK.words}`);
		this.emit(`r5 += r${register}`, this.touch(5, 0, [1]));
	}

	/** Either way, and the verifier knows nothing of which. */
	choice(): string {
		const { random } = this;
		if (random.chance(75)) this.emit("call bpf_get_prandom_u32");
		else this.number(0);
		return random.weighted([
			[4, "if r0 & 1"],
			[1, "if r0 & 6"],
			[1, "if w0 s> 0"],
			[1, `if r0 > ${this.few()}`],
		]);
	}

	/** A place has its number from either of two ways. */
	meet(): void {
		const { random } = this;
		const place = this.place();
		const [other, join] = [this.name("L"), this.name("L")];
		this.emit(`${this.choice()} goto ${other}`);
		if (random.chance(80)) this.set(place);
		this.emit(`goto ${join}`, `${other}:`);
		this.set(place);
		this.emit(`${join}:`);
		if (random.chance(70)) this.use(place);
	}

	/** Two places have one number, or two, from either of two ways. */
	meetLinked(): void {
		const { random } = this;
		const [other, join] = [this.name("L"), this.name("L")];
		const first = this.place();
		const second = random.pick(this.places.filter((place) => place !== first));
		const pair = (): void => {
			this.number(1);
			this.store(first, 1);
			random.weighted<() => void>([
				[5, () => undefined],
				[2, () => this.emit(`r1 += ${this.few()}`)],
				[3, () => this.number(1)],
			])();
			this.store(second, 1);
		};
		this.emit(`${this.choice()} goto ${other}`);
		pair();
		this.emit(`goto ${join}`, `${other}:`);
		pair();
		this.emit(`${join}:`);
		if (random.chance(70)) this.checkedUse(first, second);
	}

	/** Done or not; the verifier looks first at what happens where it is not jumped. */
	maybe(what: () => void): void {
		const skip = this.name("L");
		const jumped = this.random.chance(65) ? this.name("L") : undefined;
		this.emit(`${this.choice()} goto ${jumped ?? skip}`);
		if (jumped !== undefined) this.emit(`goto ${skip}`, `${jumped}:`);
		what();
		this.emit(`${skip}:`);
	}

	branch(): void {
		const { random } = this;
		const [other, join] = [this.name("L"), this.name("L")];
		this.emit(`${this.choice()} goto ${other}`);
		const both = random.chance(60);
		if (random.chance(85) || !both) this.way();
		if (both) this.emit(`goto ${random.chance(85) ? join : this.#frame.leave}`);
		this.emit(`${other}:`);
		if (both) this.way();
		this.emit(`${join}:`);
	}

	way(): void {
		this.statements(this.random.chance(70) ? 1 : 2);
	}

	/** A branch on a number that is carried. */
	check(): void {
		const { random } = this;
		const skip = this.name("L");
		const place = this.known();
		const register = "register" in place && random.chance(70) ? place.register : 1;
		if (register === 1) this.load(1, place);
		this.emit(
			`if ${random.chance(80) ? "r" : "w"}${register} ${random.pick(CONDITIONS)} ${this.few()} goto ${skip}`,
		);
		this.statements(2);
		this.emit(`${skip}:`);
	}

	/** Two pointers of a kind that differ in their offset, or in what is known of it. */
	pointers(): void {
		const { random, kind } = this;
		const [other, join] = [this.name("L"), this.name("L")];
		const packet = this.#frame.base === 10 && random.chance(50);
		if (packet)
			this.emit(
				`r4 = *(u64 *)(r10 - ${STACK.context})`,
				`r5 = *(u32 *)(r4 + ${kind.data})`,
				`r3 = *(u32 *)(r4 + ${kind.end})`,
			);
		else this.emit(`r5 = ${random.pick(BOXES)}[0]+0 ll`);
		const move = this.move();
		const way = (lines: readonly string[]): void => {
			this.emit(...lines);
			if (packet) this.emit("r4 = r5", `r4 += ${random.pick(SIZES)}`, `if r4 > r3 goto ${this.#frame.leave}`);
		};
		this.number(0);
		this.emit(`if r0 & 1 goto ${other}`);
		way(move);
		this.emit(`goto ${join}`, `${other}:`);
		way(random.chance(60) ? move : this.move());
		this.emit(`${join}:`, this.touch(5, packet ? random.pick(SIZES) - 1 : 0));
	}

	/** Adds something to r5, or nothing. */
	move(): readonly string[] {
		const { random } = this;
		const load = `r1 = *(u8 *)(r9 + ${8 * random.below(IN_WORDS)})`;
		return random.weighted<readonly string[]>([
			[1, []],
			[1, [`r5 += ${this.few()}`]],
			[1, [load, `r1 &= ${this.few()}`, "r5 += r1"]],
			[1, [load, `if r1 > ${this.few()} goto ${this.#frame.leave}`, "r5 += r1"]],
		]);
	}

	/**
	 * Callbacks only where the call itself is in a loop: elsewhere 6.18 forgets that what a later round relies on is
	 * relied on by states in the callback (sound.test.ts has a program).
	 */
	loop(): void {
		this.random.weighted<() => void>([
			[5, () => this.open()],
			[4, () => (this.#frame.looping ? this.callback() : this.open(() => this.callback()))],
		])();
	}
	open(round?: () => void): void {
		this.random.weighted<() => void>([
			[4, () => this.mayGoto(round)],
			[2, () => this.counted(round)],
			[2, () => this.iterator(round)],
		])();
	}

	/** Anything, or some of several small things. */
	round(): void {
		const { random } = this;
		if (random.chance(30)) this.statements(4);
		else for (let n = random.between(2, 4); n > 0; n--) this.maybe(() => this.simple());
	}

	/** A loop's statements; a way in them that gives up leads to `leave`. */
	body(leave: string, round = (): void => this.round(), counter?: Place): void {
		const frame = this.#frame;
		const counters = counter === undefined ? frame.counters : [...frame.counters, counter];
		this.#frame = { ...frame, leave, loops: frame.loops + 1, counters, looping: true };
		round();
		this.#frame = frame;
	}

	mayGoto(round?: () => void): void {
		const [head, end] = [this.name("L"), this.name("L")];
		this.emit(`${head}:`, `may_goto ${end}`);
		this.body(this.random.pick([head, end]), round);
		this.emit(`goto ${head}`, `${end}:`);
	}

	counted(round?: () => void): void {
		const { random } = this;
		const [head, end] = [this.name("L"), this.name("L")];
		const counter = { counter: STACK.loops + 16 * this.#frame.loops };
		const times = random.pick([1, 2, 3, 5]);
		const down = random.chance(30);
		this.emit(`${this.memory(counter)} = ${down ? times : 0}`, `${head}:`);
		this.body(end, round, counter);
		this.load(1, counter);
		this.emit(`r1 += ${down ? -1 : 1}`, `${this.memory(counter)} = r1`);
		this.emit(
			`if r1 ${down ? "!= 0" : `${random.pick(["<", "!=", "s<"])} ${times}`} goto ${head}`,
			`${end}:`,
		);
	}

	iterator(round?: () => void): void {
		const { random } = this;
		const [head, end] = [this.name("L"), this.name("L")];
		const it = ["r1 = r10", `r1 += -${STACK.loops + 16 * this.#frame.loops}`];
		this.emit(...it, "r2 = 0", `r3 = ${random.pick([2, 4, 8, 20])}`, "call kfunc bpf_iter_num_new");
		this.emit(`${head}:`, ...it, "call kfunc bpf_iter_num_next", `if r0 == 0 goto ${end}`);
		if (random.chance(40)) {
			this.emit("r1 = *(u32 *)(r0 + 0)");
			this.store(this.place(), 1);
		}
		this.body(random.pick([head, end]), round);
		this.emit(`goto ${head}`, `${end}:`, ...it, "call kfunc bpf_iter_num_destroy");
	}

	callback(): void {
		const { random } = this;
		const name = this.name("c");
		const each = random.chance(30);
		if (each) this.emit("r1 = table ll");
		else if (random.chance(60)) this.emit(`r1 = ${random.pick([1, 2, 4, 16])}`);
		else {
			this.load(1, this.known());
			this.emit("r1 &= 15");
		}
		this.pass(3);
		this.emit(`r2 = ${name} ll`, "r4 = 0", `call ${each ? "bpf_for_each_map_elem" : "bpf_loop"}`);
		const begin = each ? ["r6 = r4", "r7 = *(u32 *)(r2 + 0)"] : ["r6 = r2", "r7 = r1"];
		this.function(name, begin, true, () => {
			if (random.chance(75)) return this.emit(`r0 = ${random.chance(85) ? 0 : 1}`);
			this.load(0, this.known());
			this.emit("r0 &= 1");
		});
	}

	/** A function that is given the words and a number, and gives a number back. */
	call(): void {
		const { random } = this;
		const name = this.name("f");
		this.load(2, this.known());
		this.pass(1);
		this.emit(`call ${name}`);
		this.function(name, ["r6 = r1", "r7 = r2"], this.#frame.looping, () => {
			this.load(0, this.known());
			if (random.chance(50)) this.line(NARROW, 0);
		});
		if (random.chance(70)) this.store(this.place(), 0);
	}

	/** The words, to a function. */
	pass(register: number): void {
		this.emit(`r${register} = r${this.#frame.base}`);
		if (this.#frame.base === 10) this.emit(`r${register} += -${STACK.words}`);
	}

	/** Behind the program. Words are its caller's, registers and what loops have on the stack its own. */
	function(name: string, begin: readonly string[], looping: boolean, end: () => void): void {
		const [lines, frame] = [this.#lines, this.#frame];
		this.#lines = [`${name}:`, ...begin, "r8 = 0", "r9 = in[0]+0 ll"];
		this.#frame = { base: 6, leave: `${name}_out`, loops: 0, counters: [], looping };
		for (let at = STACK.words + 8; at <= STACK.buffer; at += 8) this.emit(`*(u64 *)(r10 - ${at}) = 0`);
		if (looping) this.round();
		else this.statements(4);
		this.emit(`${name}_out:`);
		end();
		this.emit("exit");
		this.#behind.push(...this.#lines);
		[this.#lines, this.#frame] = [lines, frame];
	}
}
