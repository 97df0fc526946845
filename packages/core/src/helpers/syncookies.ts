import { EACCES, EINVAL, ENOENT, EPROTONOSUPPORT } from "./errno.ts";
import { implement } from "./implement.ts";
import { AF_INET6, IPPROTO_TCP, TCP_STATE } from "./socket-layout.ts";
import { socketAt } from "./sockets.ts";
import { returnU64 } from "./time.ts";
import type { HelperPrototype, HelperRuntime } from "./types.ts";

/** SYN cookies (net/core/filter.c, net/ipv4/syncookies.c, net/ipv6/syncookies.c). */
export const syncookiePrototypes = [
	{
		id: 100,
		name: "tcp_check_syncookie",
		args: ["sock_common", "mem_in", "size", "mem_in", "size"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 110,
		name: "tcp_gen_syncookie",
		args: ["sock_common", "mem_in", "size", "mem_in", "size"],
		returns: "u64",
		gplOnly: true,
	},
	{
		id: 204,
		name: "tcp_raw_gen_syncookie_ipv4",
		args: ["mem_in", "mem_in", "size_or_zero"],
		returns: "u64",
		fixedSizes: { 0: 20 },
		gplOnly: true,
	},
	{
		id: 205,
		name: "tcp_raw_gen_syncookie_ipv6",
		args: ["mem_in", "mem_in", "size_or_zero"],
		returns: "u64",
		fixedSizes: { 0: 40 },
		gplOnly: true,
	},
	{
		id: 206,
		name: "tcp_raw_check_syncookie_ipv4",
		args: ["mem_in", "mem_in"],
		returns: "int",
		fixedSizes: { 0: 20, 1: 20 },
		gplOnly: true,
	},
	{
		id: 207,
		name: "tcp_raw_check_syncookie_ipv6",
		args: ["mem_in", "mem_in"],
		returns: "int",
		fixedSizes: { 0: 40, 1: 20 },
		gplOnly: true,
	},
] as const satisfies readonly HelperPrototype[];

const TCP_HEADER = 20;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
/** Flags at byte 13 of a TCP header. */
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
/** TCP_MSS_DEFAULT. */
const DEFAULT_MSS = 536;
/** What the two bits of a cookie stand for. */
const MSS_TABLES = { 4: [536, 1300, 1440, 1460], 16: [1220, 1420, 1440, 8940] } as const;
const MINUTE_NS = 60_000_000_000n;
const MAX_AGE = 2;

/** The length that a TCP header says, in bytes. */
const headerLength = (rt: HelperRuntime, tcp: number): number => (rt.memory.u8[tcp + 12]! >> 4) * 4;

/** tcp_parse_mss_option: 0 where there is none, or zero. */
function mssOption(rt: HelperRuntime, tcp: number): number {
	const { u8 } = rt.memory;
	const end = tcp + headerLength(rt, tcp);
	for (let at = tcp + TCP_HEADER; at < end; ) {
		const kind = u8[at]!;
		if (kind === 0) return 0;
		if (kind === 1) {
			at++;
			continue;
		}
		const length = u8[at + 1]!;
		if (at + 1 >= end || length < 2 || at + length > end) return 0;
		if (kind === 2 && length === 4) return (u8[at + 2]! << 8) | u8[at + 3]!;
		at += length;
	}
	return 0;
}

/**
 * The kernel's SipHash of addresses, ports and a minute under a secret of its own; here a hash under the
 * Environment's seed: cookies differ from any kernel's, as they do from kernel to kernel.
 */
function hash(
	rt: HelperRuntime,
	ip: number,
	tcp: number,
	size: 4 | 16,
	minute: number,
	which: number,
): number {
	const { u8 } = rt.memory;
	const addresses = ip + (size === 4 ? 12 : 8);
	const seed = rt.environment.seed;
	let h = Math.imul(Number(BigInt.asUintN(32, seed ^ (seed >> 32n))) ^ which, 0x9e3779b1);
	const mix = (value: number) => {
		h = Math.imul(h ^ value, 0x85ebca6b);
		h ^= h >>> 13;
	};
	mix(minute);
	for (let at = 0; at < 2 * size; at++) mix(u8[addresses + at]!);
	for (let at = 0; at < 4; at++) mix(u8[tcp + at]!);
	h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
	return (h ^ (h >>> 16)) >>> 0;
}

const minuteNow = (rt: HelperRuntime): number => Number(BigInt.asUintN(8, rt.clock() / MINUTE_NS));

/** tcp_raw_gen_syncookie_*: cookie, and the MSS that it stands for in the upper half. */
function generate(rt: HelperRuntime, ip: number, tcp: number, length: number, size: 4 | 16): number {
	const at = tcp >>> 0;
	if (length < TCP_HEADER || length !== headerLength(rt, at)) return int(rt, EINVAL);
	const wanted = mssOption(rt, at) || DEFAULT_MSS;
	const table = MSS_TABLES[size];
	let index = table.length - 1;
	while (index > 0 && wanted < table[index]!) index--;
	const minute = minuteNow(rt);
	const sequence = rt.memory.view.getUint32(at + 4, false);
	const data = (hash(rt, ip >>> 0, at, size, minute, 1) + index) & 0xff_ffff;
	const cookie = (hash(rt, ip >>> 0, at, size, 0, 0) + sequence + (minute << 24) + data) >>> 0;
	return returnU64(rt, (BigInt(table[index]!) << 32n) | BigInt(cookie));
}

/** tcp_raw_check_syncookie_*: whether the ACK answers a cookie of the last two minutes. */
function check(rt: HelperRuntime, ip: number, tcp: number, size: 4 | 16): number {
	const at = tcp >>> 0;
	const sequence = rt.memory.view.getUint32(at + 4, false) - 1;
	const cookie = rt.memory.view.getUint32(at + 8, false) - 1;
	const now = minuteNow(rt);
	const rest = (cookie - hash(rt, ip >>> 0, at, size, 0, 0) - sequence) >>> 0;
	const age = (now - (rest >>> 24)) & 0xff;
	if (age >= MAX_AGE) return EACCES;
	const index = (rest - hash(rt, ip >>> 0, at, size, (now - age) & 0xff, 1)) & 0xff_ffff;
	return index < MSS_TABLES[size].length ? 0 : EACCES;
}

const int = (rt: HelperRuntime, value: number): number => returnU64(rt, BigInt(value));

/** 0, or why the arguments of check and gen don't do; net.ipv4.tcp_syncookies is 1, Linux's default. */
function listening(rt: HelperRuntime, socket: number): boolean {
	const entry = socketAt(rt, socket);
	return entry?.protocol === IPPROTO_TCP && entry.state === TCP_STATE.listen;
}

export const syncookieHelpers = /* @__PURE__ */ implement(syncookiePrototypes, {
	/** The modelled listeners have sent no cookies: nothing that could be one answers one. */
	100(rt, socket, _ip, ipLength, tcp, tcpLength) {
		if (tcpLength < TCP_HEADER || !listening(rt, socket)) return EINVAL;
		const flags = rt.memory.u8[(tcp >>> 0) + 13]!;
		if ((flags & (ACK | RST | SYN)) !== ACK) return ENOENT;
		return ipLength < IPV4_HEADER ? EINVAL : ENOENT;
	},
	/** With room in the queue of the listener no cookie is needed: -ENOENT. */
	110(rt, socket, ip, ipLength, tcp, tcpLength) {
		const at = tcp >>> 0;
		if (tcpLength < TCP_HEADER || tcpLength !== headerLength(rt, at)) return int(rt, EINVAL);
		if (!listening(rt, socket)) return int(rt, EINVAL);
		if ((rt.memory.u8[at + 13]! & (SYN | ACK | FIN | RST)) !== SYN) return int(rt, EINVAL);
		if (ipLength < IPV4_HEADER) return int(rt, EINVAL);
		const version = rt.memory.u8[ip >>> 0]! >> 4;
		const entry = socketAt(rt, socket)!;
		if (version === 4) return int(rt, entry.family === AF_INET6 && entry.v6only ? EINVAL : ENOENT);
		if (version !== 6) return int(rt, EPROTONOSUPPORT);
		return int(rt, ipLength < IPV6_HEADER || entry.family !== AF_INET6 ? EINVAL : ENOENT);
	},
	204: (rt, ip, tcp, length) => generate(rt, ip, tcp, length, 4),
	205: (rt, ip, tcp, length) => generate(rt, ip, tcp, length, 16),
	206: (rt, ip, tcp) => check(rt, ip, tcp, 4),
	207: (rt, ip, tcp) => check(rt, ip, tcp, 16),
});
