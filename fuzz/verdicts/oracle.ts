/** Asks the running kernel for its verdicts. Programs are loaded and closed again; none is run or attached. */
import { assembleObject, link, nameOf, PROG_TYPE, parse, TailhopError } from "@tailhop/core";
import {
	type Capability,
	type Kernel,
	type KernelMap,
	KernelObject,
	type LoadResult,
	lastLine,
	openKernel,
} from "@tailhop/kernel";
import { assembleProgram, mapNames } from "./assemble.ts";
import { MAPS_FILE } from "./files.ts";
import { LOAD_FLAGS, type Program, type Verdict } from "./format.ts";
import { kernelId } from "./ours.ts";

const PROG_ARRAY = 3;
/** Statistics and the lines that say why, without the walk. */
const LOG_STATS = 4;

/** What the verdicts are of; another kernel may answer otherwise. */
export const RELEASE = "6.18.";

/** What the verdicts call "without CAP_PERFMON". */
export const CAP_BPF_ONLY: readonly Capability[] = ["CAP_NET_ADMIN", "CAP_BPF"];

export class Oracle {
	readonly #kernel: Kernel;
	readonly #object: KernelObject;
	/** Names that programs use, in the order of the object's maps. */
	readonly #names: readonly string[];

	/** Throws TailhopError "kernel/unavailable" where bpf(2) is not allowed. */
	static async open(): Promise<Oracle> {
		const kernel = await openKernel();
		const missing = (["CAP_NET_ADMIN", "CAP_PERFMON", "CAP_BPF"] as const).filter(
			(each) => !kernel.capabilities.has(each),
		);
		if (missing.length > 0)
			throw new TailhopError(
				"kernel/unavailable",
				`verdicts take ${missing.join(" and ")} too`,
				{},
				{ hint: "Run as root." },
			);
		const object = await KernelObject.load(link(parse(assembleObject(MAPS_FILE, "maps.s"))));
		return new Oracle(kernel, object);
	}

	private constructor(kernel: Kernel, object: KernelObject) {
		this.#kernel = kernel;
		this.#object = object;
		this.#names = mapNames(MAPS_FILE);
	}

	ask(program: Program): Verdict {
		const result = this.#load(program, LOG_STATS);
		if (!result.ok) return { accepted: false, error: result.error, line: clean(result.log) };
		const insnCount = /^processed (\d+) insns/m.exec(result.log)?.[1];
		const stack = /^stack depth ([\d+]+)/m.exec(result.log)?.[1];
		if (insnCount === undefined || stack === undefined)
			throw new Error(`no statistics for ${program.name} (${nameOf(PROG_TYPE, program.type)})`);
		return { accepted: true, insns: Number(insnCount), stack };
	}

	/** The verifier's log at a level. */
	log(program: Program, level: number): string {
		return this.#load(program, level).log;
	}

	#load(program: Program, level: number): LoadResult {
		const { insns, maps, btf } = assembleProgram(program.asm, this.#names, kernelId);
		const fresh: KernelMap[] = [];
		const loaded = btf === undefined ? undefined : this.#kernel.loadBtf(btf.bytes);
		try {
			const handles = maps.map((name) => {
				const map = this.#object.maps[this.#names.indexOf(name)]!;
				if (map.definition.type !== PROG_ARRAY) return map;
				// the first program that uses it owns it
				const own = this.#kernel.createMap(map.definition);
				fresh.push(own);
				return own;
			});
			const load = () =>
				this.#kernel.loadProgram({
					type: program.type,
					insns,
					maps: handles,
					license: program.license,
					expectedAttachType: program.attach,
					flags: program.flags.reduce((flags, flag) => flags | LOAD_FLAGS[flag], 0),
					name: "verdict",
					...(loaded === undefined || btf === undefined ? {} : { btf: loaded, funcInfo: btf.funcInfo }),
					log: level,
				});
			const result = program.capBpf ? this.#kernel.capabilities.only(CAP_BPF_ONLY, load) : load();
			if (result.ok) result.program.close();
			return result;
		} finally {
			for (const handle of [...fresh, loaded]) handle?.close();
		}
	}

	close(): void {
		this.#object.close();
	}
}

/** The line that says why; messages that lack their newline run into the statistics. */
function clean(log: string): string {
	return lastLine(log.replace(/verification time \d+ usec/g, "\n")) ?? "";
}
