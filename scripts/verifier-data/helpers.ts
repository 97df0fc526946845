/**
 * Helper prototypes: ours against every struct bpf_func_proto in the kernel's memory, and which program type gets which
 * where there are several; the facts that stand outside of them.
 */
import { type Btf, helperId, helpersAllowed, type Insn } from "@tailhop/core";
import { lastLine } from "@tailhop/kernel";
import { PTR_CASTS } from "../../packages/core/src/verifier/data/func-facts.ts";
import {
	FUNC_PROTO_VARIANTS,
	FUNC_PROTOS,
	funcProto,
} from "../../packages/core/src/verifier/data/func-protos.ts";
import {
	ARG,
	baseType,
	DYNPTR_TYPE,
	type FuncProto,
	RET,
} from "../../packages/core/src/verifier/data/types.ts";
import { add, call, copy, EXIT, insn, move } from "../probe-insns.ts";
import { kernelSymbols, type Prober, type Way } from "./prober.ts";

const PROTO_SIZE = 96;
/** Offsets in struct bpf_func_proto: four bools, the return type, five argument types, five sizes or BTF ids. */
const AT = { func: 0, bools: 8, ret: 12, args: 16, details: 40, retBtf: 80 } as const;

/** Functions that are named otherwise than the helper. */
const NAMED: Readonly<Record<number, readonly string[]>> = {
	4: ["bpf_probe_read_compat"],
	7: ["bpf_user_rnd_u32"],
	8: ["bpf_get_smp_processor_id", "bpf_get_raw_cpu_id"],
	45: ["bpf_probe_read_compat_str"],
	46: ["bpf_get_socket_cookie", "bpf_get_socket_ptr_cookie"],
	73: ["bpf_lwt_in_push_encap", "bpf_lwt_xmit_push_encap"],
	111: ["bpf_skb_event_output"],
	121: ["bpf_xdp_event_output"],
	124: ["bpf_sk_assign", "bpf_sk_lookup_assign"],
};
/** Those that this kernel was built without: nothing can be said of them. tail_call's has no function. */
const ABSENT = [12, 36, 58, 77, 78, 92];

interface Typed {
	readonly type: number;
	readonly size?: number;
	readonly btf?: string | undefined;
}
type Described = Pick<FuncProto, "gplOnly" | "pktAccess" | "mightSleep" | "allowFastcall"> & {
	readonly args: readonly Typed[];
	readonly ret: Typed;
};

/** A prototype as text, in an order of its own. */
function describe(proto: Described): string {
	const flags = [
		proto.gplOnly && "gpl",
		proto.pktAccess && "pkt",
		proto.mightSleep && "sleep",
		proto.allowFastcall && "fastcall",
	];
	const one = ({ type, size, btf }: Typed) =>
		`${type.toString(16)}${size === undefined ? "" : `:${size}`}${btf === undefined ? "" : `:${btf}`}`;
	return `${proto.args.map(one)} -> ${one(proto.ret)} ${flags.filter(Boolean)}`;
}

/** Every struct bpf_func_proto in memory, by the name of its function. */
function kernelProtos(prober: Prober): ReadonlyMap<string, readonly string[]> {
	const { address, bytes } = prober.readOnlyData();
	const view = new DataView(bytes.buffer);
	const { functions } = kernelSymbols();
	const found = new Map<string, string[]>();
	for (let at = 0; at + PROTO_SIZE <= bytes.length; at += 8) {
		const name = functions.get(view.getBigUint64(at + AT.func, true));
		if (name === undefined) continue;
		const u32s = (offset: number, count: number) =>
			Array.from({ length: count }, (_, i) => view.getUint32(at + offset + 4 * i, true));
		const bools = [...bytes.subarray(at + AT.bools, at + AT.bools + 4)];
		const [ret = 0] = u32s(AT.ret, 1);
		const args = u32s(AT.args, 5);
		const plausible =
			bools.every((bool) => bool <= 1) &&
			baseType(ret) <= RET.PTR_TO_BTF_ID &&
			args.every((arg) => baseType(arg) <= ARG.PTR_TO_DYNPTR);
		if (!plausible) continue;
		const pointed = (pointer: bigint) => {
			const offset = Number(pointer - address);
			return offset >= 0 && offset + 4 <= bytes.length
				? nameOfType(prober.btf, view.getUint32(offset, true))
				: undefined;
		};
		const proto = {
			args: args
				.map((type, i) => {
					const detail = view.getBigUint64(at + AT.details + 8 * i, true);
					if (detail === 0n || type === ARG.DONTCARE) return { type };
					if (detail < 4096n) return { type, size: Number(detail) };
					const btf = baseType(type) === ARG.PTR_TO_BTF_ID ? pointed(detail) : undefined;
					return btf === undefined ? { type } : { type, btf };
				})
				.filter(({ type }) => type !== ARG.DONTCARE),
			ret: {
				type: ret,
				...(baseType(ret) === RET.PTR_TO_BTF_ID
					? { btf: pointed(view.getBigUint64(at + AT.retBtf, true)) }
					: {}),
			},
			gplOnly: bools[0] === 1,
			pktAccess: bools[1] === 1,
			mightSleep: bools[2] === 1,
			allowFastcall: bools[3] === 1,
		};
		found.set(name, [...(found.get(name) ?? []), describe(proto)]);
	}
	return found;
}

function nameOfType(btf: Btf, id: number): string | undefined {
	const type = btf.types[id];
	return type !== undefined && "name" in type && type.name !== "" ? type.name : undefined;
}

/** The kernel's distinct prototypes of a helper, and ours. */
function checkProtos(prober: Prober): void {
	const kernel = kernelProtos(prober);
	for (const [id, { name }] of FUNC_PROTOS) {
		if (ABSENT.includes(id)) continue;
		// the id of tcp_sock lies where programs write
		const known = id === 116 ? withoutBtf(FUNC_PROTOS.get(id)!) : FUNC_PROTOS.get(id)!;
		const named = (symbol: string) => {
			const names = NAMED[id];
			if (names !== undefined) return names.includes(symbol);
			if (symbol !== `bpf_${name}` && symbol !== name && helperId(symbol) !== undefined) return false;
			const start = [`bpf_${name}`, name];
			return start.includes(symbol) || OTHER_NAMES.test(symbol.replace(name, "*"));
		};
		const theirs = new Set([...kernel].filter(([symbol]) => named(symbol)).flatMap(([, protos]) => protos));
		const ours = new Set(
			[known, ...FUNC_PROTO_VARIANTS.filter(({ proto }) => proto.id === id).map(({ proto }) => proto)].map(
				describe,
			),
		);
		// skb_event_output is two helpers' function: with the context, and with an sk_buff
		if (id === 111 || id === 121)
			prober.compare(
				`${id} ${name}`,
				true,
				[...ours].every((proto) => theirs.has(proto)),
			);
		else prober.compare(`${id} ${name}`, [...ours].sort(), [...theirs].sort());
	}
}

const withoutBtf = (proto: FuncProto): FuncProto => ({
	...proto,
	args: proto.args.map(({ type }) => ({ type })),
});

/** How functions are named that are one helper in different program types. */
const OTHER_NAMES =
	/^(bpf_)?(sk_|unlocked_sk_|sock_ops_|sock_addr_|xdp_|tc_|skb_|flow_dissector_)?\*(_pe|_tp|_raw_tp|_sleepable|_tracing|_curr|_recur|_kprobe|_kprobe_multi|_uprobe_multi)?$/;

/** Which of several prototypes a program type has: by what the verifier says of the number 0 as first argument. */
function checkVariants(prober: Prober, ways: readonly Way[]): void {
	for (const id of new Set(FUNC_PROTO_VARIANTS.map(({ proto }) => proto.id))) {
		for (const way of ways) {
			if (!helpersAllowed(way.type, way.attachType)?.has(id)) continue;
			const proto = funcProto(id, way.type, way.attachType)!;
			const what = `${way.name} ${proto.name}`;
			if (id === 8) prober.compare(what, proto.allowFastcall, isFastcall(prober, way));
			else if (id === 17)
				prober.compare(what, proto.args.length > 0, said(prober, way, id, 1) === "expected=ctx");
			else if (id === 27 || id === 173)
				prober.compare(
					what,
					proto.gplOnly,
					/GPL/.test(prober.ask(way, [call(id), EXIT], { license: "x" }).log),
				);
			else if ([84, 85, 99].includes(id)) continue;
			else {
				const which = proto.args.length > 1 && (id === 107 || id === 108 || id === 124) ? 2 : 1;
				prober.compare(what, expectation(proto.args[which - 1]!.type), said(prober, way, id, which));
			}
		}
	}
}

/** The verifier's word for what is expected, of an argument that is the number 0. */
function expectation(type: number): string {
	if (type & 0x100) return "0 will do";
	switch (baseType(type)) {
		case ARG.PTR_TO_CTX:
			return "expected=ctx";
		case ARG.PTR_TO_BTF_ID_SOCK_COMMON:
			return "expected=sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_";
		default:
			return "expected=ptr_, trusted_ptr_, rcu_ptr_";
	}
}

function said(prober: Prober, way: Way, id: number, argument: number): string {
	const map = prober.kernel.createMap({ type: 1, keySize: 4, valueSize: 4, maxEntries: 1 });
	const zeros = [1, 2, 3, 4, 5]
		.filter((register) => register !== 1 || argument === 1)
		.map((register) => move(register, 0));
	const first: readonly Insn[] = argument === 1 ? [] : id === 124 ? [] : [insn(0x18, 1, 5, 0, 0), insn(0)];
	const { log } = prober.ask(way, [...first, ...zeros, call(id), move(0, 0), EXIT], { maps: [map] });
	map.close();
	const line = lastLine(log) ?? "";
	return line.startsWith(`R${argument} type=scalar `) ? (/expected=.*/.exec(line)?.[0] ?? "") : "0 will do";
}

/** With a fastcall, what is spilled around the call takes no stack. */
function isFastcall(prober: Prober, way: Way): boolean {
	const { log } = prober.ask(
		way,
		[move(1, 1), insn(0x7b, 10, 1, -16), call(8), insn(0x79, 1, 10, -16), move(0, 0), EXIT],
		{ log: 4 },
	);
	return /stack depth 8$/m.test(log);
}

/** Whether what a helper made of a socket ends with the socket: used behind the release of what it was made of. */
function checkPtrCasts(prober: Prober): void {
	const SCHED_CLS: Way = { name: "sched_cls", type: 3, attachType: 0 };
	for (const { id, name, args } of FUNC_PROTOS.values()) {
		const [first] = args;
		if (args.length !== 1 || first === undefined || id === 86) continue;
		const takesSocket = [ARG.PTR_TO_SOCK_COMMON, ARG.PTR_TO_BTF_ID_SOCK_COMMON].includes(
			baseType(first.type) as 11,
		);
		if (!takesSocket || !FUNC_PROTOS.get(id)!.ret.type || !helpersAllowed(SCHED_CLS.type)?.has(id)) continue;
		const { log } = prober.ask(SCHED_CLS, [
			...[
				insn(0x7a, 10, 0, -8),
				insn(0x7a, 10, 0, -16),
				copy(2, 10),
				add(2, -16),
				move(3, 12),
				move(4, 0),
				move(5, 0),
			],
			...[call(99), insn(0x15, 0, 0, 8), copy(6, 0), copy(1, 0), call(id), copy(7, 0), copy(1, 6), call(86)],
			...[insn(0x15, 7, 0, 1), insn(0x61, 0, 7), move(0, 0), EXIT],
		]);
		prober.compare(`${name} is a cast`, PTR_CASTS.has(id), log.includes("R7 invalid mem access 'scalar'"));
	}
}

/** The enums by name, against the kernel's BTF. */
function checkEnums(prober: Prober): void {
	const enums: readonly (readonly [name: string, prefix: string, ours: Readonly<Record<string, number>>])[] =
		[
			["bpf_arg_type", "ARG_", ARG],
			["bpf_return_type", "RET_", RET],
			["bpf_type_flag", "DYNPTR_TYPE_", DYNPTR_TYPE],
		];
	for (const [name, prefix, ours] of enums) {
		const type = prober.btf.types[prober.btfId("enum", name)];
		if (type?.kind !== "enum") throw new Error(`${name} is no enum`);
		for (const [key, value] of Object.entries(ours)) {
			prober.compare(`${name} ${key}`, value, type.values.find((each) => each.name === prefix + key)?.value);
		}
	}
}

/** Who may call what, of the program types that probe-helpers.ts has no way to load. */
function checkAllowed(prober: Prober): void {
	for (const way of prober.ways().filter(({ attachBtfId }) => attachBtfId !== undefined)) {
		const ours = helpersAllowed(way.type, way.attachType);
		for (const id of FUNC_PROTOS.keys()) {
			const { log } = prober.ask(way, [
				...[1, 2, 3, 4, 5].map((register) => move(register, 0)),
				call(id),
				EXIT,
			]);
			const allowed = !/cannot use helper|unknown func|invalid func|not allowed in probe/.test(log);
			prober.compare(`${way.name} may call ${id}`, ours?.has(id) ?? false, allowed);
		}
	}
}

export function checkHelpers(prober: Prober): void {
	checkEnums(prober);
	checkProtos(prober);
	checkVariants(prober, prober.ways());
	checkPtrCasts(prober);
	checkAllowed(prober);
}
