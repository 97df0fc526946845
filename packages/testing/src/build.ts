import {
	assemble,
	CALL,
	type FunctionInfo,
	HELPER_IDS_6_18,
	type Insn,
	LDDW,
	type LinkedMap,
	type LinkedObject,
	type LinkedProgram,
	linkedMap,
	MAP_TYPE,
	PROG_TYPE,
} from "@tailhop/core";
import { kfuncId } from "./kfuncs.ts";
import type { MapCase, ObjectCase } from "./types.ts";

const LDDW_OPCODE = 0x18;
const CALL_OPCODE = 0x85;

const TYPES = {
	xdp: PROG_TYPE.XDP,
	tc: PROG_TYPE.SCHED_CLS,
	tc_act: PROG_TYPE.SCHED_ACT,
	socket: PROG_TYPE.SOCKET_FILTER,
	cgroup_skb: PROG_TYPE.CGROUP_SKB,
} as const;

/** A LinkedObject from a few lines, as `link` would make it of an object file without BTF. */
export function buildObject(object: ObjectCase, file = "case"): LinkedObject {
	const maps = (object.maps ?? []).map(buildMap);
	const names = maps.map((map) => map.name);
	const slots = Object.entries(object.slots ?? {}).flatMap(([map, programs]) => {
		const index = names.indexOf(map);
		if (index < 0) throw new Error(`no map ${map} for its slots`);
		return Object.entries(programs).map(([slot, target]) => ({
			map: index,
			slot: Number(slot),
			target,
			from: "values" as const,
		}));
	});
	const targets = new Set(slots.map((slot) => slot.target));
	return {
		file,
		license: object.license ?? "GPL",
		kernelVersion: 0,
		maps,
		programs: Object.entries(object.programs).map(([name, code], index) => ({
			...buildProgram(object, name, code, names),
			entry: index === 0 || !targets.has(name),
		})),
		slots,
		target: { cpus: 1, helperIds: HELPER_IDS_6_18 },
	};
}

function buildMap(map: MapCase): LinkedMap {
	const type = typeof map.type === "number" ? map.type : mapType(map.type);
	return linkedMap({
		name: map.name,
		type,
		keySize: map.keySize ?? 4,
		valueSize: map.valueSize ?? (type === MAP_TYPE.PROG_ARRAY ? 4 : 8),
		maxEntries: map.maxEntries ?? 1,
		flags: map.flags ?? 0,
		...(map.inner === undefined ? {} : { inner: buildMap({ name: `${map.name}.inner`, ...map.inner }) }),
	});
}

function mapType(name: string): number {
	const found = Object.entries(MAP_TYPE).find(([each]) => each === name.toUpperCase());
	if (found === undefined) throw new Error(`no map type ${name}`);
	return found[1];
}

function buildProgram(
	object: ObjectCase,
	name: string,
	code: string | readonly Insn[],
	maps: readonly string[],
): Omit<LinkedProgram, "entry"> {
	const file = `${name}.asm`;
	const ids = new Map<number, string>();
	const assembled = typeof code === "string" ? assemble(withKfuncIds(code, ids), { maps, file }) : undefined;
	const insns = assembled?.insns ?? (code as readonly Insn[]);
	const text = typeof code === "string" ? code.split("\n") : [];
	const { type = "xdp" } = object;
	return {
		name,
		section: name,
		type: typeof type === "number" ? type : TYPES[type],
		expectedAttachType: object.expectedAttachType ?? 0,
		flags: object.flags ?? 0,
		insns,
		functions: findFunctions(name, insns, assembled?.labels ?? new Map()),
		lines: (assembled?.lines ?? []).map(({ insn, line, column }) => ({
			insn,
			file,
			line,
			column,
			text: text[line - 1]?.trim() ?? "",
		})),
		helpers: [...new Set(callsOf(insns, CALL.HELPER).map(({ imm }) => imm))].sort((a, b) => a - b),
		kfuncs: callsOf(insns, CALL.KFUNC).map(({ insn, imm }) => ({
			insn,
			name: ids.get(imm) ?? `kfunc${imm}`,
		})),
	};
}

/** `call kfunc NAME` with the id that the kernel knows it by. */
function withKfuncIds(code: string, ids: Map<number, string>): string {
	return code.replace(/\bcall kfunc ([A-Za-z_]\w*)/g, (_, name: string) => {
		const id = kfuncId(name);
		ids.set(id, name);
		return `call kfunc ${id}`;
	});
}

function callsOf(insns: readonly Insn[], kind: number): { insn: number; imm: number }[] {
	return insns.flatMap(({ opcode, src, imm }, insn) =>
		opcode === CALL_OPCODE && src === kind ? [{ insn, imm }] : [],
	);
}

/** Functions start where local calls and function pointers go. */
function findFunctions(
	name: string,
	insns: readonly Insn[],
	labels: ReadonlyMap<string, number>,
): FunctionInfo[] {
	const starts = new Set([0]);
	insns.forEach(({ opcode, src, imm }, index) => {
		const called = opcode === CALL_OPCODE && src === CALL.LOCAL;
		const pointed = opcode === LDDW_OPCODE && src === LDDW.FUNC;
		if (called || pointed) starts.add(index + 1 + imm);
	});
	const sorted = [...starts].filter((start) => start >= 0 && start < insns.length).sort((a, b) => a - b);
	const names = new Map([...labels].map(([label, start]) => [start, label]));
	return sorted.map((start, index) => ({
		name: start === 0 ? name : (names.get(start) ?? `sub_${start}`),
		start,
		end: sorted[index + 1] ?? insns.length,
		linkage: start === 0 ? "global" : "static",
		typeId: 0,
	}));
}
