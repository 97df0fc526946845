import { writeFile } from "node:fs/promises";
import {
	type LinkedObject,
	link,
	type MachineOptions,
	MapWatch,
	type RunInput,
	TailhopError,
	Tally,
	type Target,
	writePcap,
} from "@tailhop/core";
import { type Arguments, EXIT, type ExitStatus, usage } from "../command.ts";
import { ENGINES, type Engine, type EngineName, openEngine } from "../engine.ts";
import { assignment, ioError, loadSpec, targetOf } from "../object-file.ts";
import { printLine, toJson } from "../output.ts";
import { type InputPacket, packetsOf } from "../packets.ts";
import { Progress } from "../progress.ts";
import { recordOf } from "../record.ts";
import { mapLines } from "../render/maps.ts";
import { compactLine, detailLines } from "../render/packet.ts";
import { summaryLines } from "../render/summary.ts";
import { apply, applyVariable, parseSetting, resolveVariable } from "../set.ts";

/** Packets that are listed one a line before the summary, without --each. */
const LISTED = 40;

export async function run(args: Arguments): Promise<ExitStatus> {
	const path = args.positional[0]!;
	const engineName = engineOf(args);
	const packets = await packetsOf(args);
	const context = contextOf(args);
	const settings = args.list("set").map(parseSetting);
	const spec = await loadSpec(path);

	const variables = settings.flatMap((setting) =>
		setting.kind === "variable" ? [{ setting, variable: resolveVariable(spec, setting) }] : [],
	);
	const rodata = Object.fromEntries(
		variables
			.filter(({ variable }) => variable.frozen)
			.map(({ setting, variable }) => [setting.name, variable.bytes]),
	);
	const target: Target = {
		...(await targetOf(args)),
		...(Object.keys(rodata).length === 0 ? {} : { rodata }),
	};
	const linked = link(spec, target);
	const program = entryOf(linked, args.text("program"));

	const engine = await openEngine(engineName, linked, machineOptions(args));
	try {
		for (const { setting, variable } of variables)
			if (!variable.frozen) applyVariable(engine, setting, variable);
		for (const setting of settings) if (setting.kind === "entry") apply(engine, linked, setting);
		return await runPackets(engine, program, packets, context, args);
	} finally {
		engine.close();
	}
}

async function runPackets(
	engine: Engine,
	program: string,
	packets: readonly InputPacket[],
	context: RunInput["context"],
	args: Arguments,
): Promise<ExitStatus> {
	const json = args.flag("json");
	const detailed = packets.length === 1 || args.flag("each");
	const listed = detailed || packets.length <= LISTED;
	const watch = engine.machine === undefined ? undefined : new MapWatch(engine.machine);
	const tally = new Tally(program);
	const written: { data: Uint8Array; timestampNs: bigint }[] = [];
	const keep = args.text("write-pcap") !== undefined;
	const progress = new Progress(packets.length, !json && !listed);
	let failed = false;
	for (const [index, { data, timestampNs }] of packets.entries()) {
		const outcome = engine.attempt(program, { packet: data, ...(context === undefined ? {} : { context }) });
		failed ||= outcome.error !== undefined;
		tally.add(outcome);
		if (outcome.error === undefined && keep) written.push({ data: outcome.packet, timestampNs });
		if (json) printLine(toJson(recordOf(program, engine, outcome, watch?.changes() ?? [])));
		else if (detailed) {
			const title = packets.length === 1 ? undefined : `packet ${index + 1} of ${packets.length}`;
			for (const line of detailLines(program, data, outcome, watch?.changes() ?? [], title)) printLine(line);
		} else if (listed) printLine(compactLine(program, index, packets.length, data, outcome));
		progress.step();
	}
	progress.stop();
	if (!json && packets.length !== 1) {
		if (listed) printLine();
		for (const line of summaryLines(tally.summary)) printLine(line);
		if (!detailed) {
			const lines = mapLines(watch?.changes() ?? [], "  ");
			if (lines.length > 0) for (const line of ["", "maps", ...lines]) printLine(line);
		}
	}
	if (!json) {
		printLine();
		printLine(`engine ${engine.name}, verified: ${engine.verified}`);
	}
	const out = args.text("write-pcap");
	if (out !== undefined) {
		try {
			await writeFile(out, writePcap(written));
		} catch (error) {
			throw error instanceof TailhopError ? error : ioError(out, "written", error);
		}
	}
	return failed ? EXIT.FAILED : EXIT.OK;
}

function engineOf(args: Arguments): EngineName {
	const name = args.text("engine") ?? "interpreter";
	const found = ENGINES.find((each) => each === name);
	if (found === undefined) throw usage(`no engine "${name}"`, `Engines: ${ENGINES.join(", ")}.`);
	return found;
}

function machineOptions(args: Arguments): MachineOptions {
	const budget = args.count("budget");
	return { checked: !args.flag("unchecked"), ...(budget === undefined ? {} : { budget }) };
}

/** `--context mark=5`, `--context cb=1,2,3,4,5` */
function contextOf(args: Arguments): RunInput["context"] {
	const fields = args.list("context").map((text) => {
		const [name, value] = assignment("context", text);
		const numbers = value.split(",").map((each) => {
			if (!/^\s*(0x[0-9a-f]+|\d+)\s*$/i.test(each))
				throw usage(`--context takes FIELD=NUMBER, not "${text}"`);
			return BigInt(each.trim());
		});
		return [name, numbers.length === 1 ? numbers[0]! : numbers.map(Number)] as const;
	});
	return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

/** The program to run: the one named, or the only entry point. */
function entryOf(linked: LinkedObject, wanted: string | undefined): string {
	const { programs, file } = linked;
	if (wanted !== undefined) {
		if (programs.some((each) => each.name === wanted)) return wanted;
		throw new TailhopError(
			"machine/unknown-program",
			`no program ${wanted}`,
			{ file },
			{
				hint: `Programs: ${programs.map((each) => each.name).join(", ") || "none"}.`,
			},
		);
	}
	const entries = programs.filter((each) => each.entry);
	if (entries.length === 1) return entries[0]!.name;
	if (entries.length === 0)
		throw new TailhopError(
			"machine/unknown-program",
			"the object has no entry point",
			{ file },
			{
				hint: `Name one with --program: ${programs.map((each) => each.name).join(", ") || "there are no programs"}.`,
			},
		);
	throw usage(
		`${file} has ${entries.length} entry points`,
		`Name one with --program: ${entries.map((each) => each.name).join(", ")}.`,
	);
}
