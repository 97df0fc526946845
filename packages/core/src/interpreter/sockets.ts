import { SOCK, TCP_SOCK_SIZE } from "../helpers/index.ts";
import { SOCKET_VIEWS, type SocketView, socketField } from "../hooks/index.ts";
import type { Execution } from "./execution.ts";
import { REGION, SCALAR } from "./regions.ts";

/** A region of a socket keeps the index of its view here as `aux`. */
const VIEWS = Object.keys(SOCKET_VIEWS) as SocketView[];
const SIZES: Readonly<Record<SocketView, number>> = {
	none: 0,
	sock_common: SOCK.SIZE,
	sock: SOCK.SIZE,
	tcp_sock: TCP_SOCK_SIZE,
};

/** What a pointer to a socket points to: loads through it go by the fields of its view, not by plain memory. */
export function socketRegion(x: Execution, address: number, view: SocketView, name: string): number {
	return x.regions.element(REGION.SOCKET, address, SIZES[view], "none", VIEWS.indexOf(view), name);
}

/** The same for a pointer of its own: a reference that was taken, or another view of a socket. */
export function newSocketRegion(x: Execution, address: number, view: SocketView, name: string): number {
	return x.regions.add(REGION.SOCKET, address, SIZES[view], "none", VIEWS.indexOf(view), name);
}

/** Loads a field of a socket into register `d`. */
export function socketLoad(x: Execution, region: number, d: number, address: number, size: number): void {
	const view = VIEWS[x.regions.aux[region]!]!;
	const offset = address - x.regions.first(region);
	const field = socketField(view, offset, size);
	if (field === undefined)
		x.fault(
			"fault/access",
			`invalid ${view === "none" ? "sock" : view} access off=${offset} size=${size}`,
			view === "none"
				? "The fields behind this pointer are not modelled: it can be handed to helpers."
				: `struct bpf_${view === "tcp_sock" ? view : "sock"} has no field that may be read there with this width.`,
		);
	const { view: memory } = x.host.runtime.memory;
	const r = x.registers;
	r[d + 1] = 0;
	if (size === 1) r[d] = memory.getUint8(address);
	else if (size === 2) r[d] = memory.getUint16(address, true);
	else r[d] = memory.getInt32(address, true);
	if (size === 8) r[d + 1] = memory.getInt32(address + 4, true);
	if (field.minusOne && size > 1 && memory.getInt32(address, true) === -1) r[d] = r[d + 1] = -1;
	x.provenance[d] = SCALAR;
}
