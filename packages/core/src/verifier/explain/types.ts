import type { LineInfo } from "../../spec/index.ts";
import type { Verdict } from "../verdict.ts";

/** A line of source, without the instruction that it begins at. */
export type Source = Pick<LineInfo, "file" | "line" | "column" | "text">;

/** An instruction of the program, as the verifier's log prints it, with the source line it came from. */
export interface Place {
	readonly insn: number;
	readonly text: string;
	/** Absent where the object has no line info. */
	readonly source?: Source;
}

/** A register at one point of a path. */
export interface RegView {
	/** As the log prints it: `scalar(umax=255)`, `pkt(r=14)`. */
	readonly text: string;
	/** The kind alone: `scalar`, `pkt`, `map_value_or_null`; "" before anything is written. */
	readonly kind: string;
	/** Fixed part of a pointer's offset. */
	readonly off: number;
	/** Ties copies of one value together; 0: none. */
	readonly id: number;
	/** Of a packet pointer: bytes from the pointer's base that a check has proved to be there. */
	readonly range: number;
	/** Of a pointer to the stack: the frame. */
	readonly frame: number;
	/** Bounds of a number, or of the variable part of a pointer's offset. */
	readonly smin: bigint;
	readonly smax: bigint;
	readonly umin: bigint;
	readonly umax: bigint;
	/** Bounds of its lower half, as text: what a comparison of 32 bits learns. */
	readonly low: string;
	/** Of what points into a map. */
	readonly map?: { readonly name: string; readonly valueSize: number };
}

/** An instruction on the path, and the registers before it. */
export interface Step {
	readonly insn: number;
	/** Depth of calls: 0 is the program itself. */
	readonly frame: number;
	readonly regs: readonly (RegView | undefined)[];
}

/** A turn of the path from the entry to the rejection. */
export interface Turn extends Place {
	readonly kind: "branch" | "call" | "return";
	readonly frame: number;
	/** Of a branch: the condition as the source has it. */
	readonly condition?: string;
	/** Of a branch: whether the condition held, where the lines tell. */
	readonly held?: boolean;
	/** Where the path goes on. */
	readonly to: Place;
	/** What a branch says of the value that matters: `r2 is 0 to 15`. */
	readonly learned?: string;
	/** How often the path passes here in a row, with the turns of the same loop. */
	readonly times: number;
}

/** What happened to the offending value, first to last. */
export interface OriginEvent extends Place {
	readonly kind:
		| "made"
		| "moved"
		| "spilled"
		| "filled"
		| "computed"
		/** The arithmetic that took a bound away. */
		| "widened"
		/** A comparison narrowed it. */
		| "checked"
		/** A call made it void. */
		| "voided";
	/** Register or stack slot that holds it afterwards: `r2`, `fp-8`. */
	readonly holder: string;
	/** What it is afterwards, in words. */
	readonly value: string;
	/** The whole event as a sentence without a full stop. */
	readonly words: string;
}

/** What would satisfy the rule. */
export interface Suggestion {
	readonly text: string;
	/** C to add or to change. */
	readonly code?: string;
	/** The line that the code belongs to; `behind`: after it, else before it. */
	readonly source?: Source;
	readonly behind?: boolean;
}

/** Why a program is rejected, for people. */
export interface Explanation {
	/** Row of the table of rules: "packet-bounds". */
	readonly rule: string;
	/** The line of the log that says why; others may stand behind it. */
	readonly message: string;
	readonly category: string;
	readonly title: string;
	/** Why the kernel wants it. */
	readonly why: string;
	/** Where the walk ended; absent where the program is refused as a whole. */
	readonly at?: Place;
	/** The register that the message speaks of, and what it holds. */
	readonly subject?: { readonly holder: string; readonly value: string; readonly text: string };
	readonly path: readonly Turn[];
	readonly origin: readonly OriginEvent[];
	/** What that way lacks: a sentence without a full stop. */
	readonly missing?: string;
	readonly suggestion: Suggestion;
}

/** Instructions walked by source line. */
export interface Heat {
	readonly total: number;
	/** In the order of the program; lines of functions that were inlined elsewhere are counted together. */
	readonly lines: readonly HeatLine[];
	/** Instructions without a source line. */
	readonly unknown: number;
	/** By instruction. */
	readonly visits: Uint32Array;
}

export interface HeatLine {
	readonly source: Source;
	/** Instructions that came from it, and how often they were walked in all. */
	readonly insns: number;
	readonly visits: number;
}

export interface Report {
	readonly verdict: Verdict;
	readonly heat: Heat;
	/** Of a rejected program. */
	readonly explanation?: Explanation;
}
