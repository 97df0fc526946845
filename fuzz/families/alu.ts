import { Builder, edgeBytes, offset, type Register, WIDTHS, type Width } from "../builder.ts";
import type { FuzzCase, FuzzProgram, FuzzStep } from "../case.ts";
import { hex } from "../harness.ts";
import type { Random } from "../random.ts";

/** r9 points to so many bytes of a map's value or of a caller's stack; so many lie below r10. */
const ROOM = 64;
const PACKET = "00".repeat(64);
const XDP = 6;

const ALU = [
	"+=",
	"-=",
	"*=",
	"/=",
	"s/=",
	"|=",
	"&=",
	"<<=",
	">>=",
	"%=",
	"s%=",
	"^=",
	"=",
	"s>>=",
] as const;
const DIVISIONS: readonly string[] = ["/=", "s/=", "%=", "s%="];
const SHIFTS: readonly string[] = ["<<=", ">>=", "s>>="];
const CONDITIONS = ["==", ">", ">=", "&", "!=", "s>", "s>=", "<", "<=", "s<", "s<="] as const;
const FETCHING = ["add", "or", "and", "xor"] as const;
const ATOMIC = ["+=", "|=", "&=", "^="] as const;

/**
 * Arithmetic, jumps, loads, stores and atomics over registers, stack and a map's value, in a main function and
 * subprograms; every register and every byte of memory is looked at in the end.
 */
export function alu(random: Random): FuzzCase {
	const steps: FuzzStep[] = [];
	for (let run = random.between(2, 4); run > 0; run--) {
		steps.push({ update: "in", key: "00000000", value: hex(edgeBytes(random, 16)) });
		steps.push({ run: "main", packet: PACKET });
	}
	return {
		family: "alu",
		maps: [
			{ name: "in", type: "array", valueSize: 128 },
			{ name: "mem", type: "array", valueSize: ROOM, entries: [[0, hex(edgeBytes(random, ROOM / 8))]] },
			{ name: "out", type: "array", valueSize: 72 + ROOM },
		],
		programs: { main: program(random) },
		steps,
	};
}

function program(random: Random): FuzzProgram {
	const subprograms = random.weighted([
		[3, 0],
		[2, 1],
		[2, 2],
	]);
	const code = new Builder(random);
	loadNumbers(code, 9);
	code.emit("r9 = mem[0]+0 ll");
	fillStack(code);
	statements(code, { size: random.between(3, 30), depth: 0, subprograms, first: 0 });
	code.emit("r9 = out[0]+0 ll");
	for (const register of code.numbers) code.emit(`*(u64 *)(r9 + ${register * 8}) = r${register}`);
	for (let at = 0; at < ROOM; at += 8) {
		code.emit(`r1 = *(u64 *)(r10 - ${ROOM - at})`, `*(u64 *)(r9 + ${72 + at}) = r1`);
	}
	if (!code.numbers.has(0)) code.emit(`r0 = ${code.imm()}`);
	code.emit("exit");
	for (let index = 0; index < code.callbacks; index++) callback(code, index);
	for (let index = 0; index < subprograms; index++) {
		if (!code.callees.has(`f${index}`)) continue;
		code.place(`f${index}`);
		subprogram(code, index, subprograms);
	}
	return { type: XDP, asm: code.lines };
}

/** r1: a pointer to ROOM bytes; r2 to r5: numbers. Clobbers r6 to r9, which its caller must have back. */
function subprogram(code: Builder, index: number, subprograms: number): void {
	const { random } = code;
	code.numbers = new Set([2, 3, 4, 5]);
	code.emit("r9 = r1");
	for (const register of [0, 6, 7, 8]) {
		code.emit(random.chance(50) ? `r${register} = r${code.source()}` : `r${register} = ${code.imm()}`);
		code.written(register);
	}
	fillStack(code);
	statements(code, {
		size: random.between(1, 10),
		depth: 1,
		subprograms,
		first: index + 1,
		inSubprogram: true,
	});
	if (!code.numbers.has(0)) code.emit(`r0 = ${code.imm()}`);
	code.written(0);
	code.emit(`r0 ${random.pick(["+=", "^=", "="])} r${code.source()}`);
	code.emit("exit");
}

/** r0 to r8 (r1 is used up) from the map `in` and from immediates. */
function loadNumbers(code: Builder, count: number): void {
	const { random } = code;
	code.emit("r9 = in[0]+0 ll");
	for (let register = 0; register < count; register++) {
		load(code, register, "r9", 128);
	}
	if (random.chance(50)) {
		const register = code.target();
		code.emit(`r${register} = ${code.imm64()} ll`);
	}
}

function fillStack(code: Builder): void {
	for (let at = 8; at <= ROOM; at += 8) {
		if (code.random.chance(70)) code.emit(`*(u64 *)(r10 - ${at}) = r${code.source()}`);
		else code.emit(`*(u64 *)(r10 - ${at}) = ${code.imm()}`);
	}
}

interface Shape {
	readonly size: number;
	readonly depth: number;
	readonly subprograms: number;
	/** The first subprogram that may be called from here: none calls itself. */
	readonly first: number;
	readonly inLoop?: boolean;
	/** r9 may point to a stack. */
	readonly inSubprogram?: boolean;
}

function statements(code: Builder, shape: Shape): void {
	for (let count = 0; count < shape.size; count++) statement(code, shape);
}

function statement(code: Builder, shape: Shape): void {
	const { random } = code;
	refill(code);
	const nested = shape.depth < 3;
	random.weighted<() => void>([
		[12, () => arithmetic(code)],
		[4, () => special(code)],
		[4, () => access(code, direct(code, shape))],
		[3, () => atomic(code, shape, (width) => direct(code, shape, width, width))],
		[2, () => variable(code, shape)],
		[1, () => reload(code)],
		[nested ? 4 : 0, () => branch(code, shape)],
		[nested && !shape.inLoop ? 2 : 0, () => loop(code, shape)],
		[shape.inLoop ? 0 : 1, () => sum(code)],
		[shape.first < shape.subprograms && !shape.inLoop ? 3 : 0, () => call(code, shape)],
		[shape.inSubprogram ? 0 : 1, () => callbacks(code)],
	])();
}

/** Numbers again where calls left few. */
function refill(code: Builder): void {
	while (code.numbers.size < 4) {
		const register = code.target();
		load(code, register, "r10", ROOM, -ROOM);
	}
}

function load(code: Builder, register: Register, base: string, room: number, start = 0): void {
	const { random } = code;
	const width = random.pick(WIDTHS);
	const step = base === "r10" ? width : 1;
	const at = start + random.below((room - width) / step + 1) * step;
	const signed = width < 8 && random.chance(25) && !(base === "r10" && maySpill(at));
	code.emit(`r${register} = *(${Builder.type(width, signed)} *)(${base} ${offset(at)})`);
	code.written(register);
}

/** A load of stack there may be a fill: README.md, "What is not compared": sign-extending ones. */
const maySpill = (at: number): boolean => at % 8 === 0;

function arithmetic(code: Builder): void {
	const { random } = code;
	const op = random.pick(ALU);
	const wide = random.chance(55);
	const prefix = wide ? "r" : "w";
	const target = op === "=" ? code.target() : writable(code);
	let operand = `${prefix}${code.source()}`;
	if (random.chance(45)) {
		let imm = code.imm();
		if (DIVISIONS.includes(op)) imm ||= 1;
		if (SHIFTS.includes(op)) imm = random.below(wide ? 64 : 32);
		operand = String(imm);
	}
	code.emit(`${prefix}${target} ${op} ${operand}`);
	code.written(target);
}

/** One that holds a number and may be written. */
function writable(code: Builder): Register {
	const { random } = code;
	const free = [...code.numbers].filter((register) => !code.kept.has(register));
	if (free.length > 0) return random.pick(free);
	const register = code.target();
	code.emit(`r${register} = ${code.imm()}`);
	code.written(register);
	return register;
}

/** Negation, sign extension, byte order, 64-bit immediates. */
function special(code: Builder): void {
	const { random } = code;
	const target = writable(code);
	const source = code.source();
	code.emit(
		random.weighted<() => string>([
			[1, () => `r${target} = -r${target}`],
			[1, () => `w${target} = -w${target}`],
			[1, () => `r${target} = (s${random.pick([8, 16, 32])})r${source}`],
			[1, () => `w${target} = (s${random.pick([8, 16])})w${source}`],
			[3, () => `r${target} = ${random.pick(["le", "be", "bswap"])}${random.pick([16, 32, 64])} r${target}`],
			[1, () => `r${target} = ${code.imm64()} ll`],
		])(),
	);
}

interface Place {
	readonly base: string;
	readonly at: number;
	readonly width: Width;
}

/** Somewhere behind r9 or below r10; what lies on a stack must be aligned. */
function direct(code: Builder, shape: Shape, width: Width = code.random.pick(WIDTHS), align = 1): Place {
	const { random } = code;
	const base = random.chance(50) ? "r9" : "r10";
	const step = base === "r10" || shape.inSubprogram ? width : align;
	const at = random.below((ROOM - width) / step + 1) * step;
	return { base, at: base === "r9" ? at : at - ROOM, width };
}

function access(code: Builder, { base, at, width }: Place): void {
	const { random } = code;
	const type = Builder.type(width);
	const place = `(${base} ${offset(at)})`;
	random.weighted<() => void>([
		[
			4,
			() => {
				const target = code.target();
				const signed = width < 8 && random.chance(30) && !maySpill(at);
				code.emit(`r${target} = *(${Builder.type(width, signed)} *)${place}`);
				code.written(target);
			},
		],
		[3, () => code.emit(`*(${type} *)${place} = r${code.source()}`)],
		[2, () => code.emit(`*(${type} *)${place} = ${code.imm()}`)],
	])();
}

function atomic(code: Builder, shape: Shape, choose: (width: Width) => Place): void {
	const { random } = code;
	const ordered = random.chance(20);
	const { base, at, width } = choose(ordered ? random.pick(WIDTHS) : random.pick([4, 8]));
	const place = `(${base} ${offset(at)})`;
	const type = Builder.type(width);
	const prefix = width === 8 ? "r" : "w";
	if (ordered) {
		if (random.chance(50)) {
			const target = code.target();
			code.emit(`${prefix}${target} = load_acquire((${type} *)${place})`);
			code.written(target);
		} else code.emit(`store_release((${type} *)${place}, ${prefix}${code.source()})`);
		return;
	}
	// README.md, "What is not compared": what 6.18 makes of a fetch from a stack
	if (base === "r10" || shape.inSubprogram || random.chance(35)) {
		code.emit(`lock *(${type} *)${place} ${random.pick(ATOMIC)} ${prefix}${code.source()}`);
		return;
	}
	const kind = random.below(6);
	const compare = kind === 5 && code.numbers.has(0) && !code.kept.has(0);
	const value = compare ? code.source() : writable(code);
	if (compare) {
		code.emit(
			`${prefix}0 = cmpxchg${width === 8 ? "_64" : "32_32"}(${base} ${offset(at)}, ${prefix}0, ${prefix}${value})`,
		);
		// README.md, "What is not compared": 6.18 may leave r0's upper half when the comparison succeeds
		if (width === 4) code.emit("w0 = w0");
	} else if (kind >= 4)
		code.emit(
			`${prefix}${value} = xchg${width === 8 ? "_64" : "32_32"}(${base} ${offset(at)}, ${prefix}${value})`,
		);
	else
		code.emit(`${prefix}${value} = atomic_fetch_${FETCHING[kind]!}((${type} *)${place}, ${prefix}${value})`);
}

/** An access at an offset that only the run knows: masked, shifted or compared into bounds. */
function variable(code: Builder, shape: Shape): void {
	const { random } = code;
	const index = writable(code);
	if (code.numbers.size < 2) return;
	const source = code.source();
	const onStack = random.chance(40);
	const base = onStack ? "r10" : "r9";
	const skip = code.label();
	const bound = random.pick([7, 15, 31]);
	if (index !== source) code.emit(`r${index} = r${source}`);
	const how = random.below(3);
	if (how === 0) code.emit(`r${index} &= ${bound}`);
	else if (how === 1) code.emit(`r${index} >>= ${random.between(59, 62)}`);
	else code.emit(`if r${index} > ${bound} goto ${skip}`);
	const aligned = onStack || shape.inSubprogram || random.chance(40);
	if (aligned) code.emit(`r${index} &= ${random.pick([8, 16, 24])}`);
	let pointer = index;
	if (shape.inSubprogram) {
		// README.md, "What is not compared": a number += a pointer to a frame
		while (pointer === index) pointer = code.target();
		code.emit(`r${pointer} = ${base}`, `r${pointer} += r${index}`);
	} else code.emit(`r${pointer} += ${base}`);
	code.numbers.delete(pointer);
	code.kept.add(pointer);
	code.optional(() => {
		for (let count = random.between(1, 2); count > 0; count--) {
			const place = (width: Width, align = 1): Place => {
				const step = onStack || shape.inSubprogram ? width : align;
				const at = random.below((ROOM - 31 - width) / step + 1) * step;
				return { base: `r${pointer}`, at: onStack ? at - ROOM : at, width };
			};
			if (aligned && !onStack && !shape.inSubprogram && random.chance(60))
				atomic(code, shape, (width) => place(width, width));
			else access(code, place(random.pick(WIDTHS)));
		}
	});
	code.kept.delete(pointer);
	code.place(skip);
	if (random.chance(50)) {
		code.emit(`r${pointer} = ${code.imm()}`);
		code.written(pointer);
	}
}

/** r9 through the stack and back. */
function reload(code: Builder): void {
	code.emit(`*(u64 *)(r10 - ${ROOM + 8}) = r9`);
	code.emit(code.random.chance(50) ? `r9 = *(u64 *)(r10 - ${ROOM + 8})` : "r9 = r9");
}

function condition(code: Builder): string {
	const { random } = code;
	const prefix = random.chance(55) ? "r" : "w";
	const left = code.source();
	const right = random.chance(50) ? `${prefix}${code.source()}` : String(code.imm());
	return `${prefix}${left} ${random.pick(CONDITIONS)} ${right}`;
}

function branch(code: Builder, shape: Shape): void {
	const { random } = code;
	const otherwise = code.label();
	const end = code.label();
	const inner = { ...shape, size: random.between(1, 4), depth: shape.depth + 1 };
	code.emit(`if ${condition(code)} goto ${otherwise}`);
	const before = new Set(code.numbers);
	statements(code, inner);
	const after = code.numbers;
	if (random.chance(50)) {
		code.emit(`${random.chance(80) ? "goto" : "gotol"} ${end}`);
		code.place(otherwise);
		code.numbers = before;
		statements(code, inner);
		code.place(end);
	} else {
		code.place(otherwise);
		code.numbers = before;
	}
	code.numbers = new Set([...code.numbers].filter((register) => after.has(register)));
}

function loop(code: Builder, shape: Shape): void {
	const { random } = code;
	const counter = writable(code);
	const start = code.label();
	const end = code.label();
	const bounded = random.chance(70);
	const rounds = random.between(2, 4);
	const up = random.chance(50);
	code.kept.add(counter);
	code.emit(`r${counter} = ${up ? 0 : rounds}`);
	code.place(start);
	const before = new Set(code.numbers);
	if (!bounded) code.emit(`may_goto ${end}`);
	statements(code, { ...shape, size: random.between(1, 4), depth: shape.depth + 1, inLoop: true });
	// what the body ended must be a number again for the next round
	for (const register of before) {
		if (code.numbers.has(register)) continue;
		code.emit(`r${register} = ${code.imm()}`);
	}
	code.numbers = before;
	code.emit(`r${counter} ${up ? "+=" : "-="} 1`);
	code.emit(`if ${random.chance(70) ? "r" : "w"}${counter} != ${up ? rounds : 0} goto ${start}`);
	code.place(end);
	code.kept.delete(counter);
}

/** What lies side by side in the map `in`, summed up: the compiler takes several rounds at once. */
function sum(code: Builder): void {
	const { random } = code;
	const free = [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((register) => !code.kept.has(register));
	if (free.length < 5) return;
	const take = () => free.splice(random.below(free.length), 1)[0]!;
	const [pointer, counter, at, loaded, total] = [take(), take(), take(), take(), take()];
	/** Goes on by any step. */
	const other = free.length > 0 && random.chance(50) ? take() : undefined;
	const width = random.pick(WIDTHS);
	const perRound = random.pick([1, 1, 1, 2, 4].filter((count) => count * width <= 16));
	const stride = width * perRound;
	const rounds = random.between(1, Math.floor(120 / stride));
	const indexed = random.chance(40);
	const wide = width === 8 || random.chance(50) ? "r" : "w";
	const begin = indexed ? 0 : random.pick([0, 0, 5, -3]);
	const by = indexed ? stride : random.pick([1, 1, 1, 3]);
	const up = indexed || random.chance(60);
	const last = begin + by * rounds;
	const start = code.label();
	if (!code.numbers.has(total)) code.emit(`r${total} = ${code.imm()}`);
	if (other !== undefined && !code.numbers.has(other)) code.emit(`r${other} = ${code.imm()}`);
	code.emit(`r${pointer} = in[0]+${random.below(129 - stride * rounds)} ll`);
	code.emit(`r${counter} = ${up ? begin : last}`);
	code.place(start);
	code.emit(`r${at} = r${pointer}`, ...(indexed ? [`r${at} += r${counter}`] : []));
	for (let i = 0; i < perRound; i++) {
		code.emit(`r${loaded} = *(${Builder.type(width)} *)(r${at} + ${i * width})`);
		code.emit(`${wide}${total} += ${wide}${loaded}`);
	}
	if (!indexed) code.emit(`r${pointer} += ${stride}`);
	if (other !== undefined)
		code.emit(`${random.pick(["r", "w"])}${other} ${random.pick(["+=", "-="])} ${code.imm()}`);
	code.emit(`r${counter} ${up ? "+=" : "-="} ${by}`);
	const narrow = random.chance(30) ? "w" : "r";
	const ordered = begin < 0 ? (up ? "s<" : "s>") : up ? random.pick(["<", "s<"]) : random.pick([">", "s>"]);
	const compare = random.chance(50) ? "!=" : ordered;
	code.emit(`if ${narrow}${counter} ${compare} ${up ? last : begin} goto ${start}`);
	code.emit(`r${pointer} = ${code.imm()}`, `r${at} = ${code.imm()}`);
	for (const register of [pointer, counter, at, loaded, total]) code.written(register);
	if (other !== undefined) code.written(other);
}

function call(code: Builder, shape: Shape): void {
	const { random } = code;
	for (const register of [2, 3, 4, 5]) {
		if (!code.numbers.has(register)) code.emit(`r${register} = ${code.imm()}`);
	}
	if (random.chance(50)) code.emit("r1 = r9");
	else code.emit("r1 = r10", `r1 += -${ROOM}`);
	code.call(`f${random.between(shape.first, shape.subprograms - 1)}`);
}

/** bpf_loop over a function of its own; r1 to r5 are gone, so not in loops, which keep a counter. */
function callbacks(code: Builder): void {
	const { random } = code;
	if (code.kept.size > 0 || code.callbacks >= 2) return;
	const rounds = random.pick([0, 1, 2, 5, 30]);
	if (random.chance(60)) code.emit(`r1 = ${rounds}`);
	else code.emit(`r1 = r${code.source()}`, "r1 &= 7");
	code.emit(`r2 = loop${code.callbacks++} ll`, "r3 = r10", `r3 += -${ROOM}`);
	code.emit(`r4 = ${random.chance(95) ? 0 : code.imm()}`, "call 181");
	code.called();
}

/** r1: the round, r2: ROOM bytes of the caller's stack. Stops with 1. */
function callback(code: Builder, index: number): void {
	const { random } = code;
	code.place(`loop${index}`);
	code.emit("r9 = r2", "r0 = r1", `r2 = ${code.imm()}`, `r3 = ${code.imm()}`);
	code.numbers = new Set([0, 1, 2, 3]);
	for (const register of [6, 7, 8]) {
		code.emit(`r${register} = *(u64 *)(r9 + ${8 * random.below(ROOM / 8)})`);
		code.written(register);
	}
	fillStack(code);
	statements(code, {
		size: random.between(1, 5),
		depth: 2,
		subprograms: 0,
		first: 0,
		inSubprogram: true,
		inLoop: true,
	});
	code.emit(`*(u64 *)(r9 + ${8 * random.below(ROOM / 8)}) = r${code.source()}`);
	if (random.chance(70)) code.emit("r0 = 0");
	else code.emit(`r0 = r${code.source()}`, "r0 &= 1");
	code.emit("exit");
}
