import {
	type Capabilities,
	explain,
	type LinkedObject,
	type LinkedProgram,
	link,
	report73,
	type VerifyOptions,
	verify as verifyProgram,
	withFunctionTypes,
} from "@tailhop/core";
import type { Capability } from "@tailhop/kernel";
import { type Arguments, EXIT, type ExitStatus, usage } from "../command.ts";
import { kernelBridge } from "../engine.ts";
import { loadSpec, programsNamed } from "../object-file.ts";
import { printLine, toJson } from "../output.ts";
import { githubLines, junitLines } from "../render/ci.ts";
import { type Checked, type Show, summaryLine, verdictJson, verdictLines } from "../render/verdict.ts";
import { linkTarget } from "../session.ts";
import { askKernel, differences } from "./verify-kernel.ts";

/** Who loads the programs: for our verifier, and what the kernel is asked with (undefined: with all there are). */
const PRIVILEGES: Readonly<Record<string, Privilege>> = {
	root: { ours: {}, kernel: undefined },
	bpf: { ours: { perfmon: false, sysAdmin: false }, kernel: ["CAP_BPF", "CAP_NET_ADMIN"] },
	unprivileged: { ours: { bpf: false, perfmon: false, netAdmin: false, sysAdmin: false }, kernel: [] },
};
interface Privilege {
	readonly ours: Partial<Capabilities>;
	readonly kernel: readonly Capability[] | undefined;
}
const REPORTERS = { github: githubLines, junit: junitLines };
const FORMATS = ["6.18", "7.3"] as const;
/** Bits of the log's level that there are. */
const ALL_LEVELS = 7;

export async function verify(args: Arguments): Promise<ExitStatus> {
	const asked = optionsOf(args);
	const spec = await loadSpec(args.positional[0]!);
	const bridge = args.flag("kernel") ? await kernelBridge() : undefined;
	const cpus = (await bridge?.openKernel())?.cpus;
	const linked = withFunctionTypes(link(spec, await linkTarget(args, spec, cpus)));
	const programs = programsNamed(linked, args.positional[1]);
	const { level } = asked;
	const { kernel: capabilities } = asked.privilege;
	const kernel = bridge && (await askKernel(bridge, linked, programs, level || 1, capabilities));
	const done: Checked[] = [];
	for (const program of programs) {
		const answer = kernel?.get(program);
		const ours = check(linked, program, asked);
		done.push({
			...ours,
			...(answer === undefined ? {} : { kernel: answer, differences: differences(ours.verdict, answer) }),
		});
		// each is shown when it is known: a program may take a second
		if (asked.reporter === undefined) print(done, asked);
	}
	if (asked.reporter !== undefined) for (const line of asked.reporter(linked, done)) printLine(line);
	else if (!asked.json && done.length > 1) {
		printLine();
		printLine(summaryLine(done));
	}
	const says = (accepted: boolean) =>
		done.some(
			({ verdict, kernel }) =>
				(verdict.accepted === accepted && !verdict.unsupported) || kernel?.accepted === accepted,
		);
	if (says(false)) return EXIT.FAILED;
	return done.some(({ verdict }) => verdict.unsupported !== undefined) ? EXIT.UNSUPPORTED : EXIT.OK;
}

interface Asked extends Show {
	readonly json: boolean;
	readonly privilege: Privilege;
	readonly options: VerifyOptions;
	readonly level: number;
	readonly format: (typeof FORMATS)[number];
	readonly reporter: (typeof REPORTERS)[keyof typeof REPORTERS] | undefined;
}

function optionsOf(args: Arguments): Asked {
	const level = args.count("log-level") ?? 1;
	if (level > ALL_LEVELS) throw usage(`--log-level takes 0 to 7, not "${args.text("log-level")}"`);
	const who = args.text("privilege") ?? "root";
	const privilege = PRIVILEGES[who] ?? refuse("privilege", who, Object.keys(PRIVILEGES));
	const format = args.text("format") ?? "6.18";
	const form = FORMATS.find((each) => each === format) ?? refuse("format", format, FORMATS);
	const name = args.text("reporter");
	const reporter =
		name === undefined
			? undefined
			: (REPORTERS[name as keyof typeof REPORTERS] ?? refuse("reporter", name, Object.keys(REPORTERS)));
	const json = args.flag("json");
	if (json && reporter !== undefined)
		throw usage("--json and --reporter are two forms of output", "Take one.");
	return {
		json,
		privilege,
		level,
		format: form,
		reporter,
		// the kernel names the last line only in a log
		options: { capabilities: privilege.ours, logLevel: level || (args.flag("kernel") ? 1 : 0) },
		explain: args.flag("explain"),
		heat: args.flag("heat"),
		wholeLog: args.text("log-level") !== undefined,
	};
}

function refuse(option: string, given: string, known: readonly string[]): never {
	throw usage(`--${option} takes ${known.join(", ")}, not "${given}"`);
}

function check(linked: LinkedObject, program: LinkedProgram, asked: Asked): Checked {
	const { options, format, heat, reporter } = asked;
	const explains = asked.explain || heat || format === "7.3" || reporter !== undefined;
	const start = performance.now();
	// the time is the verifier's alone; what explains a rejection comes on top
	const verdict = verifyProgram(linked, program, options);
	const milliseconds = performance.now() - start;
	const shown = asked.level === 0 ? "" : verdict.log;
	if (!explains) return { program, verdict, milliseconds, log: shown };
	const report = explain(linked, program, { ...options, logLevel: 0 });
	const { explanation } = report;
	const log =
		explanation === undefined || format !== "7.3"
			? shown
			: in73(verdict.log, report73(program, verdict, explanation));
	return {
		program,
		verdict,
		milliseconds,
		log,
		heat: report.heat,
		...(explanation === undefined ? {} : { explanation }),
	};
}

/** The log up to its last line, and then the blocks. */
function in73(log: string, blocks: string): string {
	const lines = log.trimEnd().split("\n");
	const end = lines.findLastIndex((line) => line.startsWith("processed "));
	const walk = lines.slice(0, Math.max(0, end - 1));
	return [...walk, blocks].join("\n");
}

function print(done: readonly Checked[], asked: Asked): void {
	const checked = done.at(-1)!;
	if (asked.json) {
		printLine(toJson(verdictJson(checked, asked)));
		return;
	}
	if (done.length > 1) printLine();
	for (const line of verdictLines(checked, asked)) printLine(line);
}
