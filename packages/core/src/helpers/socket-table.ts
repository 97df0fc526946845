import { TailhopError } from "../errors/index.ts";
import type { LinearMemory } from "../memory/index.ts";
import { parseIp, sameBytes } from "./ip.ts";
import {
	AF_INET,
	AF_INET6,
	IPPROTO_TCP,
	IPPROTO_UDP,
	SOCK,
	SOCKET_STRIDE,
	TCP_AT,
	TCP_SOCK,
	TCP_STATE,
} from "./socket-layout.ts";
import type { Environment, Socket } from "./types.ts";

interface End {
	readonly address: Uint8Array;
	readonly port: number;
}

/** A socket of the Environment, parsed. */
export interface SocketEntry {
	readonly index: number;
	readonly protocol: number;
	readonly family: number;
	readonly state: number;
	readonly local: End;
	readonly remote: End | undefined;
	readonly ifindex: number;
	readonly v6only: boolean;
}

/** Addresses and ports of a packet: from `source` to `target`. */
export interface Tuple {
	readonly source: End;
	readonly target: End;
}

const parsed = new WeakMap<Environment, readonly SocketEntry[]>();

/** @throws TailhopError "machine/invalid-input" for a socket that cannot be. */
export function socketsOf(environment: Environment): readonly SocketEntry[] {
	const known = parsed.get(environment);
	if (known !== undefined) return known;
	const entries = (environment.sockets ?? []).map(parseSocket);
	parsed.set(environment, entries);
	return entries;
}

/** Bytes that `writeSockets` takes; 0 without sockets. */
export const socketsSize = (environment: Environment): number =>
	socketsOf(environment).length * SOCKET_STRIDE;

function parseSocket(socket: Socket, index: number): SocketEntry {
	const local = parseEnd(socket.local);
	const remote = socket.remote === undefined ? undefined : parseEnd(socket.remote);
	const tcp = socket.proto === "tcp";
	if (remote !== undefined && remote.address.length !== local.address.length)
		refuse(`${socket.local} and ${socket.remote} are of two families`, "Give both of one family.");
	const state = tcp
		? (socket.state ?? (remote === undefined ? "listen" : "established"))
		: remote === undefined
			? "close"
			: "established";
	return {
		index,
		protocol: tcp ? IPPROTO_TCP : IPPROTO_UDP,
		family: local.address.length === 4 ? AF_INET : AF_INET6,
		state: TCP_STATE[state],
		local,
		remote,
		ifindex: socket.ifindex ?? 0,
		v6only: socket.v6only ?? false,
	};
}

function parseEnd(text: string): End {
	const [, v6, v4, digits] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
	const address = v6 ?? v4;
	const port = Number(digits);
	if (address === undefined || port > 0xffff)
		refuse(`"${text}" is not an address with a port`, 'Write "10.0.0.1:80" or "[2001:db8::1]:80".');
	return { address: parseIp(address), port };
}

function refuse(message: string, hint: string): never {
	throw new TailhopError("machine/invalid-input", `environment.sockets: ${message}`, {}, { hint });
}

const isAny = (address: Uint8Array): boolean => address.every((byte) => byte === 0);

/**
 * The socket that a packet belongs to, as the kernel's hash tables rank them (__inet_lookup, __udp4_lib_lookup and
 * their IPv6 siblings): a connection; then its own address before any address; then device and family. Of equals
 * the one declared first.
 */
export function lookupSocket(
	environment: Environment,
	protocol: number,
	tuple: Tuple,
	ifindex: number,
): SocketEntry | undefined {
	let best: SocketEntry | undefined;
	let bestScore = 0;
	for (const entry of socketsOf(environment)) {
		if (entry.protocol !== protocol || entry.local.port !== tuple.target.port) continue;
		const score = scoreOf(entry, tuple, ifindex);
		if (score > bestScore) {
			best = entry;
			bestScore = score;
		}
	}
	return best;
}

const CONNECTED = 1000;
const OWN_ADDRESS = 100;

/** 0: not this one. */
function scoreOf(entry: SocketEntry, { source, target }: Tuple, ifindex: number): number {
	const { address } = entry.local;
	const sameFamily = address.length === target.address.length;
	const both = entry.family === AF_INET6 && !entry.v6only && isAny(address);
	if (!sameFamily && !both) return 0;
	if (entry.ifindex !== 0 && entry.ifindex !== ifindex) return 0;
	const { remote } = entry;
	const toPeer =
		remote !== undefined && remote.port === source.port && sameBytes(remote.address, source.address);
	if (remote !== undefined && !toPeer) return 0;
	const own = sameFamily && sameBytes(address, target.address);
	if (!own && !isAny(address)) return 0;
	if (entry.protocol === IPPROTO_TCP) {
		// tables of connections hold whole pairs, that of listeners only what listens
		if (remote === undefined ? entry.state !== TCP_STATE.listen : !own) return 0;
		if (entry.state === TCP_STATE.close) return 0;
	}
	return (
		(remote === undefined ? 0 : CONNECTED) +
		(own ? OWN_ADDRESS : 0) +
		(entry.ifindex === 0 ? 0 : 4) +
		(sameFamily ? 2 : 1)
	);
}

/** What the IPv4 fields of an IPv6 socket hold: no address at all (LOOPBACK4_IPV6, 127.0.0.6). */
const NOT_IPV4 = Uint8Array.of(127, 0, 0, 6);

/** Writes the table of sockets: `socketsSize` bytes at `table`. */
export function writeSockets(memory: LinearMemory, table: number, environment: Environment): void {
	for (const entry of socketsOf(environment)) {
		const at = table + entry.index * SOCKET_STRIDE;
		const { mark = 0, priority = 0, tcp = {} } = environment.sockets![entry.index]!;
		memory.u8.fill(0, at, at + SOCKET_STRIDE);
		memory.setU32(at + SOCK.BOUND_DEV_IF, entry.ifindex);
		memory.setU32(at + SOCK.FAMILY, entry.family);
		memory.setU32(at + SOCK.TYPE, entry.protocol === IPPROTO_TCP ? 1 : 2);
		memory.setU32(at + SOCK.PROTOCOL, entry.protocol);
		memory.setU32(at + SOCK.MARK, mark);
		memory.setU32(at + SOCK.PRIORITY, priority);
		writeAddress(memory, at + SOCK.SRC_IP4, at + SOCK.SRC_IP6, entry.local.address);
		memory.setU32(at + SOCK.SRC_PORT, entry.local.port);
		if (entry.remote !== undefined) {
			writeAddress(memory, at + SOCK.DST_IP4, at + SOCK.DST_IP6, entry.remote.address);
			memory.view.setUint16(at + SOCK.DST_PORT, entry.remote.port, false);
		}
		memory.setU32(at + SOCK.STATE, entry.state);
		memory.setU32(at + SOCK.RX_QUEUE_MAPPING, 0xffffffff);
		writeTcp(memory, at + TCP_AT, tcp);
	}
}

function writeAddress(memory: LinearMemory, v4: number, v6: number, address: Uint8Array): void {
	if (address.length === 4) memory.write(v4, address);
	else {
		memory.write(v6, address);
		if (!isAny(address)) memory.write(v4, NOT_IPV4);
	}
}

function writeTcp(memory: LinearMemory, at: number, values: Readonly<Record<string, number | bigint>>): void {
	const left = new Set(Object.keys(values));
	let offset = at;
	for (const [name, size] of TCP_SOCK) {
		if (left.delete(name)) {
			const value = BigInt(values[name]!);
			if (size === 8) memory.setU64(offset, value);
			else memory.setU32(offset, Number(BigInt.asUintN(32, value)));
		}
		offset += size;
	}
	for (const name of left)
		refuse(`struct bpf_tcp_sock has no ${name}`, `It has ${TCP_SOCK.map(([known]) => known).join(", ")}.`);
}
