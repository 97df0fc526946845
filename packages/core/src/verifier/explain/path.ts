import type { Insn } from "../../isa/index.ts";
import { type Sources, sameLine } from "./source.ts";
import type { Source, Step, Turn } from "./types.ts";

/** Turns of a loop that are told once, with a count. */
const LONGEST_LOOP = 6;

export const isBranch = ({ opcode }: Insn): boolean => {
	const jumps = (opcode & 7) === 5 || (opcode & 7) === 6;
	// not goto, call, exit and may_goto
	return jumps && ![0x00, 0x80, 0x90, 0xe0].includes(opcode & 0xf0);
};

/** The turns that a path takes: branches with their conditions, calls and returns. `learned`: what to say at a step. */
export function turnsOf(
	sources: Sources,
	steps: readonly Step[],
	learned: ReadonlyMap<number, string>,
): Turn[] {
	const turns: Turn[] = [];
	for (let i = 0; i + 1 < steps.length; i++) {
		const turn = turnAt(sources, steps, i, learned.get(i));
		if (turn === undefined) continue;
		turns.push(turn);
		fold(turns);
	}
	return turns;
}

function turnAt(
	sources: Sources,
	steps: readonly Step[],
	i: number,
	learned: string | undefined,
): Turn | undefined {
	const { insn, frame } = steps[i]!;
	const next = steps[i + 1]!;
	const place = sources.place(insn);
	const to = sources.place(next.insn);
	const code = sources.program.insns[insn]!;
	if (next.frame !== frame)
		return { ...place, kind: next.frame > frame ? "call" : "return", frame, to, times: 1 };
	if (!isBranch(code)) return undefined;
	// the rest of the same condition follows
	const goesOn = sameCondition(sources, steps, i);
	if (goesOn && learned === undefined) return undefined;
	const other = next.insn === insn + 1 ? insn + 1 + code.off : insn + 1;
	const held = goesOn ? undefined : holds(sources, place.source, to.source, sources.of(other));
	const condition = place.source === undefined ? undefined : conditionOf(place.source.text ?? "");
	return {
		...place,
		kind: "branch",
		frame,
		to,
		times: 1,
		...(condition === undefined ? {} : { condition }),
		...(held === undefined ? {} : { held }),
		...(learned === undefined ? {} : { learned }),
	};
}

/** Whether the next branch is on the same line, and nothing of another line lies between. */
function sameCondition(sources: Sources, steps: readonly Step[], i: number): boolean {
	const source = sources.of(steps[i]!.insn);
	for (let j = i + 1; j < steps.length; j++) {
		if (!sameLine(sources.of(steps[j]!.insn), source)) return false;
		if (steps[j]!.insn === steps[i]!.insn) return false;
		if (isBranch(sources.program.insns[steps[j]!.insn]!)) return true;
	}
	return false;
}

/**
 * Whether the condition of a line held, from where the path goes on and where it does not. Compilers turn conditions
 * round, so the instruction doesn't say; undefined where the lines don't either.
 */
function holds(
	sources: Sources,
	at: Source | undefined,
	to: Source | undefined,
	other: Source | undefined,
): boolean | undefined {
	if (at?.text === undefined || !/\b(if|for|while)\b/.test(at.text)) return undefined;
	if (isBody(at, to)) return true;
	if (isBody(at, other)) return false;
	// what is left of an `a && b` is not looked at
	const onlyAnd = at.text.includes("&&") && !at.text.includes("||");
	if (onlyAnd && sameLine(at, other) && !sameLine(at, to)) return false;
	// a body without instructions of its own is a return that is shared: the other way is the next statement
	if (!/\bif\b.*\)$/.test(at.text) || sources.has(at.file, at.line + 1)) return undefined;
	const next = sources.lineAfter(at.file, at.line + 1);
	const goesOn = to?.file === at.file && to.line === next;
	const couldGoOn = other?.file === at.file && other.line === next;
	return goesOn === couldGoOn ? undefined : couldGoOn;
}

function isBody(at: Source, to: Source | undefined): boolean {
	if (to === undefined || to.file !== at.file) return false;
	if (at.text!.endsWith(";")) return to.line === at.line && (to.column ?? 0) > (at.column ?? 0);
	return /[){]$/.test(at.text!) && to.line === at.line + 1;
}

/** The condition of an `if`, `while` or `for`; else the line. */
export function conditionOf(text: string): string {
	const found = /\b(if|while|for)\s*\(/.exec(text);
	if (found === null) return text;
	const start = found.index + found[0].length;
	let depth = 1;
	let end = start;
	for (; end < text.length; end++) {
		if (text[end] === "(") depth++;
		if (text[end] === ")" && --depth === 0) break;
	}
	const inside = text.slice(start, end).trim();
	return found[1] === "for" ? (inside.split(";")[1]?.trim() ?? inside) : inside;
}

/** Joins the last turns with equal ones before them. */
function fold(turns: Turn[]): void {
	for (let period = 1; period <= LONGEST_LOOP && period * 2 <= turns.length; period++) {
		const first = turns.length - 2 * period;
		let same = true;
		for (let k = 0; k < period && same; k++) same = equal(turns[first + k]!, turns[first + period + k]!);
		if (!same) continue;
		const again = turns.splice(first + period, period);
		for (const [k, { times, learned }] of again.entries()) {
			const turn = turns[first + k]!;
			turns[first + k] = {
				...turn,
				times: turn.times + times,
				...(learned === undefined ? {} : { learned }),
			};
		}
		return;
	}
}

const equal = (a: Turn, b: Turn): boolean =>
	a.insn === b.insn && a.to.insn === b.to.insn && a.kind === b.kind && a.frame === b.frame;

/** The called function by its first instruction. */
export function functionAt(sources: Sources, insn: number): string {
	return sources.program.functions.find(({ start }) => start === insn)?.name ?? `the function at ${insn}`;
}
