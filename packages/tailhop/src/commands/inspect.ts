import {
	ATTACH_TYPE,
	analyze,
	helperName,
	isImplemented,
	type LinkedMap,
	type LinkedObject,
	type LinkedProgram,
	link,
	MAP_KINDS,
	MAP_TYPE,
	nameOf,
	type ObjectSpec,
	PROG_TYPE,
	sourcePlace,
	typeName,
} from "@tailhop/core";
import pc from "picocolors";
import { type Arguments, EXIT, type ExitStatus, table } from "../command.ts";
import { loadSpec, targetOf } from "../object-file.ts";
import { printLine, toJson } from "../output.ts";
import { siteText } from "../render/hops.ts";

export async function inspect(args: Arguments): Promise<ExitStatus> {
	const spec = await loadSpec(args.positional[0]!);
	const linked = link(spec, await targetOf(args, spec));
	const report = describe(spec, linked);
	if (args.flag("json")) printLine(toJson({ schema: 1, ...report }));
	else for (const line of text(report, linked)) printLine(line);
	return EXIT.OK;
}

/** Everything that `inspect` says, as data. */
function describe(spec: ObjectSpec, linked: LinkedObject) {
	return {
		file: linked.file,
		license: linked.license,
		programs: linked.programs.map((program) => describeProgram(program, linked)),
		maps: linked.maps.map((map, index) => describeMap(map, index, linked)),
		sections: spec.code.map(({ name, insns, relocations, core }) => ({
			name,
			insns: insns.length,
			bytes: insns.length * 8,
			relocations: relocations.length,
			coreRelocations: core.length,
		})),
		externs: spec.externs.map(({ name, kind, weak }) => ({ name, kind, weak })),
		unimplemented: {
			helpers: [...new Set(linked.programs.flatMap((program) => program.helpers))]
				.filter((id) => !isImplemented(id))
				.sort((a, b) => a - b)
				.map((id) => ({ id, name: helperName(id) ?? "unknown" })),
			kfuncs: [...new Set(linked.programs.flatMap((program) => program.kfuncs.map((each) => each.name)))],
			mapTypes: [...new Set(linked.maps.map((map) => map.type))]
				.filter((type) => MAP_KINDS[type] === undefined)
				.map(mapTypeText),
		},
	};
}

type Report = ReturnType<typeof describe>;

function describeProgram(program: LinkedProgram, linked: LinkedObject) {
	const facts = analyze(program, linked.maps);
	const attach =
		program.expectedAttachType === 0 ? undefined : nameOf(ATTACH_TYPE, program.expectedAttachType);
	return {
		name: program.name,
		section: program.section,
		type: nameOf(PROG_TYPE, program.type)?.toLowerCase() ?? String(program.type),
		...(attach === undefined ? {} : { attachType: attach.toLowerCase() }),
		flags: program.flags,
		entry: program.entry,
		insns: program.insns.length,
		subprograms: program.functions.slice(1).map(({ name, start, end, linkage }, i) => ({
			name,
			linkage,
			insns: end - start,
			stack: facts.functions[i + 1]?.stackDepth ?? 0,
		})),
		stack: facts.functions[0]?.stackDepth ?? 0,
		helpers: program.helpers.map((id) => helperName(id) ?? String(id)),
		tailCalls: [...facts.tailCalls.values()].map((site) => {
			const { line } = sourcePlace(program, site.insn);
			const map = site.map === undefined ? undefined : linked.maps[site.map];
			const init = linked.slots.find((each) => each.map === site.map && each.slot === site.slot);
			return {
				insn: site.insn,
				...(line === undefined ? {} : { file: line.file, line: line.line }),
				...(map === undefined ? {} : { map: map.name }),
				...(site.slot === undefined ? {} : { slot: site.slot }),
				static: site.map !== undefined && site.slot !== undefined,
				...(init === undefined ? {} : { target: init.target }),
			};
		}),
	};
}

function mapTypeText(type: number): string {
	return nameOf(MAP_TYPE, type)?.toLowerCase() ?? `type ${type}`;
}

function describeMap(map: LinkedMap, index: number, linked: LinkedObject) {
	const named = (typeId: number) =>
		linked.btf === undefined || typeId === 0 ? undefined : typeName(linked.btf, typeId);
	const key = named(map.keyTypeId);
	const value = named(map.valueTypeId);
	return {
		name: map.name,
		type: mapTypeText(map.type),
		section: map.section,
		keySize: map.keySize,
		...(key === undefined ? {} : { key }),
		valueSize: map.valueSize,
		...(value === undefined ? {} : { value }),
		maxEntries: map.maxEntries,
		flags: map.flags,
		pinning: map.pinning,
		frozen: map.frozen,
		...(map.inner === undefined ? {} : { inner: mapTypeText(map.inner.type) }),
		...(map.variables.length === 0
			? {}
			: {
					variables: map.variables.map(({ name, offset, size, typeId }) => ({
						name,
						offset,
						size,
						...(named(typeId) === undefined ? {} : { type: named(typeId) }),
					})),
				}),
		slots: linked.slots
			.filter((each) => each.map === index)
			.map(({ slot, target, from }) => ({ slot, target, from })),
	};
}

function text(report: Report, linked: LinkedObject): string[] {
	const lines = [pc.bold(report.file), `license ${report.license || "none"}`];
	lines.push("", pc.bold(`programs (${report.programs.length})`));
	for (const [index, program] of report.programs.entries()) {
		const kind = [program.type, program.attachType].filter((part) => part !== undefined).join(" ");
		lines.push(
			`  ${pc.bold(program.name)}  ${pc.dim(`${program.section}, ${kind}, ${program.insns} insns, stack ${program.stack}`)}${program.entry ? pc.green("  entry") : ""}`,
		);
		for (const sub of program.subprograms)
			lines.push(`    subprogram ${sub.name}, ${sub.linkage}, ${sub.insns} insns, stack ${sub.stack}`);
		for (const call of program.tailCalls) {
			const at = siteText(sourcePlace(linked.programs[index]!, call.insn), call.insn);
			const where = `${call.map ?? "?"}[${call.slot ?? "dynamic"}]`;
			lines.push(
				`    tail call ${where}${call.target === undefined ? "" : ` → ${call.target}`}  ${pc.dim(`${at}${call.static ? ", static" : ""}`)}`,
			);
		}
		if (program.helpers.length > 0) lines.push(`    helpers ${program.helpers.join(", ")}`);
	}
	lines.push("", pc.bold(`maps (${report.maps.length})`));
	for (const map of report.maps) {
		lines.push(
			`  ${pc.bold(map.name)}  ${pc.dim(`${map.type}, ${map.maxEntries} entries`)}  ${map.key ?? `${map.keySize} bytes`} → ${map.value ?? `${map.valueSize} bytes`}${map.flags === 0 ? "" : `, flags 0x${map.flags.toString(16)}`}${map.frozen ? ", frozen" : ""}`,
		);
		for (const { slot, target, from } of map.slots)
			lines.push(`    [${slot}] ${target}  ${pc.dim(`by ${from}`)}`);
		for (const variable of map.variables ?? [])
			lines.push(
				`    ${variable.name}  ${pc.dim(`${variable.type ?? `${variable.size} bytes`} at ${variable.offset}`)}`,
			);
	}
	lines.push("", pc.bold("sections"));
	lines.push(
		...table(
			report.sections.map((each) => [
				`  ${each.name}`,
				`${each.insns} insns, ${each.relocations} relocations${each.coreRelocations === 0 ? "" : `, ${each.coreRelocations} CO-RE`}`,
			]),
		),
	);
	if (report.externs.length > 0)
		lines.push(
			"",
			pc.bold("externs"),
			...report.externs.map(
				(each) => `  ${each.name}  ${pc.dim(`${each.kind}${each.weak ? ", weak" : ""}`)}`,
			),
		);
	const { helpers, kfuncs, mapTypes } = report.unimplemented;
	const missing = [
		...helpers.map((each) => `  helper ${each.name} (${each.id})`),
		...kfuncs.map((name) => `  kfunc ${name}`),
		...mapTypes.map((name) => `  map type ${name}`),
	];
	if (missing.length > 0)
		lines.push("", pc.bold("not implemented (a run that reaches one stops there)"), ...missing);
	return lines;
}
