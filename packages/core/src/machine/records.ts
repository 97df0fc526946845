import type { TailhopError } from "../errors/index.ts";
import type { LoweredProgram } from "../interpreter/index.ts";
import { ATTACH_TYPE, nameOf, PROG_TYPE } from "../isa/index.ts";
import type { MapInstance } from "../maps/index.ts";
import type { LinkedMap, LinkedObject, LinkedProgram } from "../spec/index.ts";
import type { Verdict } from "../verifier/index.ts";

/** The first program that a prog array got to know; later ones must be like it (kernel: bpf_map.owner). */
export interface Owner {
	readonly type: number;
	readonly expectedAttachType: number;
	readonly xdpHasFrags: boolean;
}

/** A map of a machine and who holds it. */
export interface MapRecord {
	readonly index: number;
	readonly name: string;
	readonly def: LinkedMap;
	/** The collection that declared it: its BTF describes keys and values. */
	readonly linked: LinkedObject;
	/** Header in the control area. */
	readonly address: number;
	/** Undefined for a kind that is not implemented: `unavailable` says so when somebody wants it. */
	instance: MapInstance | undefined;
	unavailable: TailhopError | undefined;
	/** Provenance of the map itself. */
	readonly region: number;
	/** Provenance of its first value, once a program refers to it by address. */
	valueRegion?: number;
	/** File descriptors that the user holds, the loader's first one included. */
	descriptors: number;
	readonly pins: Set<string>;
	/** Loaded programs that use it. */
	programs: number;
	owner: Owner | undefined;
}

/** A program of a machine and who holds it. */
export interface ProgramRecord {
	/** Index in the machine's function table: what a prog array's word holds. 0 is never one. */
	readonly index: number;
	/** As bpf(2) reads a slot back: ever increasing, never reused. */
	readonly id: number;
	readonly name: string;
	readonly program: LinkedProgram;
	/** What the verifier said, if it was asked. */
	readonly verdict: Verdict | undefined;
	readonly linked: LinkedObject;
	readonly lowered: LoweredProgram;
	/** Maps that it refers to. */
	readonly maps: readonly MapRecord[];
	/** Every map of its object, as its instructions count them. */
	readonly objectMaps: readonly MapRecord[];
	descriptors: number;
	readonly pins: Set<string>;
	/** Prog-array slots that hold it. */
	slots: number;
	freed: boolean;
}

/** BPF_F_XDP_HAS_FRAGS. */
const XDP_HAS_FRAGS = 1 << 5;

export function ownerOf(program: LinkedProgram): Owner {
	return {
		type: program.type,
		expectedAttachType: program.expectedAttachType,
		xdpHasFrags: (program.flags & XDP_HAS_FRAGS) !== 0,
	};
}

const named = (table: Readonly<Record<string, number>>, number: number): string =>
	nameOf(table, number) ?? String(number);

/** Why a program may not meet a prog array of this owner, or undefined (kernel: __bpf_prog_map_compatible). */
export function incompatible(owner: Owner, program: LinkedProgram): string | undefined {
	const { type, expectedAttachType } = program;
	const frags = (program.flags & XDP_HAS_FRAGS) !== 0;
	if (type !== owner.type)
		return `its program type is ${named(PROG_TYPE, type)}, the owner's ${named(PROG_TYPE, owner.type)}`;
	if (frags !== owner.xdpHasFrags) return `${frags ? "it" : "the owner"} has xdp.frags, the other not`;
	if (expectedAttachType !== owner.expectedAttachType)
		return `its expected attach type is ${named(ATTACH_TYPE, expectedAttachType)}, the owner's ${named(ATTACH_TYPE, owner.expectedAttachType)}`;
	return undefined;
}
