/** Program types: how they are loaded and by whom, what they return, what they may do with packets and sockmaps. */
import { helpersAllowed, type Insn } from "@tailhop/core";
import type { Capability } from "@tailhop/kernel";
import { lastLine } from "@tailhop/kernel";
import {
	exitRange,
	LOAD_FLAGS,
	mayBeSleepable,
	needsPerfmon,
	PROGRAM_TYPES,
} from "../../packages/core/src/verifier/data/program-types.ts";
import { add, call, copy, EXIT, insn, lddw, move } from "../probe-insns.ts";
import type { Prober, Way } from "./prober.ts";

const EPERM = 1;
const SLEEPABLE = 1 << 4;
/** One more than the last expected attach type, and a few that don't exist. */
const ATTACH_TYPES = Array.from({ length: 62 }, (_, i) => i);
const STRUCT_OPS = 27;
const PRANDOM = 7;
const RETURNS_ONE = [move(0, 1), EXIT];

/** Where contexts have a packet and its end, and the load that takes them. */
const PACKETS: Readonly<Record<number, readonly [data: number, end: number, load: number]>> = {
	...Object.fromEntries([3, 4, 8, 10, 11, 12, 14, 19, 22].map((type) => [type, [76, 80, 0x61]])),
	6: [0, 4, 0x61],
	13: [192, 200, 0x79],
	16: [0, 8, 0x79],
	21: [0, 8, 0x79],
	25: [8, 16, 0x79],
};
/** Where contexts have a socket. */
const SOCKETS: Readonly<Record<number, number>> = {
	1: 168,
	3: 168,
	4: 168,
	8: 168,
	13: 184,
	14: 168,
	16: 72,
	18: 64,
	21: 40,
	25: 0,
	30: 0,
};

function checkLoading(prober: Prober, way: Way): void {
	const rules = PROGRAM_TYPES[way.type]!;
	const name = way.name;
	for (const attachType of ATTACH_TYPES) {
		// a structure's member; tracing's others are of other targets, or refused here by the machine
		if (way.type === STRUCT_OPS || (rules.target && attachType !== way.attachType)) continue;
		const here = { ...way, attachType };
		const { ok } = prober.ask(here, RETURNS_ONE);
		prober.compare(
			`${name} takes attach type ${attachType}`,
			rules.attachTypes?.includes(attachType) ?? true,
			ok,
		);
		if (!ok) continue;
		const { log } = prober.ask(here, [call(PRANDOM), EXIT]);
		const [, min, max] = /should have been in \[(-?\d+), (-?\d+)\]/.exec(log) ?? [];
		const range = min === undefined ? undefined : { min: Number(min), max: Number(max) };
		const ours = exitRange(way.type, attachType);
		prober.compare(`${name} ${attachType} returns`, ours && { min: ours.min, max: ours.max }, range);
		const sleeps = prober.ask({ ...here, flags: SLEEPABLE }, RETURNS_ONE).ok;
		prober.compare(`${name} ${attachType} may sleep`, mayBeSleepable(way.type, attachType), sleeps);
	}
	prober.compare(
		`${name} must sleep`,
		rules.sleepable === "must",
		!prober.ask({ ...way, flags: 0 }, RETURNS_ONE).ok,
	);
	for (let bit = 0; bit < 20; bit++) {
		if (1 << bit === SLEEPABLE) continue;
		const { ok } = prober.ask({ ...way, flags: (way.flags ?? 0) | (1 << bit) }, RETURNS_ONE);
		prober.compare(`${name} flag ${bit}`, (LOAD_FLAGS & (1 << bit)) !== 0, ok);
	}
}

function checkCapabilities(prober: Prober, way: Way): void {
	const rules = PROGRAM_TYPES[way.type]!;
	const refused = (...capabilities: Capability[]) =>
		prober.kernel.capabilities.only(capabilities, () => prober.ask(way, RETURNS_ONE)).errno === EPERM;
	const { capability } = rules;
	prober.compare(`${way.name} needs more than CAP_BPF`, capability.length > 7, refused("CAP_BPF"));
	prober.compare(
		`${way.name} CAP_NET_ADMIN`,
		capability === "CAP_PERFMON",
		refused("CAP_BPF", "CAP_NET_ADMIN"),
	);
	prober.compare(
		`${way.name} CAP_PERFMON`,
		capability === "CAP_NET_ADMIN",
		refused("CAP_BPF", "CAP_PERFMON"),
	);
	if (capability === "CAP_PERFMON") return;
	for (const id of helpersAllowed(way.type, way.attachType) ?? []) {
		const ask = () =>
			prober.ask(way, [...[1, 2, 3, 4, 5].map((register) => move(register, 0)), call(id), EXIT]);
		const { log } = prober.kernel.capabilities.only(["CAP_BPF", "CAP_NET_ADMIN"], ask);
		const refuses = /cannot use helper|unknown func/.test(log);
		prober.compare(`${way.name} ${id} without CAP_PERFMON`, needsPerfmon(id, way.type), refuses);
	}
}

function checkPacket(prober: Prober, way: Way): void {
	const rules = PROGRAM_TYPES[way.type]!;
	const ldAbs = prober.ask(way, [copy(6, 1), insn(0x20), ...RETURNS_ONE]);
	prober.compare(`${way.name} LD_ABS`, rules.ldAbs ?? false, ldAbs.ok);
	const fields = PACKETS[way.type];
	if (fields === undefined) {
		prober.compare(`${way.name} packet`, undefined, rules.packet);
		return;
	}
	const [data, end, load] = fields;
	const map = prober.kernel.createMap({ type: 1, keySize: 4, valueSize: 4, maxEntries: 1 });
	/** With 8 bytes of packet in r7. */
	const accepts = (...insns: Insn[]) => {
		const check = [copy(2, 7), add(2, 8), insn(0x2d, 2, 8, insns.length)];
		const start = [insn(load, 7, 1, data), insn(load, 8, 1, end), ...check];
		return prober.ask(way, [...start, ...insns, ...RETURNS_ONE], { maps: [map] }).ok;
	};
	const read = accepts(insn(0x71, 0, 7));
	const write = accepts(insn(0x72, 7));
	const key = accepts(...lddw(1, 5, 0), copy(2, 7), call(1));
	const getCurrentComm = accepts(copy(1, 7), move(2, 8), call(16));
	map.close();
	const kernel = getCurrentComm ? "any" : write && key ? "rw" : key ? "r" : undefined;
	prober.compare(`${way.name} packet`, rules.packet, kernel);
	prober.compare(`${way.name} reads its packet`, true, read);
}

/** Sockmaps: an update takes a socket, which the context must have. */
function checkSockmap(prober: Prober, way: Way): void {
	// sleepable programs may not use them
	if (way.type === 31) return;
	const map = prober.kernel.createMap({ type: 15, keySize: 4, valueSize: 4, maxEntries: 1 });
	const says = (insns: readonly Insn[]) => lastLine(prober.ask(way, insns, { maps: [map] }).log) ?? "";
	const key = [insn(0x7a, 10, 0, -8), ...lddw(1, 5, 0), copy(2, 10), add(2, -8), move(4, 0)];
	const deletes = !says([...key, call(3), ...RETURNS_ONE]).startsWith("cannot pass map_type 15");
	// an iterator over sockets may; over tasks it may as well
	const ours = way.name === "iter/task" ? "update" : PROGRAM_TYPES[way.type]!.sockmap;
	prober.compare(`${way.name} deletes of a sockmap`, ours !== undefined, deletes);
	const socket = SOCKETS[way.type];
	if (socket !== undefined) {
		const insns = [
			insn(0x79, 3, 1, socket),
			insn(0x15, 3, 0, key.length + 1),
			...key,
			call(2),
			...RETURNS_ONE,
		];
		prober.compare(`${way.name} updates a sockmap`, ours === "update", says(insns) === "");
	}
	map.close();
}

export function checkProgramTypes(prober: Prober): void {
	for (const way of prober.ways()) {
		checkLoading(prober, way);
		checkCapabilities(prober, way);
		checkPacket(prober, way);
		checkSockmap(prober, way);
	}
}
