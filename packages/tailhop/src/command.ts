import { parseArgs } from "node:util";
import { TailhopError } from "@tailhop/core";

/** An option of a command; `value` names what it takes, absent for a switch. */
export interface Option {
	readonly value?: string;
	/** May be given more than once. */
	readonly multiple?: boolean;
	readonly short?: string;
	readonly help: string;
}

export interface CommandSpec {
	readonly name: string;
	readonly summary: string;
	/** Positional arguments, as the usage line shows them: "FILE", "[PROGRAM]". */
	readonly positional: readonly string[];
	readonly options: Readonly<Record<string, Option>>;
	/** Lines for `--help` beneath the options. */
	readonly notes?: readonly string[];
	/** Loaded when the command is called. */
	readonly load: () => Promise<Action>;
}

/** Exit status of every command. */
export const EXIT = {
	/** The command did what it was asked. */
	OK: 0,
	/** The program or the input failed. */
	FAILED: 1,
	/** The command line was not understood. */
	USAGE: 2,
	/** Nothing can be said: the program needs something that is not modelled. */
	UNSUPPORTED: 3,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** What a command gets: its arguments as given. */
export class Arguments {
	readonly positional: readonly string[];
	readonly #values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

	constructor(
		positional: readonly string[],
		values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>,
	) {
		this.positional = positional;
		this.#values = values;
	}

	/** A value, or undefined. */
	text(name: string): string | undefined {
		const value = this.#values[name];
		return typeof value === "string" ? value : undefined;
	}

	list(name: string): readonly string[] {
		const value = this.#values[name];
		return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
	}

	flag(name: string): boolean {
		return this.#values[name] === true;
	}

	/** A whole number from 0. @throws TailhopError cli/usage */
	count(name: string): number | undefined {
		const text = this.text(name);
		if (text === undefined) return undefined;
		const value = Number(text);
		if (!Number.isSafeInteger(value) || value < 0 || text.trim() === "")
			throw usage(`--${name} takes a number, not "${text}"`);
		return value;
	}
}

export type Action = (args: Arguments) => Promise<ExitStatus>;

export function usage(message: string, hint = "See --help."): TailhopError {
	return new TailhopError("cli/usage", message, {}, { hint });
}

/** @throws TailhopError cli/usage */
export function parseCommand(spec: CommandSpec, argv: readonly string[]): Arguments {
	const options = Object.fromEntries(
		Object.entries(spec.options).map(([name, option]) => [
			name,
			{
				type: option.value === undefined ? ("boolean" as const) : ("string" as const),
				...(option.multiple ? { multiple: true } : {}),
				...(option.short === undefined ? {} : { short: option.short }),
			},
		]),
	);
	let parsed: { positionals: string[]; values: ConstructorParameters<typeof Arguments>[1] };
	try {
		parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
	} catch (error) {
		throw usage(error instanceof Error ? error.message : String(error), `See tailhop ${spec.name} --help.`);
	}
	const required = spec.positional.filter((name) => !name.startsWith("["));
	const { length } = parsed.positionals;
	if (length < required.length) throw usage(`${required[length]} is missing`, usageLine(spec));
	if (length > spec.positional.length)
		throw usage(
			`too many arguments: ${parsed.positionals.slice(spec.positional.length).join(" ")}`,
			usageLine(spec),
		);
	return new Arguments(parsed.positionals, parsed.values);
}

function usageLine(spec: CommandSpec): string {
	return ["Usage: tailhop", spec.name, ...spec.positional, "[options]"].join(" ");
}

export function commandHelp(spec: CommandSpec): string {
	const rows = Object.entries(spec.options).map(([name, option]) => {
		const short = option.short === undefined ? "    " : `-${option.short}, `;
		return [
			`  ${short}--${name}${option.value === undefined ? "" : ` ${option.value}`}`,
			option.help,
		] as const;
	});
	return [
		usageLine(spec),
		"",
		spec.summary,
		"",
		"Options:",
		...table(rows),
		...(spec.notes === undefined ? [] : ["", ...spec.notes]),
	].join("\n");
}

/** Two columns, the first as wide as it needs. */
export function table(rows: readonly (readonly [string, string])[]): string[] {
	const width = Math.max(0, ...rows.map(([first]) => first.length));
	return rows.map(([first, second]) => `${first.padEnd(width)}  ${second}`.trimEnd());
}
