import { locate, TailhopError } from "../errors/index.ts";
import type { Insn } from "../isa/index.ts";
import { Body, type PlacedInsn, type Resolution, relative, unknown } from "./assemble.ts";
import type {
	AssemblyCode,
	AssemblyFile,
	AssemblyFunction,
	AssemblyMap,
	AssemblyReference,
	Binding,
	Parameter,
} from "./assembly-file.ts";
import { DataBuilder, isDataDirective } from "./data-directives.ts";
import { lex, type Statement, splitLabels, type Token } from "./lexer.ts";
import { readMap } from "./map-directive.ts";
import type { Reference } from "./parse.ts";
import { Tokens } from "./tokens.ts";
import { readStruct, readType, type ValueType } from "./value-types.ts";

/** Where code stands that comes before any `.section`. */
const DEFAULT_SECTION = "xdp";
/** What a function is called that has no label. */
const DEFAULT_FUNCTION = "entry";

/** Contents of all data sections together; more is a mistake. */
const MAX_DATA = 0x100_0000;

interface FunctionDraft {
	readonly name: string;
	readonly body: Body;
	readonly line: number;
	readonly column: number;
}

/**
 * Reads an assembly file: instructions in LLVM's BPF syntax, and directives.
 *
 *     .license "GPL"
 *     .struct flow { u32 src, u32 dst, u16 port }
 *     .map jumps type=prog_array max_entries=4 values=0:target
 *     .map flows type=hash key=flow value=u64 max_entries=1024 flags=no_prealloc
 *     .section xdp            # or .text (subprograms), .data, .rodata, .bss
 *     .globl entry            # also .local, .weak; functions outside .text are global anyway
 *     entry:
 *         r2 = jumps ll       # a map, a variable (`counter + 8 ll`), or a function
 *         r3 = 0
 *         call bpf_tail_call  # a helper, or a function of this file
 *     out:
 *         exit
 *     .data
 *     counter: .quad 0, 0
 *
 * A label starts a function when a directive, a `call`, a `.map … values=` or a `r1 = NAME ll` names it, or when it
 * is the first thing of its section; other labels belong to the function that they stand in, and may repeat in the
 * next one. `.proto NAME(xdp_md *, u32)` gives a global subprogram its parameters.
 * Code before any `.section` is in section xdp, code before any label is the function `entry`: a file of two
 * instructions is a program. Throws asm/syntax, asm/range, asm/symbol with file, line and column.
 */
export function parseAssemblyFile(text: string, file: string): AssemblyFile {
	try {
		return new FileReader(text, file).read();
	} catch (error) {
		throw locate(error, { file });
	}
}

class FileReader {
	readonly #text: readonly string[];
	readonly #file: string;
	readonly #statements: readonly Statement[];
	/** Names that something calls or points to: their labels start functions. */
	readonly #mentioned: ReadonlySet<string>;
	#license: string | undefined;
	#section = DEFAULT_SECTION;
	readonly #code = new Map<string, FunctionDraft[]>();
	readonly #data = new Map<string, DataBuilder>();
	/** Bytes that the data sections may still take. */
	readonly #dataLeft = { bytes: MAX_DATA };
	readonly #maps = new Map<string, AssemblyMap>();
	readonly #structs = new Map<string, ValueType>();
	readonly #bindings = new Map<string, { binding: Binding; statement: Statement; token: Token }>();
	readonly #prototypes = new Map<
		string,
		{ parameters: readonly Parameter[]; statement: Statement; token: Token }
	>();
	/** Functions, maps and variables: one name, one thing. Value: the line. */
	readonly #symbols = new Map<string, number>();

	constructor(text: string, file: string) {
		this.#text = text.split("\n");
		this.#file = file;
		this.#statements = lex(text);
		this.#mentioned = mentioned(this.#statements);
	}

	read(): AssemblyFile {
		for (const statement of this.#statements) this.#statement(statement);
		const functions = new Set([...this.#code.values()].flat().map(({ name }) => name));
		for (const [name, { statement, token }] of [...this.#bindings, ...this.#prototypes])
			if (!this.#symbols.has(name))
				throw new TailhopError("asm/symbol", `${name} is declared and nowhere defined`, {
					line: statement.line,
					column: token.column,
				});
		for (const map of this.#maps.values()) this.#checkMap(map, functions);
		const code = [...this.#code].filter(([, drafts]) => drafts.length > 0);
		return {
			file: this.#file,
			...(this.#license === undefined ? {} : { license: this.#license }),
			code: code.map(([section, drafts]) => this.#finishCode(section, drafts, functions)),
			data: [...this.#data].map(([section, builder]) =>
				builder.finish(section, (name) => this.#binding(name, "global")),
			),
			maps: [...this.#maps.values()],
		};
	}

	#checkMap(map: AssemblyMap, functions: ReadonlySet<string>): void {
		const where = { line: this.#symbols.get(map.name)! };
		for (const { target } of map.values) {
			const known = map.inner === undefined ? functions.has(target) : this.#maps.has(target);
			if (!known)
				throw new TailhopError(
					"asm/symbol",
					`values of map ${map.name}: unknown ${map.inner === undefined ? "program" : "map"} ${target}`,
					where,
				);
		}
		if (map.inner !== undefined && !this.#maps.has(map.inner))
			throw new TailhopError("asm/symbol", `inner of map ${map.name}: unknown map ${map.inner}`, where);
	}

	#statement(statement: Statement): void {
		const { labels, rest } = splitLabels(statement);
		for (const label of labels) this.#label(label, statement.line);
		const first = rest.tokens[0];
		if (first === undefined) return;
		const data = this.#data.get(this.#section);
		if (data !== undefined && isDataDirective(first.text)) {
			data.directive(new Tokens(rest, 1), first.text);
			return;
		}
		const directive = Object.hasOwn(this.#directives, first.text) ? this.#directives[first.text] : undefined;
		if (directive !== undefined) {
			directive(new Tokens(rest, 1));
			return;
		}
		if (first.text.startsWith(".") && first.text !== ".8byte" && first.text !== ".quad")
			throw new TailhopError(
				"asm/syntax",
				`unknown directive ${first.text}`,
				{ line: statement.line, column: first.column },
				{
					hint: isDataDirective(first.text)
						? "data goes into .data, .rodata or .bss"
						: `directives: ${Object.keys(this.#directives).join(" ")}`,
				},
			);
		if (data !== undefined)
			throw new TailhopError(
				"asm/syntax",
				`an instruction in the data section ${this.#section}`,
				{
					line: statement.line,
					column: first.column,
				},
				{ hint: "write .section xdp, or another section of code, above it" },
			);
		this.#function(statement.line, first.column).body.add(rest);
	}

	/** The function that an instruction belongs to; one is made for code without a label. */
	#function(line: number, column: number): FunctionDraft {
		const drafts = this.#drafts();
		if (drafts.length === 0) this.#startFunction({ kind: "name", text: DEFAULT_FUNCTION, column }, line);
		return drafts.at(-1)!;
	}

	#drafts(): FunctionDraft[] {
		const drafts = this.#code.get(this.#section) ?? [];
		this.#code.set(this.#section, drafts);
		return drafts;
	}

	#startFunction(token: Token, line: number): void {
		this.#define(token, line);
		this.#drafts().push({ name: token.text, body: new Body(), line, column: token.column });
	}

	#label(token: Token, line: number): void {
		const data = this.#data.get(this.#section);
		if (data !== undefined) {
			this.#define(token, line);
			data.label(token, line);
			return;
		}
		const drafts = this.#drafts();
		const local = token.kind === "number" || token.text.startsWith(".L");
		const named = this.#mentioned.has(token.text);
		if (!local && (named || drafts.length === 0)) this.#startFunction(token, line);
		else this.#function(line, token.column).body.label(token.text, line, token.column);
	}

	#define(token: Token, line: number): void {
		const before = this.#symbols.get(token.text);
		if (before !== undefined)
			throw new TailhopError(
				"asm/symbol",
				`${token.text} is defined twice`,
				{ line, column: token.column },
				{
					hint: `first in line ${before}`,
				},
			);
		this.#symbols.set(token.text, line);
	}

	#binding(name: string, otherwise: Binding): Binding {
		return this.#bindings.get(name)?.binding ?? otherwise;
	}

	readonly #directives: Readonly<Record<string, (tokens: Tokens) => void>> = {
		".license": (tokens) => {
			this.#license = tokens.text("a license");
			tokens.end();
		},
		".section": (tokens) => this.#enter(sectionName(tokens), tokens),
		".text": (tokens) => this.#enter(".text", tokens),
		".data": (tokens) => this.#enter(".data", tokens),
		".rodata": (tokens) => this.#enter(".rodata", tokens),
		".bss": (tokens) => this.#enter(".bss", tokens),
		".globl": (tokens) => this.#bind(tokens, "global"),
		".global": (tokens) => this.#bind(tokens, "global"),
		".weak": (tokens) => this.#bind(tokens, "weak"),
		".local": (tokens) => this.#bind(tokens, "local"),
		".type": (tokens) => {
			const token = tokens.peek()!;
			const name = tokens.name();
			tokens.expect(",");
			tokens.take("@");
			const kind = tokens.name("function or object");
			tokens.end();
			if (kind === "function" && !this.#bindings.has(name))
				this.#bindings.set(name, { binding: "global", statement: tokens.statement, token });
		},
		// the end of a function is the start of the next: compilers write .size, nobody needs it
		".size": () => {},
		".map": (tokens) => {
			const token = tokens.peek();
			const map = readMap(tokens, this.#structs);
			this.#define(token!, tokens.statement.line);
			this.#maps.set(map.name, map);
		},
		".struct": (tokens) => {
			const token = tokens.peek();
			const name = tokens.name("a struct's name");
			if (this.#structs.has(name))
				throw new TailhopError("asm/symbol", `struct ${name} is defined twice`, tokens.where(token));
			tokens.expect("{");
			this.#structs.set(name, readStruct(tokens, name, this.#structs));
			tokens.end();
		},
		".proto": (tokens) => {
			const token = tokens.peek();
			const name = tokens.name("a function");
			const parameters: Parameter[] = [];
			tokens.expect("(");
			while (!tokens.take(")")) {
				if (parameters.length > 0) tokens.expect(",");
				if (parameters.length === 5)
					throw new TailhopError("asm/range", "a function has at most 5 parameters", tokens.where());
				if (tokens.peek(1)?.text === "*") {
					parameters.push({ kind: "pointer", struct: tokens.name("a struct") });
					tokens.expect("*");
				} else parameters.push({ kind: "value", type: readType(tokens, this.#structs) });
			}
			tokens.end();
			this.#prototypes.set(name, { parameters, statement: tokens.statement, token: token! });
		},
	};

	#enter(section: string, tokens: Tokens): void {
		// GNU's flags and type, which follow from the name here
		if (tokens.peek()?.text !== ",") tokens.end();
		if (section === ".maps" || section === "maps" || section === "license" || section.startsWith(".BTF"))
			throw new TailhopError("asm/syntax", `${section} is not written by hand`, tokens.where(), {
				hint: "maps are declared with .map, the license with .license; BTF is made from the rest",
			});
		this.#section = section;
		if (/^\.(data|rodata|bss)(\.|$)/.test(section) && !this.#data.has(section))
			this.#data.set(section, new DataBuilder(section.startsWith(".bss"), this.#structs, this.#dataLeft));
	}

	#bind(tokens: Tokens, binding: Binding): void {
		do {
			const token = tokens.peek();
			this.#bindings.set(tokens.name(), { binding, statement: tokens.statement, token: token! });
		} while (tokens.take(","));
		tokens.end();
	}

	#finishCode(
		section: string,
		drafts: readonly FunctionDraft[],
		functions: ReadonlySet<string>,
	): AssemblyCode {
		const insns: Insn[] = [];
		const all: AssemblyFunction[] = [];
		const lines: AssemblyCode["lines"][number][] = [];
		const references: AssemblyReference[] = [];
		for (const { name, body, line, column } of drafts) {
			if (body.length === 0)
				throw new TailhopError("asm/syntax", `function ${name} has no instructions`, { line, column });
			const start = insns.length;
			const own = body.encode((reference, placed) => {
				const resolution = this.#resolve(reference, placed, body, functions);
				if (reference.kind === "call" || reference.kind === "address" || reference.kind === "value")
					references.push({
						insn: start + placed.insn,
						kind: reference.kind === "call" ? "call" : "address",
						name: reference.name,
					});
				return resolution;
			});
			insns.push(...own);
			for (const at of body.lines())
				lines.push({ ...at, insn: start + at.insn, text: this.#text[at.line - 1]?.replace(/\r$/, "") ?? "" });
			const prototype = this.#prototypes.get(name);
			all.push({
				name,
				binding: this.#binding(name, section === ".text" ? "local" : "global"),
				start,
				end: insns.length,
				...(prototype === undefined ? {} : { parameters: prototype.parameters }),
			});
		}
		return { section, functions: all, insns, lines, references };
	}

	#resolve(reference: Reference, placed: PlacedInsn, body: Body, functions: ReadonlySet<string>): Resolution {
		const { name } = reference;
		if (reference.kind === "jump" || reference.kind === "jump32") {
			const target = body.find(reference, placed);
			if (target !== undefined) return relative(reference, placed, target);
			throw unknown(reference, placed, "label", [...body.labels.keys()]);
		}
		if (reference.kind === "call") {
			if (functions.has(name)) return { imm: -1 };
			throw unknown(reference, placed, "function or helper", [...functions]);
		}
		if (reference.element && this.#maps.has(name))
			throw new TailhopError(
				"asm/syntax",
				`the value of map ${name} has no address in an object file`,
				{ line: placed.line, column: reference.column },
				{ hint: "put it into .data or .bss as a variable, or look it up" },
			);
		if (!this.#symbols.has(name))
			throw unknown(reference, placed, "map, variable or function", [...this.#symbols.keys()]);
		return { op: "lddw", src: 0, imm: reference.offset | 0, high: 0 };
	}
}

/** Names behind `call`, in `values=` and between `=` and `ll`, and those that a directive declares as functions. */
function mentioned(statements: readonly Statement[]): ReadonlySet<string> {
	const names = new Set<string>();
	for (const { tokens } of statements) {
		const [first] = tokens;
		const declares = first !== undefined && /^\.(globa?l|local|weak|type|proto)$/.test(first.text);
		const map = first?.text === ".map";
		for (const [i, token] of tokens.entries()) {
			if (token.kind !== "name") continue;
			const before = tokens[i - 1]?.text;
			const pointed = before === "=" && tokens[i + 1]?.text === "ll";
			if (before === "call" || pointed || (map && before === ":") || (declares && i > 0))
				names.add(token.text);
		}
	}
	return names;
}

/** `xdp`, `xdp.frags/devmap`, `?tc`, `"any text"`: everything up to a comma. */
function sectionName(tokens: Tokens): string {
	if (tokens.done) tokens.fail("a section's name");
	if (tokens.peek()?.kind === "string") return tokens.text("a section's name");
	let name = "";
	while (!tokens.done && tokens.peek()?.text !== ",") name += tokens.next()!.text;
	return name;
}
