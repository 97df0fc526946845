/** Recorded programs as what our verifier takes. */
import { type Btf, type LinkedObject, type LinkedProgram, readBtf, type VerifyOptions } from "@tailhop/core";
import { type AssembledProgram, functionStarts } from "./assemble.ts";
import type { Program } from "./format.ts";

export interface VerdictInput {
	readonly object: LinkedObject;
	readonly linked: LinkedProgram;
	/** The program's own, apart from that of the maps. */
	readonly btf?: Btf;
}

export function linkedVerdictProgram(
	program: Program,
	{ insns, maps: used, btf: encoded }: AssembledProgram,
	maps: LinkedObject,
	names: readonly string[],
	/** The running kernel's: of the structures that a few programs read. */
	kernelBtf?: Btf,
): VerdictInput {
	const btf = encoded === undefined ? undefined : readBtf(encoded.bytes);
	const info = encoded === undefined ? [] : [...new Uint32Array(encoded.funcInfo.buffer)];
	const starts = encoded === undefined ? functionStarts(insns) : info.filter((_, i) => i % 2 === 0);
	const functions = starts.map((start, i) => {
		const typeId = info[2 * i + 1] ?? 0;
		const type = btf?.types[typeId];
		return {
			name: type?.kind === "func" ? type.name : `f${start}`,
			start,
			end: starts[i + 1] ?? insns.length,
			linkage: type?.kind === "func" && type.linkage === 1 ? ("global" as const) : ("static" as const),
			typeId,
		};
	});
	const linked: LinkedProgram = {
		name: program.name,
		section: "verdict",
		type: program.type,
		expectedAttachType: program.attach,
		flags: 0,
		insns,
		functions,
		lines: [],
		entry: true,
		helpers: [],
		kfuncs: [],
	};
	const object: LinkedObject = {
		...maps,
		// as many as the recorded kernel had
		target: { ...maps.target, cpus: 2, ...(kernelBtf === undefined ? {} : { btf: kernelBtf }) },
		license: program.license,
		maps: used.map((name) => maps.maps[names.indexOf(name)]!),
		programs: [linked],
		slots: [],
	};

	return { object, linked, ...(btf === undefined ? {} : { btf }) };
}

export function verifyOptionsOf(program: Program): VerifyOptions {
	const has = (flag: string) => program.flags.some((each) => each === flag);
	return {
		capabilities: program.capBpf ? { perfmon: false, sysAdmin: false } : {},
		flags: {
			strictAlignment: has("strict_alignment"),
			anyAlignment: has("any_alignment"),
			testStateFreq: has("test_state_freq"),
			testRndHi32: has("test_rnd_hi32"),
			sleepable: has("sleepable"),
			xdpHasFrags: has("xdp_has_frags"),
			testRegInvariants: has("test_reg_invariants"),
		},
	};
}
