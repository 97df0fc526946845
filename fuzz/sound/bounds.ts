import { Builder, EDGES_32, offset, WIDTHS } from "../builder.ts";
import type { FuzzCase } from "../case.ts";
import type { Random } from "../random.ts";
import { IN_WORDS, soundCase } from "./inputs.ts";
import { paths } from "./paths.ts";

/** Of a hundred programs, those of paths.ts. */
const PATHS = 60;
/** Bytes of the stack below r10 that are written first. */
const ROOM = 64;

const TYPES = [
	{
		type: 6,
		packet: true,
		load: "u32",
		data: 0,
		end: 4,
		move: "bpf_xdp_adjust_head",
		bytes: "bpf_xdp_load_bytes",
	},
	{
		type: 3,
		packet: true,
		load: "u32",
		data: 76,
		end: 80,
		move: "bpf_skb_pull_data",
		bytes: "bpf_skb_load_bytes",
	},
] as const;
type Kind = (typeof TYPES)[number];

const ALU = [
	"+=",
	"-=",
	"*=",
	"|=",
	"&=",
	"^=",
	"<<=",
	">>=",
	"s>>=",
	"/=",
	"%=",
	"=",
	"s/=",
	"s%=",
] as const;
const CONDITIONS = ["==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&"] as const;
/** What a check of "a > b" looks like, the good way going on; `less`: bytes fewer than the check's are proven. */
const PACKET_CHECKS = [
	["if r4 > r8 goto", "fall", 0],
	["if r8 < r4 goto", "fall", 0],
	["if r4 >= r8 goto", "fall", 1],
	["if r8 <= r4 goto", "fall", 1],
	["if r4 <= r8 goto", "jump", 0],
	["if r8 >= r4 goto", "jump", 0],
	["if r4 < r8 goto", "jump", 1],
	["if r8 > r4 goto", "jump", 1],
] as const;

/**
 * Programs for what the verifier calculates: scalars with masks, shifts and compares, which are then added to pointers
 * of every kind; null checks, packet ranges, loops, subprograms, spills. Many are nearly wrong on purpose: what matters
 * is that none that is accepted goes wrong. The size of the map `box` is left to `fit`.
 */
export function bounds(random: Random): FuzzCase {
	if (random.chance(PATHS)) return paths(random);
	const kind = random.pick(TYPES);
	return soundCase(random, kind.type, new Program(new Builder(random), kind).make());
}

class Program {
	readonly code: Builder;
	readonly kind: Kind;
	readonly random: Random;
	#functions = 0;
	#callbacks = 0;
	readonly #behind: string[] = [];

	constructor(code: Builder, kind: Kind) {
		this.code = code;
		this.kind = kind;
		this.random = code.random;
	}

	make(): readonly string[] {
		const { code, random } = this;
		code.emit("r6 = r1", "r9 = in[0]+0 ll");
		this.packetPointers();
		for (const register of [0, 1, 2, 3]) this.number(register);
		for (let at = 8; at <= ROOM; at += 8)
			code.emit(
				random.chance(50) ? `*(u64 *)(r10 - ${at}) = 0` : `*(u64 *)(r10 - ${at}) = r${code.source()}`,
			);
		// short ones: what is wrong in them is reached
		const statements = random.chance(60) ? random.between(1, 3) : random.between(3, 12);
		for (let n = statements; n > 0; n--) this.statement(0);
		code.emit("out:", "r0 = 0", "exit");
		return [...code.lines, ...this.#behind];
	}

	/** Mostly right. */
	wrong(percent = 8): boolean {
		return this.random.chance(percent);
	}

	packetPointers(): void {
		const { data, end, load } = this.kind;
		this.code.emit(`r7 = *(${load} *)(r6 + ${data})`, `r8 = *(${load} *)(r6 + ${end})`);
	}

	statement(depth: number): void {
		const { random } = this;
		random.weighted<() => void>([
			[6, () => this.number(this.free())],
			[10, () => this.arithmetic()],
			[8, () => this.compare(depth)],
			[8, () => this.box()],
			[4, () => this.stack()],
			[5, () => this.packet()],
			[3, () => this.lookup()],
			[3, () => this.move()],
			[depth < 2 ? 3 : 0, () => this.loop(depth)],
			[depth < 2 ? 3 : 0, () => this.call(depth)],
			[depth < 2 ? 2 : 0, () => this.callback(depth)],
			[4, () => this.spill()],
			[2, () => this.helper()],
			[2, () => this.record()],
			[1, () => this.context()],
		])();
	}

	/** r0 to r3 hold numbers; r4 and r5 are for pointers of one statement. */
	free(): number {
		return this.random.pick([0, 1, 2, 3].filter((register) => !this.code.kept.has(register)));
	}
	source(): number {
		const { code } = this;
		const known = [...code.numbers].filter((register) => register < 4);
		if (known.length > 0) return this.random.pick(known);
		const register = this.free();
		this.number(register);
		return register;
	}

	number(register: number): void {
		const { code, random } = this;
		const width = random.pick(WIDTHS);
		const at = random.below(IN_WORDS) * 8 + (random.chance(20) ? 8 - width : 0);
		code.emit(`r${register} = *(${Builder.type(width, width < 8 && random.chance(30))} *)(r9 + ${at})`);
		code.written(register);
	}

	small(): number {
		const { random } = this;
		return random.weighted([
			[5, random.between(0, 20)],
			[3, (1 << random.between(0, 12)) - random.below(2)],
			[1, random.between(-64, 64)],
			[1, random.pick(EDGES_32) | 0],
		]);
	}

	arithmetic(): void {
		const { code, random } = this;
		const dst = this.source();
		if (code.kept.has(dst)) return;
		const r = random.chance(35) ? "w" : "r";
		const bits = r === "w" ? 32 : 64;
		const special = random.below(20);
		if (special === 0) code.emit(`${r}${dst} = -${r}${dst}`);
		else if (special === 1)
			code.emit(`r${dst} = ${random.pick(["be16", "be32", "le16", "bswap64", "le32"])} r${dst}`);
		else if (special === 2) code.emit(`${r}${dst} = (s${random.pick([8, 16])})${r}${this.source()}`);
		else if (special === 3) code.emit(`r${dst} = (s32)r${this.source()}`);
		else if (special < 7) code.emit(`${r}${dst} &= ${this.small()}`);
		else {
			const op = random.pick(ALU);
			if (/<<|>>/.test(op) && random.chance(80)) code.emit(`${r}${dst} ${op} ${random.below(bits)}`);
			else if (random.chance(55)) code.emit(`${r}${dst} ${op} ${r}${this.source()}`);
			else code.emit(`${r}${dst} ${op} ${/[/%]/.test(op) ? this.small() || 7 : this.small()}`);
		}
		code.written(dst);
	}

	/** A compare that leaves the program, or around some statements. */
	compare(depth: number): void {
		const { code, random } = this;
		const r = random.chance(35) ? "w" : "r";
		const a = this.source();
		const operand = random.chance(35) ? `${r}${this.source()}` : String(this.small());
		const test = `if ${r}${a} ${random.pick(CONDITIONS)} ${operand} goto`;
		if (depth > 2 || random.chance(55)) {
			code.emit(`${test} ${this.leave()}`);
			return;
		}
		const other = code.label();
		code.emit(`${test} ${other}`);
		code.optional(() => {
			for (let n = random.between(1, 3); n > 0; n--) this.statement(depth + 1);
		});
		code.place(other);
	}

	/** Where a check leads that does not hold: the end of the function. */
	#end = "out";
	leave(): string {
		return this.#end;
	}

	/** A number within bounds, by one of the ways programs have; or as it is. */
	bounded(limit: number): number {
		const { code, random } = this;
		let register = this.source();
		if (code.kept.has(register)) {
			const copy = this.free();
			code.emit(`r${copy} = r${register}`);
			code.written(copy);
			register = copy;
		}
		random.weighted<() => void>([
			[3, () => code.emit(`r${register} &= ${limit}`)],
			[3, () => code.emit(`if r${register} > ${limit} goto ${this.leave()}`)],
			[1, () => code.emit(`if w${register} > ${limit} goto ${this.leave()}`)],
			[1, () => code.emit(`w${register} &= ${limit}`)],
			[
				1,
				() =>
					code.emit(
						`if r${register} s> ${limit} goto ${this.leave()}`,
						`if r${register} s< ${this.wrong(30) ? -1 : 0} goto ${this.leave()}`,
					),
			],
			[1, () => code.emit(`r${register} %= ${limit + 1}`)],
			[1, () => code.emit(`r${register} >>= ${64 - Math.max(1, 32 - Math.clz32(limit))}`)],
			[1, () => undefined],
		])();
		return register;
	}

	access(pointer: number, at: number, width: number, into?: number, packet = false): void {
		const { code, random } = this;
		const place = `*(${Builder.type(width as 1)} *)(r${pointer} ${offset(at)})`;
		random.weighted<() => void>([
			[4, () => this.loaded(place, into)],
			[2, () => code.emit(`${place} = r${this.source()}`)],
			[1, () => code.emit(`${place} = ${random.below(100)}`)],
			[
				1,
				() => {
					if (width >= 4 && !packet) code.emit(`lock ${place} += ${width === 4 ? "w" : "r"}${this.source()}`);
					else this.loaded(place, into);
				},
			],
		])();
	}

	loaded(place: string, into = this.free()): void {
		this.code.emit(`r${into} = ${place}`);
		this.code.written(into);
	}

	/** A map's value at a number; `fit` makes it as large as the verifier asks for. */
	box(): void {
		const { code, random } = this;
		const register = this.bounded(random.pick([0, 1, 3, 7, 15, 63, 255, 100, 1000]));
		code.emit("r5 = box[0]+0 ll");
		// `fit` puts a number here that makes the sum positive
		if (random.chance(50)) code.emit(`r${register} += 0`);
		code.emit(`r5 ${random.chance(95) ? "+=" : "-="} r${register}`);
		if (random.chance(15)) code.emit(`r5 += ${this.small()}`);
		if (random.chance(15)) code.emit(`r5 += r${this.source()}`);
		this.access(5, random.chance(70) ? 0 : random.between(-8, 32), random.pick(WIDTHS));
	}

	stack(): void {
		const { code, random } = this;
		const width = random.pick(WIDTHS);
		const limit = random.pick([7, 15, ROOM - 1, ROOM - width, ROOM - width + (this.wrong(20) ? 1 : 0)]);
		const register = this.bounded(limit);
		// the stack is accessed aligned, always
		if (width > 1 && !this.wrong(3)) code.emit(`r${register} &= ${random.pick([-width, ROOM - width])}`);
		const at = limit > 31 ? ROOM : random.pick([ROOM, 32, 16]);
		code.emit("r5 = r10", `r5 += -${at}`, `r5 += r${register}`);
		this.access(5, random.chance(85) ? 0 : width * random.between(-1, 1), width);
	}

	packet(): void {
		const { code, random } = this;
		const width = random.pick(WIDTHS);
		const size = random.pick([1, 4, 8, 14, 16, 18, 20, 34, 64]);
		code.emit("r5 = r7");
		const fixed = random.chance(30) ? random.between(0, 30) : 0;
		if (fixed > 0) code.emit(`r5 += ${fixed}`);
		if (random.chance(55)) code.emit(`r5 += r${this.bounded(random.pick([15, 63, 255, 1500, 0xffff]))}`);
		code.emit("r4 = r5", `r4 += ${size}`);
		const [check, good, less] = random.pick(PACKET_CHECKS);
		if (this.wrong(5)) code.emit("r0 = r0");
		else if (good === "fall") code.emit(`${check} ${this.leave()}`);
		else {
			const label = code.label();
			code.emit(`${check} ${label}`, `goto ${this.leave()}`);
			code.place(label);
		}
		if (random.chance(15)) code.emit(`r5 += ${random.between(0, 8)}`);
		// what is proven ends `size` bytes behind r5, one byte fewer where the check is an open one
		const room = size - width + (less === 1 && this.wrong(50) ? 1 : 0);
		this.access(
			5,
			random.chance(70) ? Math.max(0, room) + (this.wrong(20) ? 1 : 0) : random.between(0, size),
			width,
			undefined,
			true,
		);
	}

	/** A value of a hash table, mostly looked at before it is used. */
	lookup(): void {
		const { code, random } = this;
		code.emit(`*(u32 *)(r10 - 4) = r${this.source()}`, "r2 = r10", "r2 += -4", "r1 = table ll");
		code.emit("call bpf_map_lookup_elem");
		this.called();
		code.numbers.delete(0);
		const pointer = random.pick([0, 5, 4]);
		if (pointer !== 0) code.emit(`r${pointer} = r0`);
		if (random.chance(15)) code.emit("*(u64 *)(r10 - 8) = r0");
		const tested = random.chance(70) ? 0 : pointer;
		if (!this.wrong(6)) {
			if (random.chance(75)) code.emit(`if r${tested} == 0 goto ${this.leave()}`);
			else {
				const label = code.label();
				code.emit(`if r${tested} != 0 goto ${label}`, `goto ${this.leave()}`);
				code.place(label);
			}
		}
		if (random.chance(10)) code.emit("r5 = *(u64 *)(r10 - 8)");
		this.number(1);
		const width = random.pick(WIDTHS);
		if (random.chance(40)) {
			const register = this.bounded(random.pick([7, 15, 16 - width]));
			code.emit(`r${pointer} += r${register}`);
			this.access(pointer, 0, width, 2);
		} else this.access(pointer, 16 - width + (this.wrong() ? 1 : 0), width, 2);
		code.numbers.delete(0);
		this.number(0);
	}

	/** The packet moves: pointers into it are gone, unless this is a wrong program. */
	move(): void {
		const { code, random, kind } = this;
		const stale = this.wrong(35);
		if (stale) code.emit("r4 = r7", "r4 += 14", `if r4 > r8 goto ${this.leave()}`);
		code.emit("r1 = r6", `r2 = ${kind.type === 6 ? random.between(-8, 8) : random.between(0, 40)}`);
		code.emit(`call ${kind.move}`);
		this.called();
		if (stale) this.access(7, random.below(7), random.pick(WIDTHS), undefined, true);
		else this.packetPointers();
	}

	called(): void {
		this.code.called();
		if (this.random.chance(50)) this.number(this.random.between(1, 3));
	}

	loop(depth: number): void {
		const { code, random } = this;
		const head = code.label();
		const counter = this.free();
		const times = random.pick([1, 2, 3, 5, 8, 20]);
		const may = random.chance(20);
		if (may) {
			code.place(head);
			const end = code.label();
			code.emit(`may_goto ${end}`);
			code.optional(() => {
				for (let n = random.between(1, 3); n > 0; n--) this.statement(depth + 1);
			});
			code.emit(`goto ${head}`);
			code.place(end);
			return;
		}
		code.emit(`r${counter} = ${random.chance(50) ? 0 : times}`);
		const up = code.lines.at(-1)!.endsWith("= 0");
		code.written(counter);
		code.kept.add(counter);
		// calls end r1 to r3
		code.emit(`*(u64 *)(r10 - 72) = r${counter}`);
		code.place(head);
		code.optional(() => {
			for (let n = random.between(1, 2); n > 0; n--) this.statement(depth + 1);
		});
		code.emit(`r${counter} = *(u64 *)(r10 - 72)`);
		code.written(counter);
		if (random.chance(40)) {
			code.emit("r5 = box[0]+0 ll", `r5 += r${counter}`);
			this.access(
				5,
				0,
				1,
				[0, 1, 2, 3].find((register) => register !== counter),
			);
		}
		code.emit(`r${counter} ${up ? "+=" : "-="} 1`, `*(u64 *)(r10 - 72) = r${counter}`);
		code.emit(
			up
				? `if ${random.pick(["r", "w"])}${counter} ${random.pick(["<", "!=", "s<", "<="])} ${times} goto ${head}`
				: `if r${counter} ${random.pick(["!=", "s>", ">"])} 0 goto ${head}`,
		);
		code.kept.delete(counter);
	}

	/** A function that is given memory and a number, and gives a number back. */
	call(depth: number): void {
		const { code, random } = this;
		const name = `f${this.#functions++}`;
		const number = this.source();
		const onStack = random.chance(50);
		if (number !== 2) code.emit(`r2 = r${number}`);
		if (onStack) code.emit("r1 = r10", `r1 += -${random.pick([ROOM, 32])}`);
		else code.emit("r1 = box[0]+0 ll");
		code.emit(`call ${name}`);
		this.function(name, depth, () => {
			code.emit("r6 = r1", "r3 = r2", "r0 = r2");
			for (const register of [0, 2, 3]) code.written(register);
		});
		this.called();
	}

	callback(depth: number): void {
		const { code, random } = this;
		const name = `c${this.#callbacks++}`;
		if (random.chance(50)) code.emit(`r1 = ${random.pick([0, 1, 2, 4, 30])}`);
		else {
			const register = this.bounded(7);
			if (register !== 1) code.emit(`r1 = r${register}`);
		}
		code.emit("r3 = r10", `r3 += -${ROOM}`, "r4 = 0", `r2 = ${name} ll`, "call bpf_loop");
		this.function(
			name,
			depth,
			() => {
				// r1 is the round, r2 the context
				code.emit("r6 = r2", "r2 = r1", "r3 = r1", "r0 = 0");
				for (const register of [0, 1, 2, 3]) code.written(register);
			},
			true,
		);
		this.called();
	}

	/** Emitted behind the program. r6 points to memory there, and nothing is known of a packet. */
	function(name: string, depth: number, begin: () => void, callback = false): void {
		const { code, random } = this;
		const lines = code.lines.splice(0);
		const numbers = code.numbers;
		const kept = new Set(code.kept);
		code.kept.clear();
		const end = this.#end;
		this.#end = `${name}_out`;
		code.numbers = new Set();
		code.place(name);
		begin();
		code.emit("r9 = in[0]+0 ll");
		for (let at = 8; at <= ROOM; at += 8)
			code.emit(`*(u64 *)(r10 - ${at}) = ${random.chance(50) ? 0 : "r2"}`);
		for (let n = random.between(1, 4); n > 0; n--) {
			random.weighted<() => void>([
				[3, () => this.arithmetic()],
				[2, () => this.compare(3)],
				[2, () => this.box()],
				[2, () => this.stack()],
				[2, () => this.spill()],
				[1, () => this.lookup()],
				[
					4,
					() => {
						const register = this.bounded(random.pick([7, 15, 31, 63]));
						code.emit("r5 = r6", `r5 += r${register}`);
						this.access(5, 0, random.pick(WIDTHS));
					},
				],
			])();
		}
		const result = this.source();
		if (callback) code.emit(`r0 = ${this.wrong(30) ? 1 : 0}`, `${this.#end}:`);
		else
			code.emit(`r0 = r${result}`, ...(random.chance(40) ? [`r0 &= ${this.small()}`] : []), `${this.#end}:`);
		if (callback) code.emit("r0 = 0");
		else if (random.chance(30)) code.emit(`r0 ${random.pick(["&=", "%=", ">>="])} 7`);
		code.emit("exit");
		// a function's way out may be reached with no number in r0
		this.#behind.push(...code.lines.splice(0));
		code.lines.push(...lines);
		code.numbers = numbers;
		for (const register of kept) code.kept.add(register);
		this.#end = end;
		void depth;
	}

	/** Numbers and pointers through the stack, in whole and in parts. */
	spill(): void {
		const { code, random } = this;
		const at = random.pick([8, 16, 24, 80]);
		const width = random.pick([4, 8, 8, 8]);
		const source = this.source();
		code.emit(`*(u${8 * width} *)(r10 - ${at}) = r${source}`);
		if (random.chance(40)) {
			code.emit(`if r${source} > ${Math.abs(this.small())} goto ${this.leave()}`);
		}
		if (random.chance(20))
			code.emit(`*(u${random.pick([8, 16])} *)(r10 - ${at - random.below(4)}) = ${this.small()}`);
		const back = random.pick([1, 2, 4, 8, 8].filter((each) => each <= width));
		this.loaded(`*(u${8 * back} *)(r10 - ${at - (random.chance(15) && back < 8 ? 8 - back : 0)})`);
	}

	/** Helpers that take memory and its size. */
	helper(): void {
		const { code, random, kind } = this;
		const size = this.bounded(random.pick([8, 16, 32, ROOM, ROOM + (this.wrong(30) ? 1 : 0)]));
		if (random.chance(60)) {
			if (size !== 4) code.emit(`r4 = r${size}`);
			if (!this.wrong(10)) code.emit(`if r4 == 0 goto ${this.leave()}`);
			code.emit("r1 = r6", "r2 = 0");
			if (random.chance(70)) code.emit("r3 = r10", `r3 += -${random.pick([ROOM, ROOM, 32])}`);
			else code.emit("r3 = box[0]+0 ll");
			code.emit(`call ${kind.bytes}`);
		} else {
			code.emit(`r4 = r${size}`, "r3 = box[0]+0 ll", "r1 = r10", `r1 += -${ROOM}`);
			code.emit(`r2 = ${random.pick([4, 8, ROOM, ROOM])}`, "r4 &= 60", "r5 = 0", "call bpf_csum_diff");
		}
		this.called();
	}

	/** A record of a ring buffer: its memory is gone behind submit and discard. */
	record(): void {
		const { code, random } = this;
		const size = random.pick([8, 16, 32]);
		code.emit("r1 = ring ll", `r2 = ${size}`, "r3 = 0", "call bpf_ringbuf_reserve");
		code.called(false);
		if (!this.wrong(4)) code.emit(`if r0 == 0 goto ${this.leave()}`);
		code.emit("r5 = r0");
		if (random.chance(60)) this.number(2);
		const width = random.pick(WIDTHS);
		const at = random.chance(50) ? size - width : random.between(0, size);
		code.emit(`*(u${8 * width} *)(r5 + ${at}) = ${random.below(9)}`);
		code.emit("*(u64 *)(r10 - 8) = r5", "r1 = r5", "r2 = 0");
		code.emit(`call ${random.pick(["bpf_ringbuf_submit", "bpf_ringbuf_discard"])}`);
		code.called(false);
		if (this.wrong(10)) code.emit("r5 = *(u64 *)(r10 - 8)", "r0 = *(u8 *)(r5 + 0)");
		this.number(0);
	}

	context(): void {
		const { code, random } = this;
		const at = 4 * random.pick(this.wrong(10) ? [5, 20, 50] : [3, 4]);
		if (random.chance(85)) this.loaded(`*(u32 *)(r6 + ${at})`);
		else code.emit(`*(u32 *)(r6 + ${at}) = r${this.source()}`);
	}
}
