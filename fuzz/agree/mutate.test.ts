import { assemble } from "@tailhop/core";
import { expect, it } from "vitest";
import { Random } from "../random.ts";
import { isNothing, mutate, reduceInsns } from "./mutate.ts";

const { insns } = assemble(`
	r2 = 0x100000001 ll
	r0 = 0
	if r2 > 7 goto out
	r0 = *(u8 *)(r10 - 8)
	r0 &= 3
out:
	exit`);

it("changes an instruction or three in place, and neither half of a lddw", () => {
	for (let seed = 0; seed < 300; seed++) {
		const mutant = mutate(new Random(seed, 0), insns);
		expect(mutant.insns).toHaveLength(insns.length);
		expect(mutant.insns.slice(0, 2)).toEqual(insns.slice(0, 2));
		expect(mutant.mutations.length).toBeGreaterThan(0);
		expect(mutant.mutations.length).toBeLessThanOrEqual(3);
	}
});

it("drops checks, among others", () => {
	const whats = new Set(
		Array.from({ length: 300 }, (_, seed) => mutate(new Random(seed, 0), insns)).flatMap(({ mutations }) =>
			mutations.map(({ what }) => what),
		),
	);
	for (const what of ["check dropped", "bound moved", "offset moved", "swapped", "deleted"])
		expect(whats).toContain(what);
});

it("reduces to what is still needed", () => {
	const small = reduceInsns(insns, (smaller) => smaller.some(({ opcode }) => opcode === 0x57));
	const left = small.filter((insn) => !isNothing(insn));
	// lddw, the &=, and the exit
	expect(left.map(({ opcode }) => opcode)).toEqual([0x18, 0, 0x57, 0x95]);
});
