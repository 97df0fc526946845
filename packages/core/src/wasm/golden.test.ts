import { buildObject, wat } from "@tailhop/testing";
import { expect, test } from "vitest";
import { analyze } from "../flow/index.ts";
import { PROTOTYPES } from "../helpers/index.ts";
import { compile } from "./index.ts";

/**
 * What small programs become, as text that a change of the compiler shows in its diff. `npm run golden` writes the
 * files anew. wabt validates each module before it prints it.
 */
const GOLDEN: Readonly<Record<string, Parameters<typeof buildObject>[0]>> = {
	"straight-line": {
		programs: {
			main: "r0 = *(u32 *)(r1 + 8); r0 += 7; w0 *= 3; *(u64 *)(r10 - 8) = r0; r0 = *(u16 *)(r10 - 6); exit",
		},
	},
	triangle: {
		programs: {
			main: "r0 = 1; r2 = *(u32 *)(r1 + 0); if r2 > 9 goto l; r3 = r2; r3 *= r3; r0 = r3; r0 += r2; l: exit",
		},
	},
	select: { programs: { main: "r0 = 1; r2 = *(u32 *)(r1 + 0); if r2 > 9 goto l; r0 = 5; l: exit" } },
	loop: {
		programs: {
			main: "r0 = 0; r2 = *(u32 *)(r1 + 0); l: if r2 == 0 goto out; r0 += r2; r0 ^= 3; r2 -= 1; goto l; out: exit",
		},
	},
	checksum: {
		programs: {
			main: "r2 = *(u32 *)(r1 + 0); w0 = 0; r3 = 0; l: r4 = r2; r4 += r3; r4 = *(u16 *)(r4 + 0); w0 += w4; r3 += 2; if r3 != 512 goto l; exit",
		},
	},
	irreducible: {
		programs: {
			main: "r0 = 0; r2 = *(u32 *)(r1 + 0); if r2 > 9 goto b; a: r0 += 1; if r0 > 100 goto out; b: r0 += 2; if r0 < 50 goto a; out: exit",
		},
	},
	subprogram: {
		programs: {
			main: "r2 = *(u32 *)(r1 + 0); r1 = r2; call f; r0 += 1; exit; f: *(u64 *)(r10 - 8) = r1; r0 = *(u64 *)(r10 - 8); exit",
		},
	},
	"static-tail-call": {
		maps: [{ name: "jumps", type: "prog_array", maxEntries: 4 }],
		programs: { main: "r2 = jumps ll; r3 = 1; call 12; r0 = 0; exit", target: "r0 = 7; exit" },
		slots: { jumps: { 1: "target" } },
	},
	"dynamic-tail-call": {
		maps: [{ name: "jumps", type: "prog_array", maxEntries: 4 }],
		programs: {
			main: "r3 = *(u32 *)(r1 + 16); r2 = jumps ll; call 12; r0 = 0; exit",
			target: "r0 = 7; exit",
		},
		slots: { jumps: { 1: "target" } },
	},
	"array-lookup": {
		maps: [{ name: "counts", type: "array", keySize: 4, valueSize: 8, maxEntries: 16 }],
		programs: { main: lookup("counts") },
	},
	"hash-lookup": {
		maps: [{ name: "counts", type: "hash", keySize: 4, valueSize: 8, maxEntries: 16 }],
		programs: { main: lookup("counts") },
	},
};

function lookup(map: string): string {
	return `*(u32 *)(r10 - 4) = 5; r2 = r10; r2 += -4; r1 = ${map} ll; call 1; if r0 == 0 goto out; r1 = *(u64 *)(r0 + 0); r1 += 1; *(u64 *)(r0 + 0) = r1; out: r0 = 0; exit`;
}

const ARRAY = 2;
const MAPS = 0x1000;
const VALUES = 0x8_0000;

/** The module of an object whose maps lie at fixed addresses. */
function moduleOf(object: Parameters<typeof buildObject>[0], checked: boolean): Uint8Array {
	const linked = buildObject(object);
	const maps = linked.maps.map((def, i) => ({
		def,
		address: MAPS + 0x100 * i,
		values: def.type === ARRAY ? VALUES : 0,
		guarded: false,
	}));
	const units = linked.programs.map((program, i) => ({
		program,
		facts: analyze(program, linked.maps),
		index: i + 1,
		verified: false,
		maps,
	}));
	const { bytes, memoryFlagAt } = compile(
		units,
		{
			regionChecks: checked,
			fuel: checked,
			fuelForVerified: false,
			passes: true,
			stackBase: 0,
			name: "",
			trace: false,
			emptySlotCounts: false,
			dataBase: 0x4_0000,
			cpu: 0,
			mayGoto: 100,
			contextWord: 0x40,
			contextAccess: { store: () => false, load: () => 0, ones: () => false },
			prototype: (id) => PROTOTYPES.get(id),
			kfunc: () => undefined,
			isOwn: () => true,
		},
		(_, slot) =>
			units.findIndex(({ program }) =>
				linked.slots.some((s) => s.slot === slot && s.target === program.name),
			) + 1,
		() => 0,
	);
	const module = bytes.slice();
	module[memoryFlagAt] = 1;
	return module;
}

test.each(Object.keys(GOLDEN))("%s", async (name) => {
	await expect(await wat(moduleOf(GOLDEN[name]!, false))).toMatchFileSnapshot(`golden/${name}.wat`);
});

test.each(["loop", "triangle"])("%s, with region checks and fuel", async (name) => {
	await expect(await wat(moduleOf(GOLDEN[name]!, true))).toMatchFileSnapshot(`golden/${name}.checked.wat`);
});
