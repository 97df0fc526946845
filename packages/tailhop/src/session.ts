import {
	type LinkedObject,
	link,
	MAP_TYPE,
	type MachineOptions,
	type ObjectSpec,
	type RunInput,
	TailhopError,
	type Target,
} from "@tailhop/core";
import { type Arguments, usage } from "./command.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { assignment, loadSpec, programsNamed, runningBtf, targetOf } from "./object-file.ts";
import { type InputPacket, packetsOf } from "./packets.ts";
import { apply, applyVariable, parseSetting, resolveVariable, type Setting } from "./set.ts";

/** What the options of `run` and `diff` come to: an object, an entry program, packets, and maps to fill. */
export interface Session {
	readonly linked: LinkedObject;
	readonly program: string;
	readonly packets: readonly InputPacket[];
	readonly context: RunInput["context"];
	readonly engine: EngineOptions;
	/** Carries the settings out. */
	fill(engine: Engine): void;
}

/** `kernelCpus`: the running kernel is asked, which has so many. @throws TailhopError */
export async function sessionOf(
	args: Arguments,
	{ kernelCpus, machine }: { readonly kernelCpus?: number; readonly machine?: MachineOptions } = {},
): Promise<Session> {
	const packets = await packetsOf(args);
	const context = contextOf(args);
	const settings = args.list("set").map((text) => parseSetting(text));
	const spec = await loadSpec(args.positional[0]!);
	const variables = variablesOf(args, spec);
	const linked = link(spec, await linkTarget(args, spec, kernelCpus));
	const program = entryOf(linked, args.text("program"));
	return {
		linked,
		program,
		packets,
		context,
		engine: {
			programs: [program, ...slotTargets(linked, settings)],
			machine: { ...machine, ...machineOptions(args) },
		},
		fill(engine) {
			for (const { setting, variable } of variables)
				if (!variable.frozen) applyVariable(engine, linked, setting, variable);
			for (const setting of settings) if (setting.kind === "entry") apply(engine, linked, setting);
		},
	};
}

/**
 * The Target of the options, read-only variables included. With `kernelCpus` it is the running kernel, where the
 * options say nothing else: its CPUs and its BTF.
 */
export async function linkTarget(args: Arguments, spec: ObjectSpec, kernelCpus?: number): Promise<Target> {
	const rodata = Object.fromEntries(
		variablesOf(args, spec)
			.filter(({ variable }) => variable.frozen)
			.map(({ setting, variable }) => [setting.name, variable.bytes]),
	);
	const target = await targetOf(args, spec);
	if (kernelCpus !== undefined && (target.cpus ?? kernelCpus) !== kernelCpus)
		throw usage(`--cpus ${target.cpus}: the running kernel has ${kernelCpus}`, "Leave --cpus out.");
	const asksForBtf = target.btf === undefined && spec.code.some(({ core }) => core.length > 0);
	const btf = asksForBtf && kernelCpus !== undefined ? await runningBtf() : undefined;
	return {
		...(kernelCpus === undefined ? {} : { cpus: kernelCpus }),
		...(btf === undefined ? {} : { btf }),
		...target,
		...(Object.keys(rodata).length === 0 ? {} : { rodata }),
	};
}

/** The global variables that --set and --rodata name. */
function variablesOf(args: Arguments, spec: ObjectSpec) {
	const settings = [
		...args.list("set").map((text) => parseSetting(text)),
		...args.list("rodata").map((text) => parseSetting(text, "rodata")),
	];
	return settings.flatMap((setting) => {
		if (setting.kind !== "variable") return [];
		const variable = resolveVariable(spec, setting);
		if (setting.option === "rodata" && !variable.frozen)
			throw usage(`${setting.name} is not read-only`, `--set '${setting.text}' sets it.`);
		return [{ setting, variable }];
	});
}

/** Programs that settings put into slots. */
function slotTargets(linked: LinkedObject, settings: readonly Setting[]): string[] {
	return settings.flatMap((setting) => {
		if (setting.kind !== "entry") return [];
		const map = linked.maps.find((each) => each.name === setting.map);
		return map?.type === MAP_TYPE.PROG_ARRAY ? [setting.value] : [];
	});
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
	const names = (list: typeof programs) => list.map((each) => each.name).join(", ");
	if (wanted !== undefined) return programsNamed(linked, wanted)[0]!.name;
	const entries = programs.filter((each) => each.entry);
	if (entries.length === 1) return entries[0]!.name;
	if (entries.length === 0)
		throw new TailhopError(
			"machine/unknown-program",
			"the object has no entry point",
			{ file },
			{ hint: `Name one with --program: ${names(programs) || "there are no programs"}.` },
		);
	throw usage(`${file} has ${entries.length} entry points`, `Name one with --program: ${names(entries)}.`);
}
