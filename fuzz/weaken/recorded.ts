import { existsSync, readFileSync } from "node:fs";
import { assembleObject, type Btf, findBtfType, link, parse, readBtf, verify } from "@tailhop/core";
import { assembleProgram, mapNames } from "../verdicts/assemble.ts";
import { MAPS_FILE, readTheme, themeNames } from "../verdicts/files.ts";
import { linkedVerdictProgram, verifyOptionsOf } from "../verdicts/ours.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";
/** Programs of a million instructions. */
const SLOW: readonly string[] = ["loops", "limits"];
/** Instructions that ours walks of a program, which is no verdict then. */
const LIMIT = 50_000;

export interface Wrong {
	/** THEME/NAME. */
	readonly name: string;
	/** Programs looked at, this one included. */
	readonly programs: number;
	readonly ours: string;
}

/** Recorded programs of which our verifier accepts what Linux refused, or the other way round; the first `enough`. */
export function wrongVerdicts(enough: number, only?: ReadonlySet<string>): readonly Wrong[] {
	const vmlinux: Btf | undefined = existsSync(VMLINUX)
		? readBtf(new Uint8Array(readFileSync(VMLINUX)))
		: undefined;
	const id = (name: string) =>
		vmlinux === undefined ? 1 : (findBtfType(vmlinux, name, "func") ?? findBtfType(vmlinux, name, "var"))?.id;
	const kfuncName = (at: number) => {
		const type = vmlinux?.types[at];
		return type?.kind === "func" ? type.name : undefined;
	};
	const maps = link(parse(assembleObject(MAPS_FILE, "maps.s")));
	const names = mapNames(MAPS_FILE);
	const wrong: Wrong[] = [];
	let programs = 0;
	for (const theme of themeNames().filter((each) => !SLOW.includes(each)))
		for (const { program, verdict } of readTheme(theme).cases) {
			const name = `${theme}/${program.name}`;
			if (verdict === undefined || (only !== undefined && !only.has(name))) continue;
			if (vmlinux === undefined && program.asm.some((line) => /kfunc|btf_id/.test(line))) continue;
			programs++;
			const assembled = assembleProgram(program.asm, names, id);
			const { object, linked, btf } = linkedVerdictProgram(program, assembled, maps, names);
			let ours: string;
			try {
				const found = verify(object, linked, {
					...verifyOptionsOf(program),
					...(btf === undefined ? {} : { btf }),
					fdArray: assembled.maps.length > 0,
					kfuncName,
					limit: LIMIT,
				});
				if (found.unsupported !== undefined || found.accepted === verdict.accepted) continue;
				if (found.stats.insnsProcessed > LIMIT) continue;
				ours = found.accepted ? "accepted" : `${found.errno}: ${found.lastLine}`;
			} catch (error) {
				ours = `crash: ${(error as Error).message}`;
			}
			wrong.push({ name, programs, ours });
			if (wrong.length >= enough) return wrong;
		}
	return wrong;
}
