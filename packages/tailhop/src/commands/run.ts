import { writeFile } from "node:fs/promises";
import { MapWatch, TailhopError, Tally, writePcap } from "@tailhop/core";
import { type Arguments, EXIT, type ExitStatus, usage } from "../command.ts";
import { ENGINES, type Engine, type EngineName, kernelCpus, openDefault, openEngine } from "../engine.ts";
import { ioError, refuseOverwriting } from "../object-file.ts";
import { printLine, toJson } from "../output.ts";
import { Progress } from "../progress.ts";
import { recordOf } from "../record.ts";
import { mapLines } from "../render/maps.ts";
import { compactLine, detailLines } from "../render/packet.ts";
import { summaryLines } from "../render/summary.ts";
import { type Session, sessionOf } from "../session.ts";

/** Packets that are listed one a line before the summary, without --each. */
const LISTED = 40;

export async function run(args: Arguments): Promise<ExitStatus> {
	const name = engineOf(args);
	checkOptions(name, args);
	const session = await sessionOf(args, name === "kernel" ? { kernelCpus: (await kernelCpus()).cpus } : {});
	const engine =
		name === undefined
			? await openDefault(session.linked, session.engine)
			: await openEngine(name, session.linked, session.engine);
	try {
		session.fill(engine);
		return await runPackets(engine, session, args);
	} finally {
		engine.close();
	}
}

async function runPackets(
	engine: Engine,
	{ linked, program, packets, context }: Session,
	args: Arguments,
): Promise<ExitStatus> {
	const json = args.flag("json");
	const detailed = packets.length === 1 || args.flag("each");
	const listed = detailed || packets.length <= LISTED;
	const watch = new MapWatch(engine);
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
		if (json) printLine(toJson(recordOf(program, outcome, watch.changes())));
		else if (detailed) {
			const title = packets.length === 1 ? undefined : `packet ${index + 1} of ${packets.length}`;
			for (const line of detailLines(linked, program, data, outcome, watch.changes(), title)) printLine(line);
		} else if (listed) printLine(compactLine(linked, program, index, packets.length, data, outcome));
		progress.step();
	}
	progress.stop();
	if (!json && packets.length !== 1) {
		if (listed) printLine();
		for (const line of summaryLines(linked, tally.summary, engine.showsHops)) printLine(line);
		if (!detailed) {
			const lines = mapLines(watch.changes(), "  ", linked.target.cpus);
			if (lines.length > 0) for (const line of ["", "maps", ...lines]) printLine(line);
		}
	}
	if (!json) {
		printLine();
		const hidden = engine.showsHops ? "" : "; the kernel shows no hops";
		printLine(`engine ${engine.name}, verified: ${engine.verified}${hidden}`);
		for (const [name, { unsupported, errno, lastLine }] of engine.notVerified) {
			const why =
				unsupported === undefined ? `${errno}: ${lastLine}` : `the verifier does not model ${unsupported}`;
			printLine(`${name} is not verified: ${why}`);
		}
		for (const [name, { message }] of engine.notCompiled) printLine(`${name} is interpreted: ${message}`);
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

/** @throws TailhopError cli/usage for an option that would have no effect, or cost the input */
function checkOptions(engine: EngineName | undefined, args: Arguments): void {
	if (engine === "kernel") {
		if (args.flag("unchecked")) throw usage("--unchecked: the kernel runs only what it has verified");
		if (args.text("budget") !== undefined) throw usage("--budget: the kernel's verifier bounds what it runs");
	}
	const output = args.text("write-pcap");
	if (output === undefined) return;
	const inputs = [args.positional[0]!, ...args.list("pcap"), ...args.list("packet-file")];
	refuseOverwriting("--write-pcap", output, inputs);
}

/** Undefined: the default, openDefault. */
function engineOf(args: Arguments): EngineName | undefined {
	const name = args.text("engine");
	if (name === undefined) return undefined;
	const found = ENGINES.find((each) => each === name);
	if (found === undefined) throw usage(`no engine "${name}"`, `Engines: ${ENGINES.join(", ")}.`);
	return found;
}
