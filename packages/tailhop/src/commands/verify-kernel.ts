import { readFile } from "node:fs/promises";
import { type LinkedObject, type LinkedProgram, TailhopError, type Verdict } from "@tailhop/core";
import type { Capability } from "@tailhop/kernel";
import type { kernelBridge } from "../engine.ts";

/** What the running kernel said of a program. */
export interface KernelAnswer {
	readonly accepted: boolean;
	readonly errno?: string;
	readonly line?: string;
	/** Absent where the kernel refused it before it walked. */
	readonly insns?: number;
	/** Bytes of machine code of an accepted program. */
	readonly jitedLength?: number;
	readonly log: string;
}

/** What may differ between the two verifiers' answers. */
export type Difference = "verdict" | "errno" | "line" | "insns";

/** 0: users without CAP_BPF may load programs. */
const UNPRIVILEGED_DISABLED = "/proc/sys/kernel/unprivileged_bpf_disabled";

/**
 * Asks the running kernel about each program, with only these capabilities in effect (undefined: all that the process
 * has). @throws TailhopError kernel/unavailable where it refuses users without any everything
 */
export async function askKernel(
	bridge: Awaited<ReturnType<typeof kernelBridge>>,
	linked: LinkedObject,
	programs: readonly LinkedProgram[],
	level: number,
	capabilities: readonly Capability[] | undefined,
): Promise<Map<LinkedProgram, KernelAnswer>> {
	if (capabilities?.length === 0 && (await readFile(UNPRIVILEGED_DISABLED, "utf8")).trim() !== "0")
		throw new TailhopError(
			"kernel/unavailable",
			"this kernel refuses users without CAP_BPF everything (kernel.unprivileged_bpf_disabled)",
			{},
			{ hint: "Leave --kernel out, or take --privilege bpf." },
		);
	if (capabilities === undefined) return askAll(bridge, linked, programs, level);
	const restore = (await bridge.openKernel()).capabilities.limit(capabilities);
	try {
		return await askAll(bridge, linked, programs, level);
	} finally {
		restore();
	}
}

async function askAll(
	bridge: Awaited<ReturnType<typeof kernelBridge>>,
	linked: LinkedObject,
	programs: readonly LinkedProgram[],
	level: number,
): Promise<Map<LinkedProgram, KernelAnswer>> {
	const answers = new Map<LinkedProgram, KernelAnswer>();
	for (const group of alike(programs)) {
		const names = group.map(({ name }) => name);
		const options = { programs: names, keepGoing: true, log: level };
		const object = await bridge.KernelObject.load({ ...linked, slots: [] }, options);
		try {
			for (const program of group) {
				const log = object.logs.get(program.name) ?? "";
				const error = object.rejections.get(program.name);
				if (error === undefined) {
					const { verifiedInsns, jitedLength } = object.program(program.name).info();
					answers.set(program, { accepted: true, insns: verifiedInsns, jitedLength, log });
					continue;
				}
				const line = bridge.lastLine(log);
				const insns = /^processed (\d+) insns/m.exec(log)?.[1];
				answers.set(program, {
					accepted: false,
					errno: String(error.detail?.name),
					...(line === undefined ? {} : { line }),
					...(insns === undefined ? {} : { insns: Number(insns) }),
					log,
				});
			}
		} finally {
			object.close();
		}
	}
	return answers;
}

/**
 * Programs that may own the same prog array. Those of another kind are loaded with maps of their own: what one
 * program is answered must not depend on which was loaded before it.
 */
function alike(programs: readonly LinkedProgram[]): Iterable<readonly LinkedProgram[]> {
	const groups = new Map<string, LinkedProgram[]>();
	for (const program of programs) {
		const kind = [program.type, program.expectedAttachType, program.flags].join();
		groups.set(kind, [...(groups.get(kind) ?? []), program]);
	}
	return groups.values();
}

/** Where the kernel says something else; nothing is compared with what is not modelled. */
export function differences(ours: Verdict, kernel: KernelAnswer): Difference[] {
	if (ours.unsupported !== undefined) return [];
	if (ours.accepted !== kernel.accepted) return ["verdict"];
	const found: Difference[] = [];
	if (ours.errno !== kernel.errno) found.push("errno");
	// without a log the kernel names no line
	if (kernel.log !== "" && ours.lastLine.trim() !== (kernel.accepted ? "" : (kernel.line ?? "")))
		found.push("line");
	if (kernel.insns !== undefined && ours.stats.insnsProcessed !== kernel.insns) found.push("insns");
	return found;
}
