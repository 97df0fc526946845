import fc from "fast-check";
import { expect, test } from "vitest";
import { assemble } from "../asm/index.ts";
import { TailhopError } from "../errors/index.ts";
import { HELPER_IDS_6_18, MAP_TYPE, PROG_TYPE } from "../isa/index.ts";
import { type Hop, Machine } from "../machine/index.ts";
import { type LinkedObject, linkedMap } from "../spec/index.ts";
import { analyze } from "./dataflow.ts";

const MAP = linkedMap({ name: "jumps", type: MAP_TYPE.PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 4 });

function object(text: string): LinkedObject {
	const { insns } = assemble(text, { maps: ["jumps"] });
	return {
		file: "random",
		license: "GPL",
		kernelVersion: 0,
		maps: [MAP],
		programs: [
			{
				name: "main",
				section: "xdp",
				type: PROG_TYPE.XDP,
				expectedAttachType: 37,
				flags: 0,
				insns,
				functions: [{ name: "main", start: 0, end: insns.length, linkage: "global", typeId: 0 }],
				lines: [],
				entry: true,
				helpers: [12],
				kfuncs: [],
			},
		],
		slots: [],
		target: { cpus: 1, helperIds: HELPER_IDS_6_18 },
	};
}

const pick = <T>(...values: T[]) => fc.constantFrom(...values);
/** Registers that hold numbers; r9 always points into the frame, r6 is the context. */
const scalar = pick("0", "3", "7", "8");
const slot = pick(8, 16, 24, 32);
const bits = pick(8, 16, 32, 64);

/** One line or a few; `$` is replaced by the number of a label some lines below. */
const line = fc.oneof(
	fc.tuple(pick("r", "w"), scalar, fc.integer({ min: -2, max: 5 })).map(([w, a, k]) => `${w}${a} = ${k}`),
	fc
		.tuple(pick("r", "w"), scalar, pick("+", "-", "*", "&", "|", "^", "<<", ">>", "s>>", "/", "%"), scalar)
		.map(([w, a, op, b]) => `${w}${a} ${op}= ${w}${b}`),
	fc.tuple(scalar, scalar).map(([a, b]) => `r${a} = r${b}`),
	fc.tuple(bits, slot, scalar).map(([n, at, a]) => `*(u${n} *)(r10 - ${at}) = r${a}`),
	fc.tuple(bits, slot, scalar).map(([n, at, a]) => `r${a} = *(u${n} *)(r10 - ${at})`),
	fc.tuple(bits, pick("+ 0", "+ 4", "- 8"), scalar).map(([n, at, a]) => `*(u${n} *)(r9 ${at}) = r${a}`),
	slot.map((at) => `r9 = r10\nr9 += -${at}`),
	scalar.map((a) => `r${a} = *(u32 *)(r6 + 12)`),
	// a store at a place that only the run knows
	scalar.map((a) => `r${a} &= 3\nr${a} <<= 3\nr1 = r10\nr1 += -32\nr1 += r${a}\n*(u64 *)(r1 + 0) = 5`),
	fc
		.tuple(
			pick("r", "w"),
			scalar,
			pick("==", "!=", ">", "s>", "<", "s<", "&"),
			fc.oneof(
				scalar.map((b) => `$${b}`),
				pick("0", "1", "-1"),
			),
		)
		.map(([w, a, op, b]) => `if ${w}${a} ${op} ${b.replace("$", w)} goto l$`),
	scalar.map((a) => `r1 = r6\nr2 = jumps ll\nr3 = r${a}\ncall 12\nr0 = 1\nr3 = 2`),
);

const program = fc.array(fc.tuple(line, fc.integer({ min: 1, max: 8 })), { maxLength: 40 }).map((lines) => {
	const text = ["r6 = r1", "r0 = 1", "r3 = 2", "r7 = 3", "r8 = 0", "r9 = r10", "r9 += -16"];
	for (const at of [8, 16, 24, 32]) text.push(`*(u64 *)(r10 - ${at}) = r3`);
	for (const [i, [one, down]] of lines.entries())
		text.push(`l${i}: ${one.replace("l$", `l${Math.min(i + down, lines.length)}`)}`);
	return [...text, `l${lines.length}: r1 = r6`, "r2 = jumps ll", "r3 = r7", "call 12", "r0 = 0", "exit"].join(
		"\n",
	);
});

test("what the dataflow knows of a tail call is what happens there", async () => {
	let proven = 0;
	await fc.assert(
		fc.asyncProperty(program, fc.nat({ max: 3 }), async (text, ifindex) => {
			const linked = object(text);
			const { tailCalls } = analyze(linked.programs[0]!, linked.maps);
			const machine = await Machine.create(linked);
			let hops: readonly Hop[];
			try {
				({ hops } = machine.run("main", {
					packet: new Uint8Array(64),
					context: { ingress_ifindex: ifindex },
				}));
			} catch (error) {
				// stores outside the frame are faults, and prove nothing
				if (error instanceof TailhopError && error.code.startsWith("fault/")) return;
				throw error;
			} finally {
				machine.close();
			}
			for (const { from, slot } of hops) {
				const fact = tailCalls.get(from.insn);
				expect(fact, "a call that was said to be unreachable").toBeDefined();
				if (fact!.slot === undefined) continue;
				proven++;
				expect(slot).toBe(fact!.slot);
			}
		}),
		{ numRuns: 150 },
	);
	expect(proven).toBeGreaterThan(100);
});
