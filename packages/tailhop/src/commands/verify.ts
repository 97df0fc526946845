import { type LinkedObject, type LinkedProgram, link, TailhopError } from "@tailhop/core";
import pc from "picocolors";
import { type Arguments, EXIT, type ExitStatus, usage } from "../command.ts";
import { kernelBridge } from "../engine.ts";
import { loadSpec } from "../object-file.ts";
import { printLine, toJson } from "../output.ts";
import { linkTarget } from "../session.ts";

/** What the kernel said of a program. */
interface Answer {
	readonly program: LinkedProgram;
	readonly log: string;
	readonly accepted?: { readonly verifiedInsns: number; readonly jitedLength: number };
	readonly refused?: { readonly errno: number; readonly name: string; readonly line?: string };
}

export async function verify(args: Arguments): Promise<ExitStatus> {
	if (!args.flag("kernel"))
		throw usage("--kernel is missing", "The running kernel's is the only verifier here: add --kernel.");
	const level = args.count("log-level") ?? 1;
	if (level > 7) throw usage(`--log-level takes 0 to 7, not "${args.text("log-level")}"`);
	const spec = await loadSpec(args.positional[0]!);
	const bridge = await kernelBridge();
	const { cpus } = await bridge.openKernel();
	const linked = link(spec, await linkTarget(args, spec, cpus));
	const programs = wanted(linked, args.positional[1]);
	const answers = new Map<LinkedProgram, Answer>();
	for (const group of alike(programs))
		for (const answer of await ask(bridge, linked, group, level)) answers.set(answer.program, answer);
	let refused = 0;
	for (const [index, program] of programs.entries()) {
		const answer = answers.get(program)!;
		if (answer.refused !== undefined) refused++;
		if (args.flag("json")) printLine(toJson(json(answer)));
		else for (const line of [...(index > 0 ? [""] : []), ...text(answer)]) printLine(line);
	}
	if (!args.flag("json") && programs.length > 1) {
		printLine();
		printLine(`${programs.length} programs, ${programs.length - refused} accepted, ${refused} refused`);
	}
	return refused > 0 ? EXIT.FAILED : EXIT.OK;
}

function wanted({ programs, file }: LinkedObject, name: string | undefined): readonly LinkedProgram[] {
	const found = programs.filter((each) => name === undefined || each.name === name);
	if (found.length > 0 || name === undefined) return found;
	const hint = `Programs: ${programs.map((each) => each.name).join(", ") || "none"}.`;
	throw new TailhopError("machine/unknown-program", `no program ${name}`, { file }, { hint });
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

async function ask(
	bridge: Awaited<ReturnType<typeof kernelBridge>>,
	linked: LinkedObject,
	programs: readonly LinkedProgram[],
	level: number,
): Promise<Answer[]> {
	const object = await bridge.KernelObject.load(
		{ ...linked, slots: [] },
		{ programs: programs.map(({ name }) => name), keepGoing: true, log: level },
	);
	try {
		return programs.map((program) => {
			const log = object.logs.get(program.name) ?? "";
			const error = object.rejections.get(program.name);
			if (error === undefined) {
				const { verifiedInsns, jitedLength } = object.program(program.name).info();
				return { program, log, accepted: { verifiedInsns, jitedLength } };
			}
			const { errno, name } = error.detail ?? {};
			const line = bridge.lastLine(log);
			return {
				program,
				log,
				refused: { errno: Number(errno), name: String(name), ...(line === undefined ? {} : { line }) },
			};
		});
	} finally {
		object.close();
	}
}

function json({ program, log, accepted, refused }: Answer): Record<string, unknown> {
	const { name, section } = program;
	return {
		schema: 1,
		verifier: "kernel",
		program: name,
		section,
		accepted: refused === undefined,
		...accepted,
		...(refused === undefined
			? {}
			: {
					errno: refused.errno,
					error: refused.name,
					...(refused.line === undefined ? {} : { line: refused.line }),
				}),
		log,
	};
}

function text({ program, log, accepted, refused }: Answer): string[] {
	const title = `${pc.bold(program.name)}, section ${program.section}, ${program.insns.length} instructions`;
	const lines = log.trimEnd() === "" ? [] : log.trimEnd().split("\n");
	const end =
		accepted === undefined
			? `${pc.red("refused")}: ${refused?.name}${refused?.line === undefined ? "" : `: ${refused.line}`}`
			: `${pc.green("accepted")}: ${accepted.verifiedInsns} instructions verified, ${accepted.jitedLength} bytes of machine code`;
	return [title, ...lines.map((line) => `  | ${line}`), `  ${end}`];
}
