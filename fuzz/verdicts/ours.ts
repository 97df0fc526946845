/** OurVerifier programs as what our verifier takes. */
import { existsSync, readFileSync } from "node:fs";
import {
	assembleObject,
	type Btf,
	findBtfType,
	type LinkedObject,
	type LinkedProgram,
	link,
	parse,
	readBtf,
	type Verdict,
	type VerifyOptions,
	verify,
} from "@tailhop/core";
import { type AssembledProgram, assembleProgram, functionStarts, mapNames } from "./assemble.ts";
import { MAPS_FILE } from "./files.ts";
import type { Program } from "./format.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";
let vmlinux: Btf | undefined;

/** The running kernel's types, where it shows them; read once. */
export function kernelBtf(): Btf | undefined {
	if (existsSync(VMLINUX)) vmlinux ??= readBtf(new Uint8Array(readFileSync(VMLINUX)));
	return vmlinux;
}

/** BTF id of a kernel function or variable; 1 where the kernel doesn't show its types. */
export function kernelId(name: string): number | undefined {
	const btf = kernelBtf();
	return btf === undefined ? 1 : (findBtfType(btf, name, "func") ?? findBtfType(btf, name, "var"))?.id;
}

export function kfuncName(id: number): string | undefined {
	const type = kernelBtf()?.types[id];
	return type?.kind === "func" ? type.name : undefined;
}

/** Whether a program names something of the running kernel that cannot be looked up here. */
export const needsKernel = ({ asm }: Program): boolean =>
	kernelBtf() === undefined && asm.some((line) => /kfunc|btf_id/.test(line));

/** Our verifier over recorded programs, with the maps that all of them share. */
export class OurVerifier {
	readonly maps = link(parse(assembleObject(MAPS_FILE, "maps.s")));
	/** Names that programs use, in the order of the maps. */
	readonly names = mapNames(MAPS_FILE);

	assemble(program: Program): AssembledProgram {
		return assembleProgram(program.asm, this.names, kernelId);
	}

	/** `assembled`: other instructions than the recorded ones. */
	verify(program: Program, options: VerifyOptions = {}, assembled = this.assemble(program)): Verdict {
		const { object, linked, btf } = linkedProgram(program, assembled, this.maps, this.names);
		return verify(object, linked, {
			...verifyOptionsOf(program),
			...(btf === undefined ? {} : { btf }),
			fdArray: assembled.maps.length > 0,
			kfuncName,
			...options,
		});
	}
}

interface VerdictInput {
	readonly object: LinkedObject;
	readonly linked: LinkedProgram;
	/** The program's own, apart from that of the maps. */
	readonly btf?: Btf;
}

function linkedProgram(
	program: Program,
	{ insns, maps: used, btf: encoded }: AssembledProgram,
	maps: LinkedObject,
	names: readonly string[],
): VerdictInput {
	// of the structures that a few programs read
	const kernel = kernelBtf();
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
		target: { ...maps.target, cpus: 2, ...(kernel === undefined ? {} : { btf: kernel }) },
		license: program.license,
		maps: used.map((name) => maps.maps[names.indexOf(name)]!),
		programs: [linked],
		slots: [],
	};

	return { object, linked, ...(btf === undefined ? {} : { btf }) };
}

function verifyOptionsOf(program: Program): VerifyOptions {
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
