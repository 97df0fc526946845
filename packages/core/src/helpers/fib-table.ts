import { contains, type Prefix, parseIp, parseMac, parsePrefix, sameBytes } from "./ip.ts";
import type { Environment, Route } from "./types.ts";

export interface Device {
	readonly ifindex: number;
	readonly mac: Uint8Array;
	readonly mtu: number;
	readonly hardHeaderLength: number;
	readonly forwarding: boolean;
	readonly addresses: readonly Prefix[];
}

export interface FibRoute {
	readonly prefix: Prefix;
	readonly ifindex: number;
	readonly via?: Uint8Array;
	readonly mtu?: number;
	readonly kind: NonNullable<Route["kind"]>;
	readonly metric: number;
}

/** The Environment's network, parsed once. */
export interface Fib {
	device(ifindex: number): Device | undefined;
	/** The longest prefix that holds the address, among the routes allowed; the host's own addresses first. */
	route(address: Uint8Array, allowed: (route: FibRoute) => boolean): FibRoute | undefined;
	neighbour(ifindex: number, address: Uint8Array): Uint8Array | undefined;
	/** An address of the device, or of any other, in the family of `size` bytes. */
	sourceAddress(device: Device, size: number): Uint8Array | undefined;
}

/** lo is there without being listed. */
const LO = 1;
const LO_MTU = 65536;
const ETH_HLEN = 14;
const METRIC = { 4: 0, 16: 1024 } as const;
/** What addconf gives the prefix of an IPv6 address. */
const METRIC_ON_LINK = { 4: 0, 16: 256 } as const;

const parsed = new WeakMap<Environment, Fib>();

/** @throws TailhopError "machine/invalid-input" for an address, prefix or MAC that is none. */
export function fibOf(environment: Environment): Fib {
	const known = parsed.get(environment);
	if (known !== undefined) return known;
	const fib = parseFib(environment);
	parsed.set(environment, fib);
	return fib;
}

const family = (prefix: Prefix) => prefix.bytes.length as 4 | 16;

function parseFib(environment: Environment): Fib {
	const router = environment.routes.length > 0;
	const devices = new Map<number, Device>();
	const add = (ifindex: number, device: Partial<Device>) =>
		devices.set(ifindex, {
			ifindex,
			mac: new Uint8Array(6),
			mtu: 1500,
			hardHeaderLength: ETH_HLEN,
			forwarding: router,
			addresses: [],
			...device,
		});
	add(LO, { mtu: LO_MTU });
	// a device that only a route or a neighbour names is there, too
	for (const { ifindex } of [...environment.routes, ...environment.neighbours])
		if (!devices.has(ifindex)) add(ifindex, {});
	for (const { ifindex, mac, mtu, forwarding, addresses } of environment.interfaces)
		add(ifindex, {
			mac: parseMac(mac),
			addresses: (addresses ?? []).map(parsePrefix),
			...(mtu === undefined ? {} : { mtu }),
			...(forwarding === undefined ? {} : { forwarding }),
		});

	const routes = [...devices.values()].flatMap((device) =>
		device.addresses.flatMap((own) => onLink(device, own)),
	);
	routes.push({ prefix: parsePrefix("127.0.0.0/8"), ifindex: LO, kind: "local", metric: 0 });
	for (const route of environment.routes) {
		const prefix = parsePrefix(route.prefix);
		routes.push({
			prefix,
			ifindex: route.ifindex,
			kind: route.kind ?? "unicast",
			metric: route.metric ?? METRIC[family(prefix)],
			...(route.via === undefined ? {} : { via: parseIp(route.via) }),
			...(route.mtu === undefined ? {} : { mtu: route.mtu }),
		});
	}
	// As the rules have it: the local table before main; then the longest prefix, the lower metric, the first given.
	routes.sort(
		(a, b) =>
			Number(b.kind === "local") - Number(a.kind === "local") ||
			b.prefix.length - a.prefix.length ||
			a.metric - b.metric,
	);
	const neighbours = environment.neighbours.map(({ ifindex, ip, mac }) => ({
		ifindex,
		address: parseIp(ip),
		mac: parseMac(mac),
	}));
	return {
		device: (ifindex) => devices.get(ifindex),
		route: (address, allowed) => routes.find((route) => contains(route.prefix, address) && allowed(route)),
		neighbour: (ifindex, address) =>
			neighbours.find((entry) => entry.ifindex === ifindex && sameBytes(entry.address, address))?.mac,
		sourceAddress: (device, size) =>
			[device, ...devices.values()]
				.flatMap(({ addresses }) => addresses)
				.find((address) => address.bytes.length === size)?.bytes,
	};
}

/** The routes that come with an address: itself, its prefix, and IPv4's broadcast address. */
function onLink({ ifindex }: Device, own: Prefix): FibRoute[] {
	const bits = own.bytes.length * 8;
	const local = (bytes: Uint8Array): FibRoute => ({
		prefix: { bytes, length: bits },
		ifindex,
		kind: "local",
		metric: 0,
	});
	const routes: FibRoute[] = [
		local(own.bytes),
		{ prefix: own, ifindex, kind: "unicast", metric: METRIC_ON_LINK[family(own)] },
	];
	if (bits === 32 && own.length < 31) {
		const broadcast = own.bytes.slice();
		for (let bit = own.length; bit < bits; bit++) broadcast[bit >> 3]! |= 0x80 >> (bit & 7);
		routes.push(local(broadcast));
	}
	return routes;
}
