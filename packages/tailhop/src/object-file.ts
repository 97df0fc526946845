import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import {
	assembleObject,
	type Btf,
	type LinkedObject,
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
	const why =
		{ ENOENT: "there is no such file", EACCES: "permission denied", EISDIR: "it is a directory" }[code] ??
		code;
	return new TailhopError(
		"cli/io",
		`${path} cannot be ${what}: ${why}`,
		{ file: path },
		{ hint: "Check the path.", cause: error },
	);
}

/** NAME=VALUE */
export function assignment(option: string, text: string): readonly [name: string, value: string] {
	const at = text.indexOf("=");
	if (at <= 0) throw usage(`--${option} takes NAME=VALUE, not "${text}"`);
	return [text.slice(0, at), text.slice(at + 1)];
}

/** The Target that a command's options describe. */
export async function targetOf(args: Arguments): Promise<Target> {
	const cpus = args.count("cpus");
	if (cpus === 0) throw usage("--cpus takes a number from 1");
	const btf = args.text("btf");
	const kconfig = args.list("kconfig").map((text) => {
		const [name, value] = assignment("kconfig", text);
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
	const elf = bytes[0] === 0x7f && bytes[1] === 0x45;
	const raw = elf ? readElf(bytes).sections.find((section) => section.name === ".BTF")?.data : bytes;
	if (raw === undefined) throw new TailhopError("btf/invalid", `${path} has no .BTF section`, { file: path });
	return readBtf(raw);
}

/** The spec of an object file; of a `.asm` or `.s` text the one that it assembles to. */
export async function loadSpec(path: string): Promise<ObjectSpec> {
	const bytes = await readBytes(path);
	return parse(isAssembly(path) ? assembleObject(new TextDecoder().decode(bytes), path) : bytes, {
		file: path,
	});
}

export async function loadObject(path: string, target: Target): Promise<LinkedObject> {
	return link(await loadSpec(path), target);
}

function isAssembly(path: string): boolean {
	return /\.(asm|s)$/i.test(path);
}
