import {
	compareMaps,
	compareOutcomes,
	type Difference,
	type EngineOutcome,
	type ErrorData,
	hookFor,
	TailhopError,
} from "@tailhop/core";
import { type Arguments, EXIT, type ExitStatus } from "../command.ts";
import { ENGINES, type Engine, type EngineName, kernelCpus, openEngine } from "../engine.ts";
import { printLine, toJson } from "../output.ts";
import type { InputPacket } from "../packets.ts";
import { Progress } from "../progress.ts";
import { differenceJson, differenceLines } from "../render/difference.ts";
import { type Session, sessionOf } from "../session.ts";

/** Two engines that disagree, where, and about what. */
interface Disagreement {
	/** Index of the packet; absent: the maps differ before the first. */
	readonly index?: number;
	readonly engines: readonly [Engine, Engine];
	readonly differences: readonly Difference[];
}

export async function diff(args: Arguments): Promise<ExitStatus> {
	// every engine is given the kernel's CPUs, and the one that the process is pinned to
	const environment = await kernelCpus();
	const session = await sessionOf(args, { kernelCpus: environment.cpus, machine: { environment } });
	const engines: Engine[] = [];
	try {
		const without: LeftOut[] = [];
		for (const name of ENGINES) {
			const opened = await open(name, session);
			if (opened instanceof TailhopError) without.push({ engine: name, reason: opened.message });
			else engines.push(opened);
		}
		for (const engine of engines) session.fill(engine);
		const result = { engines, without, ...compare(engines, session, args.flag("json")) };
		report(result, session, args.flag("json"));
		const { length } = result.refused;
		const ran = length === 0 || length < session.packets.length;
		return result.found === undefined && ran ? EXIT.OK : EXIT.FAILED;
	} finally {
		for (const engine of engines) engine.close();
	}
}

/** An engine that cannot take the object. */
interface LeftOut {
	readonly engine: EngineName;
	readonly reason: string;
}

/** What an engine of ours doesn't implement leaves it out of the comparison; all else ends it. */
async function open(name: EngineName, { linked, engine, program }: Session): Promise<Engine | TailhopError> {
	try {
		const opened = await openEngine(name, linked, engine);
		const error = opened.notCompiled.get(program);
		if (error === undefined) return opened;
		opened.close();
		return error;
	} catch (error) {
		if (error instanceof TailhopError && error.code === "machine/unsupported") return error;
		throw error;
	}
}

/** What a comparison came to. */
interface Comparison {
	readonly found?: Disagreement;
	/** Why no engine took a packet, or none came to its end with it: agreement too, but about nothing. */
	readonly refused: readonly ErrorData[];
}

/** Runs packet by packet until two engines differ. */
function compare(
	engines: readonly Engine[],
	{ linked, program, packets, context }: Session,
	quiet: boolean,
): Comparison {
	const refused: ErrorData[] = [];
	const [first, ...others] = engines;
	const type = linked.programs.find((each) => each.name === program)!.type;
	// engines run only what they have a hook for
	const hook = hookFor(type) ?? { fields: [] };
	const disagreement = (outcomes?: readonly EngineOutcome[]): Disagreement | undefined => {
		for (const [at, other] of others.entries()) {
			const differences = [
				...(outcomes === undefined ? [] : compareOutcomes(outcomes[0]!, outcomes[at + 1]!, hook)),
				...compareMaps(first!.maps, other.maps),
			];
			if (differences.length > 0) return { engines: [first!, other], differences };
		}
		return undefined;
	};
	const before = disagreement();
	if (before !== undefined) return { found: before, refused };
	const progress = new Progress(packets.length, !quiet);
	try {
		for (const [index, { data }] of packets.entries()) {
			const input = { packet: data, ...(context === undefined ? {} : { context }) };
			const outcomes = engines.map((engine) => engine.attempt(program, input));
			const found = disagreement(outcomes);
			if (found !== undefined) return { found: { index, ...found }, refused };
			const { error } = outcomes[0]!;
			if (error !== undefined) refused.push(error);
			progress.step();
		}
		return { refused };
	} finally {
		progress.stop();
	}
}

interface Result extends Comparison {
	readonly engines: readonly Engine[];
	readonly without: readonly LeftOut[];
}

function report({ engines, without, found, refused }: Result, session: Session, json: boolean): void {
	const { linked, program, packets } = session;
	const names = engines.map((engine) => engine.name);
	if (json) {
		const head = { schema: 1, program, engines: names, ...(without.length === 0 ? {} : { without }) };
		const none = refused.length === 0 ? {} : { refused: refused.length, reason: refused[0]!.message };
		const agree = { packets: packets.length, agree: found === undefined, ...none };
		printLine(toJson({ ...head, ...agree, ...disagreementJson(found, packets) }));
		return;
	}
	for (const { engine, reason } of without) printLine(`${engine} is left out: ${reason}`);
	if (found === undefined) {
		const count = `${packets.length} packet${packets.length === 1 ? "" : "s"}`;
		printLine(`${program}: ${count}, ${listed(names)} agree${refusedText(refused, packets.length)}`);
	} else {
		const [a, b] = found.engines;
		const packet = found.index === undefined ? undefined : packets[found.index];
		printLine(
			packet === undefined
				? `${program}: ${a.name} and ${b.name} differ before the first packet`
				: `${program}: ${a.name} and ${b.name} differ at packet ${found.index! + 1} of ${packets.length} (${packet.from}, ${packet.data.length} bytes)`,
		);
		for (const line of differenceLines(linked, found.differences, [a, b])) printLine(line);
	}
}

/** ": every one refuses 2 of them (…)" */
function refusedText(refused: readonly ErrorData[], packets: number): string {
	if (refused.length === 0) return "";
	const which = refused.length < packets ? `${refused.length} of them` : packets === 1 ? "it" : "all of them";
	return `: every one refuses ${which} (${refused[0]!.message})`;
}

/** "a, b and c" */
function listed(names: readonly string[]): string {
	return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function disagreementJson(
	found: Disagreement | undefined,
	packets: readonly InputPacket[],
): Record<string, unknown> {
	if (found === undefined) return {};
	const [a, b] = found.engines;
	const packet = found.index === undefined ? undefined : packets[found.index];
	return {
		between: [a.name, b.name],
		...(packet === undefined
			? {}
			: { packet: { number: found.index! + 1, from: packet.from, bytes: packet.data } }),
		differences: found.differences.map((each) => differenceJson(each, [a, b])),
	};
}
