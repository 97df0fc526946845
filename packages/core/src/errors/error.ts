import type { ErrorCode } from "./codes.ts";

/** A line of source that an instruction came from (BTF.ext line info). `line` and `column` count from 1. */
export interface SourceLine {
	readonly file: string;
	readonly line: number;
	readonly column?: number;
	/** The text of the line, when the object carries it. */
	readonly text?: string;
}

/** Where an error was found; as much as is known. */
export interface Where {
	readonly file?: string;
	readonly section?: string;
	readonly program?: string;
	readonly subprogram?: string;
	readonly map?: string;
	/** Instruction index as the kernel counts: lddw takes two. */
	readonly insn?: number;
	readonly source?: SourceLine;
	/** Byte offset in the file or section. */
	readonly offset?: number;
	/** Line and column in a text (assembly), from 1. */
	readonly line?: number;
	readonly column?: number;
}

/** What an error is, without its class: what `--json` prints. */
export interface ErrorData {
	readonly code: ErrorCode;
	readonly message: string;
	readonly where: Where;
	/** The next thing to do, a sentence. */
	readonly hint?: string;
	/** Facts of this kind of error (regions of a fault, errno and log of the kernel), JSON values only. */
	readonly detail?: Readonly<Record<string, unknown>>;
}

/** The one error class: everything that Tailhop throws on bad input is one of these. */
export class TailhopError extends Error implements ErrorData {
	override readonly name = "TailhopError";
	readonly code: ErrorCode;
	readonly where: Where;
	readonly hint?: string;
	readonly detail?: Readonly<Record<string, unknown>>;

	constructor(
		code: ErrorCode,
		message: string,
		where: Where = {},
		more: { hint?: string; detail?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
	) {
		super(message, more.cause === undefined ? undefined : { cause: more.cause });
		this.code = code;
		this.where = where;
		if (more.hint !== undefined) this.hint = more.hint;
		if (more.detail !== undefined) this.detail = more.detail;
	}

	toJSON(): ErrorData {
		return {
			code: this.code,
			message: this.message,
			where: this.where,
			...(this.hint === undefined ? {} : { hint: this.hint }),
			...(this.detail === undefined ? {} : { detail: this.detail }),
		};
	}
}

/** The same error with more of its `where` known: inner layers know the offset, outer ones the file. */
export function locate(error: unknown, where: Where): unknown {
	if (!(error instanceof TailhopError)) return error;
	return new TailhopError(
		error.code,
		error.message,
		{ ...where, ...error.where },
		{ ...error, cause: error.cause },
	);
}
