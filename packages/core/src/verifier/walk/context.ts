import { fieldAt, HOOKS, loadAllowed, SOCKET_VIEWS, socketField, storeAllowed } from "../../hooks/index.ts";
import { PROGRAM_TYPES } from "../data/index.ts";
import { FLAG, REG, typeName } from "../state/types.ts";
import type { Access } from "./stack.ts";
import type { Walk } from "./walk.ts";

/** What a load from the context gives: the type, and what it is a pointer to. */
export interface ContextInfo {
	readonly type: number;
	readonly aux?: number;
}

const POINTERS = {
	packet: REG.PACKET,
	packet_end: REG.PACKET_END,
	packet_meta: REG.PACKET_META,
	sock_or_null: REG.SOCK_COMMON | FLAG.MAYBE_NULL,
	flow_keys: REG.FLOW_KEYS,
} as const;

/** check_ctx_access. */
export function checkContext(w: Walk, off: number, size: number, access: Access): ContextInfo {
	const hook = HOOKS.find(({ programType }) => programType === w.env.type);
	if (hook === undefined) return w.env.notModelled("this program type's context");
	const field = off >= 0 && off + size <= hook.contextSize ? fieldAt(hook.fields, off) : undefined;
	const ok =
		field !== undefined &&
		off % size === 0 &&
		(access === "write" ? storeAllowed(field, off, size) : loadAllowed(field, off, size, w.env.attachType));
	if (!ok) {
		w.env.log.write(`invalid bpf_context access off=${off} size=${size}\n`);
		w.env.linfo(w.insnIdx);
		w.env.log.reject("EACCES", "");
	}
	return { type: field!.pointer === undefined ? REG.SCALAR : POINTERS[field!.pointer] };
}

export function checkSocket(w: Walk, regno: number, type: number, off: number, size: number): void {
	void SOCKET_VIEWS;
	void socketField;
	void typeName;
	void regno;
	void off;
	void size;
	void type;
	w.env.notModelled("access to sockets");
}

/** may_access_direct_pkt_data: loads and stores where the context has a packet, and helpers that take it as memory. */
export function mayAccessPacket(w: Walk, access: Access, helper: boolean): boolean {
	const packet = PROGRAM_TYPES[w.env.type]?.packet;
	void helper;
	return packet === "rw" || packet === "any" || (packet === "r" && access === "read");
}
