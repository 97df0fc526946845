import { existsSync, readFileSync } from "node:fs";
import { assembleObject, type Btf, findBtfType, link, parse, readBtf, verify } from "@tailhop/core";
import { describe, expect, test } from "vitest";
import { assembleProgram, mapNames } from "./assemble.ts";
import { MAPS_FILE, readTheme, themeNames } from "./files.ts";
import { printVerdict } from "./format.ts";
import { linkedVerdictProgram, verifyOptionsOf } from "./ours.ts";

/** Programs of a million instructions each: `npm run verdicts:ours` walks them. */
const SLOW = ["loops", "limits"];
/** Every how many-th program: all of them take half a minute. */
const STEP = 7;
/** Kernel functions have their ids from the running kernel. */
const VMLINUX = "/sys/kernel/btf/vmlinux";

const vmlinux: Btf | undefined = existsSync(VMLINUX)
	? readBtf(new Uint8Array(readFileSync(VMLINUX)))
	: undefined;
const kernelId = (name: string) =>
	vmlinux === undefined ? 1 : (findBtfType(vmlinux, name, "func") ?? findBtfType(vmlinux, name, "var"))?.id;
const kfuncName = (id: number) => {
	const type = vmlinux?.types[id];
	return type?.kind === "func" ? type.name : undefined;
};

describe("our verifier says what Linux 6.18 said", () => {
	const maps = link(parse(assembleObject(MAPS_FILE, "maps.s")));
	const names = mapNames(MAPS_FILE);

	test.each(themeNames().filter((name) => !SLOW.includes(name)))("%s", (theme) => {
		const different: string[] = [];
		for (const [i, { program, verdict }] of readTheme(theme).cases.entries()) {
			if (i % STEP !== 0 || verdict === undefined) continue;
			if (vmlinux === undefined && program.asm.some((line) => /kfunc|btf_id/.test(line))) continue;
			const assembled = assembleProgram(program.asm, names, kernelId);
			const { object, linked, btf } = linkedVerdictProgram(program, assembled, maps, names, vmlinux);
			const ours = verify(object, linked, {
				...verifyOptionsOf(program),
				...(btf === undefined ? {} : { btf }),
				fdArray: assembled.maps.length > 0,
				kfuncName,
			});
			if (ours.unsupported !== undefined) continue;
			const { errno, lastLine, stats } = ours;
			const text = ours.accepted
				? `accepted, ${stats.insnsProcessed} insns, stack ${stats.stackDepth.join("+")}`
				: `${errno}${lastLine === "" ? "" : `: ${lastLine}`}`;
			if (text !== printVerdict(verdict))
				different.push(`${program.name}: ${text}, not ${printVerdict(verdict)}`);
		}
		expect(different).toEqual([]);
	});
});
