/**
 * Kernel functions: flags from the kernel's sets of BTF ids in memory, prototypes from its BTF, and which program types
 * may call which.
 */
import { type BtfType, helpersAllowed, type Insn } from "@tailhop/core";
import { type KfuncType, SCALAR_STRUCTS } from "../../packages/core/src/verifier/data/kfunc-parse.ts";
import {
	DEVICE_BOUND_KFUNCS,
	kfuncAllowed,
	kfuncUnderLock,
	VERIFIER_KFUNCS,
} from "../../packages/core/src/verifier/data/kfuncs.ts";
import { specialFieldRefusal } from "../../packages/core/src/verifier/data/map-rules.ts";
import { add, call, EXIT, insn, lddw, move } from "../probe-insns.ts";
import { BPF_PSEUDO_MAP_IDX_VALUE, specialValue } from "./maps.ts";
import type { Prober, Way } from "./prober.ts";

/** The first words of a struct btf_id_set8 of kernel functions: how many, and BTF_SET8_KFUNCS. */
const HEADER = 8;
const SET8_KFUNCS = 1;
const MOST = 400;
const PSEUDO_KFUNC_CALL = 2;
const [SPIN_LOCK, SPIN_UNLOCK] = [93, 94];
/** Not in the kernel that was read. */
const ABSENT = [
	"bpf_skb_set_fou_encap",
	"bpf_skb_get_fou_encap",
	"bpf_skb_get_xfrm_info",
	"bpf_skb_set_xfrm_info",
];

/** Flags by name, of every set in the kernel's memory. */
function kernelFlags(prober: Prober): ReadonlyMap<string, number> {
	const { bytes } = prober.readOnlyData();
	const view = new DataView(bytes.buffer);
	const found = new Map<string, number>();
	for (let at = 0; at + HEADER < bytes.length; at += 4) {
		const count = view.getUint32(at, true);
		if (count === 0 || count > MOST || view.getUint32(at + 4, true) !== SET8_KFUNCS) continue;
		const pairs = Array.from({ length: count }, (_, i) => {
			const pair = at + HEADER + 8 * i;
			return pair + 8 > bytes.length
				? undefined
				: { id: view.getUint32(pair, true), flags: view.getUint32(pair + 4, true) };
		});
		const names = pairs.map((pair) => functionName(prober.btf.types[pair?.id ?? 0]));
		// a function that this kernel lacks has the id 0
		if (pairs.some((pair, i) => pair === undefined || (pair.id !== 0 && names[i] === undefined))) continue;
		for (const [i, name] of names.entries()) if (name !== undefined) found.set(name, pairs[i]!.flags);
	}
	return found;
}

const functionName = (type: BtfType | undefined): string | undefined =>
	type?.kind === "func" ? type.name : undefined;

/** A BTF type in the words of our rows. */
function typeOf(prober: Prober, id: number): KfuncType {
	const same: Readonly<Record<string, string>> = {
		"long unsigned int": "unsigned long",
		"long int": "long",
		__u32: "u32",
		"unsigned int": "u32",
		size_t: "u64",
	};
	let pointer = false;
	let constant = false;
	for (let at = id; ; ) {
		const type = prober.btf.types[at]!;
		if (type.kind === "ptr") pointer = true;
		if (type.kind === "const") constant = true;
		if (
			type.kind === "ptr" ||
			type.kind === "const" ||
			type.kind === "volatile" ||
			type.kind === "type_tag"
		) {
			at = type.type;
			continue;
		}
		const base = { name: "", pointer, const: constant };
		if (type.kind === "void") return { ...base, kind: "void" };
		if (type.kind === "func_proto") return { ...base, kind: "callback" };
		if (type.kind === "typedef" && type.name.endsWith("_callback_t"))
			return { ...base, kind: "callback", pointer: true };
		const name = "name" in type ? type.name : "";
		const kind =
			type.kind === "fwd"
				? "struct"
				: type.kind === "struct" || type.kind === "union" || type.kind === "enum"
					? type.kind
					: "scalar";
		return { ...base, kind, name: same[name] ?? name };
	}
}

const show = ({ kind, name, pointer, const: constant }: KfuncType) =>
	`${constant ? "const " : ""}${kind} ${name}${pointer ? "*" : ""}`;

/** Which may be called with a lock held, and which helpers. */
function checkLocked(prober: Prober): void {
	const map = specialValue(prober, "bpf_spin_lock");
	const zeros = [1, 2, 3, 4, 5].map((register) => move(register, 0));
	const refused = (way: Way, called: Insn) => {
		const lock = [...lddw(1, BPF_PSEUDO_MAP_IDX_VALUE, 0), add(1, 8), call(SPIN_LOCK)];
		const { log } = prober.ask(way, [...lock, ...zeros, called, move(0, 0), EXIT], { maps: [map] });
		return log.includes("function calls are not allowed while holding a lock");
	};
	const ways = prober.ways().filter(({ type }) => specialFieldRefusal("bpf_spin_lock", type) === undefined);
	for (const kfunc of VERIFIER_KFUNCS.values()) {
		const way = ways.find(({ type, attachType }) => kfuncAllowed(kfunc, type, attachType));
		if (ABSENT.includes(kfunc.name) || DEVICE_BOUND_KFUNCS.has(kfunc.name) || way === undefined) continue;
		const called = insn(0x85, 0, PSEUDO_KFUNC_CALL, 0, prober.btfId("func", kfunc.name));
		prober.compare(`${kfunc.name} under a lock`, kfuncUnderLock(kfunc), !refused(way, called));
	}
	for (const way of ways)
		for (const id of helpersAllowed(way.type, way.attachType) ?? [])
			prober.compare(`${way.name} ${id} under a lock`, id === SPIN_UNLOCK, !refused(way, call(id)));
	map.close();
}

export function checkKfuncs(prober: Prober): void {
	checkLocked(prober);
	const flags = kernelFlags(prober);
	const ways = prober.ways();
	for (const kfunc of VERIFIER_KFUNCS.values()) {
		const { name } = kfunc;
		if (ABSENT.includes(name)) continue;
		prober.compare(`${name}: flags`, kfunc.flags, flags.get(name));
		const id = prober.btfId("func", name);
		const func = prober.btf.types[id];
		const proto = func?.kind === "func" ? prober.btf.types[func.type] : undefined;
		if (proto?.kind !== "func_proto") throw new Error(`${name} has no prototype`);
		const ours = [`${show(kfunc.ret)} ${name}`, ...kfunc.args.map((arg) => `${show(arg.type)} ${arg.name}`)];
		const theirs = proto.params.map((param) => `${show(typeOf(prober, param.type))} ${param.name}`);
		prober.compare(name, ours, [`${show(typeOf(prober, proto.type))} ${name}`, ...theirs]);
		for (const way of ways) {
			const { log } = prober.ask(way, [insn(0x85, 0, PSEUDO_KFUNC_CALL, 0, id), move(0, 1), EXIT]);
			if (DEVICE_BOUND_KFUNCS.has(name))
				prober.compare(
					`${way.name} ${name}`,
					true,
					log.includes("metadata kfuncs require device-bound program"),
				);
			else
				prober.compare(
					`${way.name} ${name}`,
					kfuncAllowed(kfunc, way.type, way.attachType),
					!log.includes(`calling kernel function ${name} is not allowed`),
				);
		}
	}
	const structs = [...VERIFIER_KFUNCS.values()].flatMap(({ args }) =>
		args.filter(({ kind }) => kind === "struct" || kind === "mem_size"),
	);
	for (const name of new Set(structs.map(({ type }) => type.name))) {
		const type = prober.btf.types.find(
			(each) => (each.kind === "struct" || each.kind === "union") && each.name === name,
		);
		if (name === "" || type === undefined) continue;
		prober.compare(`${name} holds only scalars`, SCALAR_STRUCTS.has(name), scalarsOnly(prober, type, 0));
	}
}

/** __btf_type_is_scalar_struct: scalars, arrays of them, and such structures, four deep. */
function scalarsOnly(prober: Prober, type: BtfType, depth: number): boolean {
	if ((type.kind !== "struct" && type.kind !== "union") || depth >= 4) return false;
	return type.members.every((member) => {
		let of = resolved(prober, member.type);
		if (of.kind === "struct" || of.kind === "union") return scalarsOnly(prober, of, depth + 1);
		if (of.kind === "array") of = resolved(prober, of.type);
		return of.kind === "int" || of.kind === "enum" || of.kind === "enum64";
	});
}

function resolved(prober: Prober, id: number): BtfType {
	const type = prober.btf.types[id]!;
	const modifies =
		type.kind === "typedef" || type.kind === "const" || type.kind === "volatile" || type.kind === "type_tag";
	return modifies ? resolved(prober, type.type) : type;
}
