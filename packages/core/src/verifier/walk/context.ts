import { type SocketView, socketField } from "../../hooks/index.ts";
import { PROG_TYPE } from "../../isa/index.ts";
import { CONTEXTS, contextAccess, PROGRAM_TYPES } from "../data/index.ts";
import { REG, typeName } from "../state/types.ts";
import type { Access } from "./stack.ts";
import type { Walk } from "./walk.ts";

/** What a load from the context gives: the type, and what it is a pointer to. */
export interface ContextInfo {
	readonly type: number;
	readonly aux?: number;
}

/** check_ctx_access. */
export function checkContext(
	w: Walk,
	off: number,
	size: number,
	access: Access,
	signed: boolean,
): ContextInfo {
	const { env } = w;
	if (CONTEXTS[env.type] === undefined) return env.notModelled("the context of this program type");
	// 6.18 takes an offset below the trace record for a large one (tp_prog_is_valid_access)
	if (env.type === PROG_TYPE.TRACEPOINT && off < 0 && off % size === 0 && access === "read")
		return { type: REG.SCALAR };
	const loaded = contextAccess(env.type, env.attachType, off, size, access === "write");
	// a pointer is not to be sign-extended
	if (loaded === undefined || (signed && loaded.type !== REG.SCALAR)) {
		env.log.write(`invalid bpf_context access off=${off} size=${size}\n`);
		env.linfo(w.insnIdx);
		return env.log.reject("EACCES", "");
	}
	const { type, btf } = loaded;
	return btf === undefined ? { type } : { type, aux: env.structId(btf) };
}

const VIEWS: Readonly<Record<number, SocketView>> = {
	[REG.SOCKET]: "sock",
	[REG.SOCK_COMMON]: "sock_common",
	[REG.TCP_SOCK]: "tcp_sock",
};

/** check_sock_access. */
export function checkSocket(w: Walk, regno: number, type: number, off: number, size: number): void {
	// 6.18 lets four bytes behind the last field pass here, and fails when it rewrites the load
	if (type === REG.TCP_SOCK && off === 84 && size === 4) {
		w.env.unconvertible = true;
		return;
	}
	const view = VIEWS[type];
	// of a struct bpf_xdp_sock there is but the queue's number
	if (view === undefined ? off === 0 && size === 4 : off >= 0 && socketField(view, off, size) !== undefined)
		return;
	w.env.log.reject("EACCES", `R${regno} invalid ${typeName(type)} access off=${off} size=${size}`);
}

/** may_access_direct_pkt_data: stores to a packet, and (with `pktAccess`, the helper's) packets given to helpers. */
export function mayAccessPacket(w: Walk, access: Access, pktAccess = true): boolean {
	switch (PROGRAM_TYPES[w.env.type]?.packet) {
		case "any":
			return true;
		case "rw":
			return pktAccess;
		case "r":
			return access === "read" && pktAccess;
		default:
			return false;
	}
}
