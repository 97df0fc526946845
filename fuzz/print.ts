import type { FuzzCase, FuzzStep } from "./case.ts";
import type { Verdict } from "./engines.ts";

/** A case and its verdict for a person: programs, maps, steps up to the difference, both answers. */
export function describe(test: FuzzCase, verdict: Verdict): string {
	const lines: string[] = [];
	for (const { entries = [], ...map } of test.maps) {
		lines.push(`map ${JSON.stringify(map)}`);
		for (const [key, value] of entries) lines.push(`  ${key} = ${value}`);
	}
	for (const [name, { asm, ...kind }] of Object.entries(test.programs)) {
		lines.push(`program ${name} ${JSON.stringify(kind)}`, ...asm.map((line) => `  ${line}`));
	}
	for (const [map, slots] of Object.entries(test.slots ?? {}))
		lines.push(`slots ${map} ${JSON.stringify(slots)}`);
	for (const [index, step] of test.steps.entries()) lines.push(`step ${index}: ${stepText(step)}`);
	if (verdict.kind === "agreed") lines.push("all engines agree");
	if (verdict.kind === "rejected") lines.push(`rejected: ${verdict.reason}`);
	if (verdict.kind === "difference") {
		lines.push(`differs at step ${verdict.step} (${verdict.where})`);
		for (const [name, answer] of Object.entries(verdict.answers)) {
			lines.push(`${name}:`, ...answer.split("\n").map((line) => `  ${line}`));
		}
	}
	return lines.join("\n");
}

function stepText(step: FuzzStep): string {
	return Object.entries(step)
		.map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`)
		.join(", ");
}
