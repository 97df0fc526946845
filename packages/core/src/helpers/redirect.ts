import type { MapInstance } from "../maps/index.ts";
import { MACHINE } from "../memory/index.ts";
import { EBADMSG, EINVAL } from "./errno.ts";
import { incomingDevice, isGso } from "./packet.ts";
import type { Environment, Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Where a packet goes on (net/core/filter.c). What the kernel would do with the verdict is an Output here. */
export const redirectPrototypes = [
	{
		id: 13,
		name: "clone_redirect",
		args: ["ctx", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{ id: 23, name: "redirect", args: ["anything", "anything"], returns: "int" },
	{ id: 51, name: "redirect_map", args: ["map", "anything", "anything"], returns: "int" },
	{
		id: 152,
		name: "redirect_neigh",
		args: ["anything", "mem_in_or_null", "size_or_zero", "anything"],
		returns: "int",
	},
	{ id: 155, name: "redirect_peer", args: ["anything", "anything"], returns: "int" },
] as const satisfies readonly HelperPrototype[];

const [cloneRedirect, redirect, redirectMap, redirectNeigh, redirectPeer] = redirectPrototypes;

const BPF_PROG_TYPE_XDP = 6;
const BPF_F_INGRESS = 1;
/** BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS, which maps of devices take. */
const DEVMAP_FLAGS = 0x18;
const BPF_F_BROADCAST = 0x8;
const BPF_F_EXCLUDE_INGRESS = 0x10;
const BPF_MAP_TYPE_DEVMAP = 14;
const BPF_MAP_TYPE_DEVMAP_HASH = 25;

const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
const XDP_ABORTED = 0;
const XDP_REDIRECT = 4;
/** sizeof(struct bpf_redir_neigh). */
const REDIR_NEIGH_SIZE = 20;

function redirected(rt: HelperRuntime, ifindex: number, flags: number, via: string): void {
	rt.output({ kind: "redirect", ifindex: ifindex >>> 0, flags: BigInt(flags >>> 0), via });
}

/** Every device of a devmap, less the one that the frame came in at where the flags exclude it. */
function devicesIn(rt: HelperRuntime, map: MapInstance, flags: number): number[] {
	const all = [...map.hostEntries()].map(([, value]) => new DataView(value.buffer).getUint32(0, true));
	const ingress = incomingDevice(rt.memory);
	return all.filter((ifindex) => (flags & BPF_F_EXCLUDE_INGRESS) === 0 || ifindex !== ingress);
}

/** lo, the device of the frame, and the Environment's. */
export function knowsDevice(environment: Environment, ifindex: number): boolean {
	return ifindex === 1 || environment.interfaces.some((device) => device.ifindex === ifindex);
}

export const redirectHelpers: readonly Helper[] = [
	{
		prototype: cloneRedirect,
		run(rt, _ctx, ifindex, flags) {
			const { memory } = rt;
			if ((flags & ~BPF_F_INGRESS) !== 0 || rt.argHi[2] !== 0) return EINVAL;
			// a gso_size without a gso_type, which only a test run can make
			if (isGso(memory)) return EBADMSG;
			if (!knowsDevice(rt.environment, ifindex >>> 0)) return EINVAL;
			redirected(rt, ifindex, flags, "clone_redirect");
			return 0;
		},
	},
	{
		prototype: redirect,
		run(rt, ifindex, flags) {
			const xdp = rt.programType === BPF_PROG_TYPE_XDP;
			const allowed = xdp ? 0 : BPF_F_INGRESS;
			if ((flags & ~allowed) !== 0 || rt.argHi[1] !== 0) return xdp ? XDP_ABORTED : TC_ACT_SHOT;
			redirected(rt, ifindex, flags, "redirect");
			return xdp ? XDP_REDIRECT : TC_ACT_REDIRECT;
		},
	},
	{
		prototype: redirectMap,
		/** Without an entry the result is the action in the lowest bits of the flags. */
		run(rt, address, key, flags) {
			const map = rt.map(address);
			if (map === undefined) return XDP_ABORTED;
			const devices = map.def.type === BPF_MAP_TYPE_DEVMAP || map.def.type === BPF_MAP_TYPE_DEVMAP_HASH;
			const allowed = 3 | (devices ? DEVMAP_FLAGS : 0);
			if ((flags & ~allowed) !== 0 || rt.argHi[2] !== 0) return XDP_ABORTED;
			rt.memory.setU32(MACHINE.KEY, key >>> 0);
			const value = map.lookup(MACHINE.KEY, rt.cpu);
			if (value === 0 && (flags & BPF_F_BROADCAST) === 0) return flags & 3;
			// a device's value starts with its ifindex; a CPU or a socket is known by its key
			const send = (target: number) => redirected(rt, target, flags, `redirect_map ${map.def.name}`);
			if ((flags & BPF_F_BROADCAST) === 0) send(devices ? rt.memory.u32(value) : key);
			else for (const ifindex of devicesIn(rt, map, flags)) send(ifindex);
			return XDP_REDIRECT;
		},
	},
	{
		prototype: redirectNeigh,
		run(rt, ifindex, _params, size, flags) {
			if ((size !== 0 && size < REDIR_NEIGH_SIZE) || flags !== 0 || rt.argHi[3] !== 0) return TC_ACT_SHOT;
			redirected(rt, ifindex, 0, "redirect_neigh");
			return TC_ACT_REDIRECT;
		},
	},
	{
		prototype: redirectPeer,
		run(rt, ifindex, flags) {
			if (flags !== 0 || rt.argHi[1] !== 0) return TC_ACT_SHOT;
			redirected(rt, ifindex, 0, "redirect_peer");
			return TC_ACT_REDIRECT;
		},
	},
];
