import { existsSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
	assembleObject,
	type Btf,
	type LinkedObject,
	type LinkedProgram,
	link,
	type ObjectSpec,
	parse,
	readBtf,
	readElf,
	TailhopError,
	type Target,
} from "@tailhop/core";
import { type Arguments, usage } from "./command.ts";

/** @throws TailhopError cli/io */
export async function readBytes(path: string): Promise<Uint8Array> {
	try {
		const buffer = await readFile(path);
		return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
	} catch (error) {
		throw ioError(path, "read", error);
	}
}

export function ioError(path: string, what: "read" | "written", error: unknown): TailhopError {
	const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
	const missing = what === "written" ? "there is no such directory" : "there is no such file";
	const why = { ENOENT: missing, EACCES: "permission denied", EISDIR: "it is a directory" }[code] ?? code;
	return new TailhopError(
		"cli/io",
		`${path} cannot be ${what}: ${why}`,
		{ file: path },
		{ hint: "Check the path.", cause: error },
	);
}

/** Refuses to write over a file that the command reads. @throws TailhopError cli/usage */
export function refuseOverwriting(option: string, output: string, inputs: readonly string[]): void {
	const real = (path: string) => (existsSync(path) ? realpathSync(path) : resolve(path));
	const input = inputs.find((each) => real(each) === real(output));
	if (input !== undefined)
		throw usage(`${option} ${output} would write over the input`, "Name another file.");
}

/** NAME=VALUE */
export function assignment(option: string, text: string): readonly [name: string, value: string] {
	const at = text.indexOf("=");
	if (at <= 0) throw usage(`--${option} takes NAME=VALUE, not "${text}"`);
	return [text.slice(0, at), text.slice(at + 1)];
}

/** The Target that a command's options describe for an object. */
export async function targetOf(args: Arguments, spec: ObjectSpec): Promise<Target> {
	const cpus = args.count("cpus");
	if (cpus === 0) throw usage("--cpus takes a number from 1");
	const btf = args.text("btf");
	const kconfig = args.list("kconfig").map((text) => {
		const [name, value] = assignment("kconfig", text);
		const known = spec.externs.filter((each) => each.kind === "kconfig").map((each) => each.name);
		// a library's Target may hold a whole configuration; what is typed here is meant for this object
		if (!known.includes(name))
			throw usage(`the object has no kconfig extern ${name}`, `It has: ${known.join(", ") || "none"}.`);
		return [name, /^-?\d+$|^0x[0-9a-f]+$/i.test(value) ? BigInt(value) : value] as const;
	});
	const maxEntries = args.list("max-entries").map((text) => {
		const [name, value] = assignment("max-entries", text);
		if (!/^\d+$/.test(value)) throw usage(`--max-entries takes MAP=N, not "${text}"`);
		return [name, Number(value)] as const;
	});
	const programTypes = args.list("program-type").map((text) => assignment("program-type", text));
	return {
		...(cpus === undefined ? {} : { cpus }),
		...(btf === undefined ? {} : { btf: await kernelBtf(btf) }),
		...(kconfig.length === 0 ? {} : { kconfig: Object.fromEntries(kconfig) }),
		...(maxEntries.length === 0 ? {} : { maxEntries: Object.fromEntries(maxEntries) }),
		...(programTypes.length === 0 ? {} : { programTypes: Object.fromEntries(programTypes) }),
	};
}

const RUNNING = "/sys/kernel/btf/vmlinux";

/** The running kernel's BTF, if it shows it. */
export async function runningBtf(): Promise<Btf | undefined> {
	return existsSync(RUNNING) ? kernelBtf(RUNNING) : undefined;
}

/** BTF from a raw file, or from the .BTF section of an ELF file. */
async function kernelBtf(path: string): Promise<Btf> {
	const bytes = await readBytes(path);
	const raw = isElf(bytes) ? readElf(bytes).sections.find((section) => section.name === ".BTF")?.data : bytes;
	if (raw === undefined) throw new TailhopError("btf/invalid", `${path} has no .BTF section`, { file: path });
	return readBtf(raw);
}

const isElf = (bytes: Uint8Array): boolean =>
	[0x7f, 0x45, 0x4c, 0x46].every((byte, index) => bytes[index] === byte);

/** The object that assembly text makes. @throws TailhopError asm/*, cli/usage for an object */
export function assembled(path: string, bytes: Uint8Array): Uint8Array {
	if (isElf(bytes))
		throw usage(
			`${path} is an object (ELF), not assembly text`,
			"run, inspect, disasm and verify take objects.",
		);
	return assembleObject(new TextDecoder().decode(bytes), path);
}

/** The spec of an object file; of a `.asm` or `.s` text the one that it assembles to. */
export async function loadSpec(path: string): Promise<ObjectSpec> {
	const bytes = await readBytes(path);
	const text = /\.(asm|s)$/i.test(path);
	return parse(text ? assembled(path, bytes) : bytes, { file: path });
}

/** The object that a command's first argument names, linked as its options say. */
export async function loadObject(args: Arguments): Promise<LinkedObject> {
	const spec = await loadSpec(args.positional[0]!);
	return link(spec, await targetOf(args, spec));
}

/** The program of that name, or all of them without one. @throws TailhopError machine/unknown-program */
export function programsNamed(
	{ programs, file }: LinkedObject,
	name: string | undefined,
): readonly LinkedProgram[] {
	const found = programs.filter((each) => name === undefined || each.name === name);
	if (found.length > 0 || name === undefined) return found;
	const hint = `Programs: ${programs.map((each) => each.name).join(", ") || "none"}.`;
	throw new TailhopError("machine/unknown-program", `no program ${name}`, { file }, { hint });
}
