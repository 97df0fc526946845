import type { FuzzCase } from "../case.ts";
import { Random } from "../random.ts";
import { alu } from "./alu.ts";
import { maps } from "./maps.ts";
import { packet } from "./packet.ts";
import { tailcalls } from "./tailcalls.ts";

/** A generator makes a case of random numbers alone, so that seed and index name it. */
export const FAMILIES = { tailcalls, alu, maps, packet } as const satisfies Record<
	string,
	(random: Random) => FuzzCase
>;

export type FamilyName = keyof typeof FAMILIES;

export function makeCase(family: FamilyName, seed: number, index: number): FuzzCase {
	return FAMILIES[family](new Random(seed, index));
}
