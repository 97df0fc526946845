import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
	type Btf,
	type Insn,
	type LinkedObject,
	type LinkedProgram,
	link,
	MAP_TYPE,
	parse,
	readBtf,
	TailhopError,
	verify,
} from "@tailhop/core";
import { type Kernel, type KernelBtf, KernelObject, lastLine } from "@tailhop/kernel";
import { debugInfo } from "../../packages/kernel/src/debug-info.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";
/** Statistics and the lines that say why, without the walk. */
const LOG_STATS = 4;
/** Kernels preallocate these kinds: half a million entries take gigabytes, and no verifier looks at them. */
const PREALLOCATED: ReadonlySet<number> = new Set([
	MAP_TYPE.HASH,
	MAP_TYPE.PERCPU_HASH,
	MAP_TYPE.LRU_HASH,
	MAP_TYPE.LRU_PERCPU_HASH,
]);
const MOST_ENTRIES = 64;

export function* objectFiles(path: string): Generator<string> {
	if (!statSync(path).isDirectory()) {
		if (path.endsWith(".o")) yield path;
		return;
	}
	for (const entry of readdirSync(path).sort())
		if (!/^\.|^node_modules$/.test(entry)) yield* objectFiles(join(path, entry));
}

/** One program of an object, as both verifiers take it. */
export interface Subject {
	readonly file: string;
	/** The object with this program alone: prog arrays belong to the first that uses them. */
	readonly linked: LinkedObject;
	readonly program: LinkedProgram;
	/** Instructions that the kernel walks. */
	readonly walked: number;
}

/** What one of the two says. */
export interface Answer {
	readonly accepted: boolean;
	/** Of a refusal; "crash" where our verifier threw. */
	readonly errno: string;
	readonly line: string;
	readonly walked: number;
	readonly unsupported?: string;
}

/** A program's maps and BTF in the kernel, to load changed instructions with. */
export class Opened implements Disposable {
	readonly subject: Subject;
	readonly #object: KernelObject;
	readonly #btf: KernelBtf | undefined;
	readonly #funcInfo: Uint8Array | undefined;

	static async open(subject: Subject): Promise<Opened> {
		return new Opened(subject, await KernelObject.load({ ...subject.linked, programs: [], slots: [] }));
	}

	private constructor(subject: Subject, object: KernelObject) {
		this.subject = subject;
		this.#object = object;
		const { linked, program } = subject;
		const info = object.btfError === undefined ? debugInfo(linked) : undefined;
		this.#btf = info === undefined ? undefined : this.#kernel.loadBtf(info.btf);
		this.#funcInfo = info?.ofProgram(program).funcInfo;
	}

	get #kernel(): Kernel {
		return this.#object.kernel;
	}

	kernel(insns: readonly Insn[]): Answer {
		const { program, linked } = this.subject;
		const result = this.#kernel.loadProgram({
			type: program.type,
			name: "mutant",
			insns,
			maps: this.#object.maps,
			license: linked.license,
			kernelVersion: linked.kernelVersion,
			expectedAttachType: program.expectedAttachType,
			flags: program.flags,
			...(this.#btf === undefined ? {} : { btf: this.#btf, funcInfo: this.#funcInfo! }),
			log: LOG_STATS,
		});
		if (result.ok) result.program.close();
		const walked = Number(/^processed (\d+) insns/m.exec(result.log)?.[1] ?? 0);
		if (result.ok) return { accepted: true, errno: "", line: "", walked };
		const line = lastLine(result.log.replace(/verification time \d+ usec/g, "\n")) ?? "";
		return { accepted: false, errno: result.error, line, walked };
	}

	ours(insns: readonly Insn[], limit: number): Answer {
		const { program, linked } = this.subject;
		try {
			const verdict = verify(linked, { ...program, insns }, { limit });
			const { accepted, errno = "", lastLine: line, stats, unsupported } = verdict;
			const walked = stats.insnsProcessed;
			return { accepted, errno, line, walked, ...(unsupported === undefined ? {} : { unsupported }) };
		} catch (error) {
			const line = (error as Error).stack?.split("\n").slice(0, 2).join(" ").trim() ?? "";
			return { accepted: false, errno: "crash", line, walked: 0 };
		}
	}

	close(): void {
		this.#btf?.close();
		this.#object.close();
	}

	[Symbol.dispose](): void {
		this.close();
	}
}

/** The programs of these files and folders that the kernel accepts, and walks fewer than `limit` instructions of. */
export async function readSubjects(paths: readonly string[], limit: number): Promise<readonly Subject[]> {
	const vmlinux: Btf | undefined = existsSync(VMLINUX)
		? readBtf(new Uint8Array(readFileSync(VMLINUX)))
		: undefined;
	const cpus = Number(readFileSync("/sys/devices/system/cpu/possible", "utf8").trim().split("-").at(-1)) + 1;
	const subjects: Subject[] = [];
	for (const file of paths.flatMap((path) => [...objectFiles(path)])) {
		try {
			const target = { cpus, ...(vmlinux === undefined ? {} : { btf: vmlinux }) };
			const linked = withSmallMaps(link(parse(new Uint8Array(readFileSync(file)), { file }), target));
			for (const each of linked.programs) {
				const program = { ...each, lines: [] };
				const subject = { file, linked: { ...linked, programs: [program], slots: [] }, program, walked: 0 };
				const opened = await Opened.open(subject);
				try {
					const { accepted, walked } = opened.kernel(program.insns);
					if (accepted && walked < limit) subjects.push({ ...subject, walked });
				} finally {
					opened.close();
				}
			}
		} catch (error) {
			// an object that cannot be parsed, linked or loaded is no subject
			if (!(error instanceof TailhopError)) throw error;
		}
	}
	return subjects;
}

function withSmallMaps(linked: LinkedObject): LinkedObject {
	const maps = linked.maps.map((map) =>
		PREALLOCATED.has(map.type) ? { ...map, maxEntries: Math.min(map.maxEntries, MOST_ENTRIES) } : map,
	);
	return { ...linked, maps };
}
