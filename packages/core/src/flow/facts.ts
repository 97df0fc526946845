/** What is known of an argument at a call: the same on every path that reaches it. */
export type KnownArgument =
	| { readonly kind: "number"; readonly value: bigint }
	| { readonly kind: "map"; readonly map: number }
	| { readonly kind: "context" }
	/** Offset from the frame pointer of the calling function. */
	| { readonly kind: "stack"; readonly offset: number }
	/** First instruction of the function. */
	| { readonly kind: "function"; readonly start: number };

/** A call of a helper. */
export interface CallFacts {
	readonly insn: number;
	/** Helper id. */
	readonly helper: number;
	/** r1 to r5; undefined where paths differ or nothing is known. */
	readonly args: readonly (KnownArgument | undefined)[];
}

/** A `call 12`. */
export interface TailCallFacts {
	readonly insn: number;
	/** Index in `LinkedObject.maps`, if it is the same on every path. */
	readonly map?: number;
	/** r3's low 32 bits, if they are the same on every path; may lie outside the map. */
	readonly slot?: number;
}

export interface FunctionFacts {
	/** First instruction: which function this is. */
	readonly start: number;
	/** Whether anything in the program calls it or takes its address, from code that can run. */
	readonly reached: boolean;
	/**
	 * An upper bound of the bytes below r10 that the function's own instructions and the pointers that it hands out
	 * touch, 0 to 512; rounded up to 8.
	 */
	readonly stackDepth: number;
	/**
	 * Stack slots that are registers in all but name: only loads and stores of one width at one offset from r10 touch
	 * them, and no pointer into the frame reaches them. Bytes by offset (-512 to -1).
	 */
	readonly spills: ReadonlyMap<number, 1 | 2 | 4 | 8>;
}

/**
 * What is proven of a program, for engines and analyses to read. The simple dataflow fills it soundly; a verifier
 * fills it with more. A fact that is absent is unknown, never false.
 */
export interface ProgramFacts {
	/** By instruction of the call. Calls that cannot be reached are absent. */
	readonly calls: ReadonlyMap<number, CallFacts>;
	/** By instruction of the call. */
	readonly tailCalls: ReadonlyMap<number, TailCallFacts>;
	/** In the order of `LinkedProgram.functions`. */
	readonly functions: readonly FunctionFacts[];
	/** Instructions that no path comes to; what only a verifier finds. */
	readonly dead?: ReadonlySet<number>;
}
