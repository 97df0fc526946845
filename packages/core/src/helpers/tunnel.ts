import { EINVAL, ENOENT, ENOMEM, EPROTO } from "./errno.ts";
import { PACKET } from "./packet.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Tunnel metadata beside an skb (net/core/filter.c). A packet comes without; what a program sets it can read back. */
export const tunnelPrototypes = [
	{
		id: 20,
		name: "skb_get_tunnel_key",
		args: ["ctx", "mem_out", "size", "anything"],
		returns: "int",
	},
	{ id: 21, name: "skb_set_tunnel_key", args: ["ctx", "mem_in", "size", "anything"], returns: "int" },
	{ id: 29, name: "skb_get_tunnel_opt", args: ["ctx", "mem_out", "size"], returns: "int" },
	{ id: 30, name: "skb_set_tunnel_opt", args: ["ctx", "mem_in", "size"], returns: "int" },
] as const satisfies readonly HelperPrototype[];

const [getKey, setKey, getOpt, setOpt] = tunnelPrototypes;

/** BPF_F_*. */
const FLAG = {
	TUNINFO_IPV6: 1,
	ZERO_CSUM_TX: 2,
	DONT_FRAGMENT: 4,
	SEQ_NUMBER: 8,
	TUNINFO_FLAGS: 16,
	NO_TUNNEL_KEY: 16,
} as const;

/** struct bpf_tunnel_key: offsets of its fields. */
const KEY = { ID: 0, REMOTE: 4, TOS: 20, TTL: 21, EXT: 22, LABEL: 24, LOCAL: 28, SIZE: 44 } as const;
/** Lengths of the structure in older headers. Reading 8 bytes works for IPv4 only. */
const OLD_SIZES: readonly number[] = [8, KEY.EXT, KEY.LABEL, KEY.LOCAL];
const OLD_IPV4_SIZE = 8;

/** IP_TUNNEL_OPTS_MAX. */
const OPTIONS_MAX = 255;
const LABEL_MASK = 0xf_ffff;

/** info->key.tun_flags (IP_TUNNEL_*_BIT), shown as a __be16. Options that a program sets count as every kind. */
const TUN = {
	CSUM: 0x1,
	KEY: 0x4,
	SEQ: 0x8,
	DONT_FRAGMENT: 0x100,
	NOCACHE: 0x2000,
	OPTIONS: 0xd800,
} as const;

// The words at PACKET.TUNNEL. The key lies as the program gave it to skb_set_tunnel_key.
const AT = { SET: 0, FLAGS: 4, OPTIONS_SET: 8, OPTIONS_LENGTH: 12, KEY: 16, OPTIONS: 60 } as const;

const words = (rt: HelperRuntime) => rt.memory.u32(PACKET.TUNNEL);

function clear(rt: HelperRuntime, to: number, size: number, error: number): number {
	rt.memory.u8.fill(0, to >>> 0, (to >>> 0) + size);
	return error;
}

export const tunnelHelpers: readonly Helper[] = [
	{
		prototype: getKey,
		/** The other side of what was set: its remote address is read as the local one. */
		run(rt, _ctx, to, size, flags) {
			const { memory } = rt;
			const at = words(rt);
			const unknown = (flags & ~(FLAG.TUNINFO_IPV6 | FLAG.TUNINFO_FLAGS)) !== 0 || rt.argHi[3] !== 0;
			if (memory.u32(at + AT.SET) === 0 || unknown) return clear(rt, to, size, EINVAL);
			const ipv6 = (memory.u32(at + AT.FLAGS) & FLAG.TUNINFO_IPV6) !== 0;
			if (ipv6 !== ((flags & FLAG.TUNINFO_IPV6) !== 0)) return clear(rt, to, size, EPROTO);
			if (size !== KEY.SIZE && (!OLD_SIZES.includes(size) || (ipv6 && size === OLD_IPV4_SIZE)))
				return clear(rt, to, size, EINVAL);
			const key = memory.read(at + AT.KEY, KEY.SIZE);
			const view = new DataView(key.buffer);
			const length = ipv6 ? 16 : 4;
			const remote = key.slice(KEY.REMOTE, KEY.REMOTE + length);
			const local = key.slice(KEY.LOCAL, KEY.LOCAL + length);
			key.fill(0, KEY.REMOTE, KEY.REMOTE + 16);
			key.fill(0, KEY.LOCAL, KEY.LOCAL + 16);
			key.set(local, KEY.REMOTE);
			key.set(remote, KEY.LOCAL);
			view.setUint16(KEY.EXT, flags & FLAG.TUNINFO_FLAGS ? tunnelFlags(rt) : 0);
			view.setUint32(KEY.LABEL, view.getUint32(KEY.LABEL, true) & LABEL_MASK, true);
			memory.write(to >>> 0, key.subarray(0, size));
			return 0;
		},
	},
	{
		prototype: setKey,
		run(rt, _ctx, from, size, flags) {
			const { memory } = rt;
			if ((flags & ~0x1f) !== 0 || rt.argHi[3] !== 0) return EINVAL;
			if (size !== KEY.SIZE && !OLD_SIZES.includes(size)) return EINVAL;
			const key = new Uint8Array(KEY.SIZE);
			key.set(memory.read(from >>> 0, size));
			const view = new DataView(key.buffer);
			const ipv6 = (flags & FLAG.TUNINFO_IPV6) !== 0;
			if ((!ipv6 && view.getUint32(KEY.LABEL, true) !== 0) || view.getUint16(KEY.EXT, true) !== 0)
				return EINVAL;
			const at = words(rt);
			memory.setU32(at + AT.SET, 1);
			memory.setU32(at + AT.FLAGS, flags);
			memory.setU32(at + AT.OPTIONS_SET, 0);
			memory.setU32(at + AT.OPTIONS_LENGTH, 0);
			memory.write(at + AT.KEY, key);
			return 0;
		},
	},
	{
		prototype: getOpt,
		run(rt, _ctx, to, size) {
			const { memory } = rt;
			const at = words(rt);
			if (memory.u32(at + AT.OPTIONS_SET) === 0) return clear(rt, to, size, ENOENT);
			const length = memory.u32(at + AT.OPTIONS_LENGTH);
			if (size < length) return clear(rt, to, size, ENOMEM);
			clear(rt, to, size, 0);
			memory.write(to >>> 0, memory.read(at + AT.OPTIONS, length));
			return length;
		},
	},
	{
		prototype: setOpt,
		run(rt, _ctx, from, size) {
			const { memory } = rt;
			const at = words(rt);
			if (memory.u32(at + AT.SET) === 0 || size % 4 !== 0) return EINVAL;
			if (size > OPTIONS_MAX) return ENOMEM;
			memory.setU32(at + AT.OPTIONS_SET, 1);
			memory.setU32(at + AT.OPTIONS_LENGTH, size);
			memory.write(at + AT.OPTIONS, memory.read(from >>> 0, size));
			return 0;
		},
	},
];

function tunnelFlags(rt: HelperRuntime): number {
	const at = words(rt);
	const flags = rt.memory.u32(at + AT.FLAGS);
	return (
		TUN.NOCACHE |
		(flags & FLAG.NO_TUNNEL_KEY ? 0 : TUN.KEY) |
		(flags & FLAG.ZERO_CSUM_TX ? 0 : TUN.CSUM) |
		(flags & FLAG.DONT_FRAGMENT ? TUN.DONT_FRAGMENT : 0) |
		(flags & FLAG.SEQ_NUMBER ? TUN.SEQ : 0) |
		(rt.memory.u32(at + AT.OPTIONS_SET) ? TUN.OPTIONS : 0)
	);
}
