import {
	CALL,
	type Insn,
	LDDW,
	type LinkedMap,
	type LinkedObject,
	type LinkedProgram,
	linkedMap,
} from "@tailhop/core";

/**
 * BPF_PROG_TEST_RUN shows 32 bits of r0. So that the harness can compare all 64, every exit of a program's main
 * function becomes a jump to an epilogue that stores r0 in a map. After tail calls the last exit wins, which is
 * the one whose r0 the caller sees.
 */
export const R0_MAP = "tailhop_r0";

const EXIT = 0x95;
/** lddw r1 = value of the map, *(u64 *)(r1 + 0) = r0, exit. */
const epilogue = (map: number): readonly Insn[] => [
	{ opcode: 0x18, dst: 1, src: LDDW.MAP_IDX_VALUE, off: 0, imm: map },
	{ opcode: 0, dst: 0, src: 0, off: 0, imm: 0 },
	{ opcode: 0x7b, dst: 1, src: 0, off: 0, imm: 0 },
	{ opcode: EXIT, dst: 0, src: 0, off: 0, imm: 0 },
];

export function withWholeR0(linked: LinkedObject): LinkedObject {
	const index = linked.maps.length;
	return {
		...linked,
		maps: [...linked.maps, r0Map()],
		programs: linked.programs.map((program) => storeR0(program, index)),
	};
}

function r0Map(): LinkedMap {
	return linkedMap({ name: R0_MAP, type: 2, keySize: 4, valueSize: 8, maxEntries: 1 });
}

function storeR0(program: LinkedProgram, map: number): LinkedProgram {
	const end = program.functions[0]?.end ?? program.insns.length;
	const added = epilogue(map);
	const insns = [...program.insns];
	let exits = 0;
	for (let at = 0; at < end; at++) {
		const insn = insns[at]!;
		const { opcode, src, imm } = insn;
		if (opcode === EXIT) {
			// a jump over 32 bits (gotol): main functions may be longer than 16 bits reach
			insns[at] = { opcode: 0x06, dst: 0, src: 0, off: 0, imm: end - at - 1 };
			exits++;
		} else if ((opcode === 0x85 && src === CALL.LOCAL) || (opcode === 0x18 && src === LDDW.FUNC)) {
			if (at + 1 + imm >= end) insns[at] = { ...insn, imm: imm + added.length };
		}
		// the second slot of a lddw is no instruction
		if (opcode === 0x18) at++;
	}
	// without an exit the epilogue would be unreachable, which the verifier refuses
	if (exits === 0) return program;
	insns.splice(end, 0, ...added);
	return {
		...program,
		insns,
		functions: program.functions.map((each, index) =>
			index === 0
				? { ...each, end: end + added.length }
				: { ...each, start: each.start + added.length, end: each.end + added.length },
		),
		lines: program.lines.map((each) =>
			each.insn < end ? each : { ...each, insn: each.insn + added.length },
		),
	};
}
