import {
	arp,
	eth,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	type Layer,
	packet,
	payload,
	tcp,
	udp,
	vlan,
} from "../harness.ts";
import type { Random } from "../random.ts";

/** A frame as it may come in: whole, with odd fields, tunnelled, cut short, or garbage. */
export function frame(random: Random, large = false): Uint8Array {
	if (random.chance(5)) return random.bytes(random.between(1, 128));
	const layers: Layer[] = [
		eth(
			random.chance(20)
				? { dst: random.pick(["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00"]) }
				: {},
		),
	];
	if (random.chance(20)) layers.push(vlan({ id: random.below(4096), priority: random.below(8) }));
	if (random.chance(5)) layers.push(vlan({ id: random.below(4096) }));
	if (random.chance(7)) return packet(...layers, arp());
	if (random.chance(4)) return packet(...layers, payload(random.between(0, 100)));
	let six = ip(random, layers);
	if (random.chance(15)) {
		if (random.chance(40)) layers.push(udp({ dport: 4789 }), payload(8), eth());
		six = ip(random, layers);
	}
	transport(random, layers, six);
	layers.push(payload(random.bytes(size(random, large))));
	const whole = packet(...layers);
	return random.chance(12)
		? whole.subarray(0, random.between(Math.min(14, whole.length), whole.length))
		: whole;
}

function size(random: Random, large: boolean): number {
	if (large) return random.pick([3400, 3454, 3466, 3500, 4096, 5000, 9000]);
	return random.weighted([
		[3, 0],
		[6, random.between(1, 64)],
		[2, random.between(64, 1400)],
	]);
}

function ip(random: Random, layers: Layer[]): boolean {
	const six = random.chance(40);
	const tos = random.chance(30) ? random.below(256) : 0;
	if (six)
		layers.push(
			ipv6({ trafficClass: tos, hopLimit: random.pick([64, 1, 0, 255]), flowLabel: random.below(0x10_0000) }),
		);
	else {
		layers.push(
			ipv4({
				tos,
				ttl: random.pick([64, 1, 0, 255]),
				...(random.chance(15) ? { options: random.bytes(4 * random.between(1, 10)) } : {}),
				...(random.chance(10) ? { fragment: random.pick([0x2000, 0x4000, 0x00b9]) } : {}),
				...(random.chance(10) ? { checksum: 0 } : {}),
			}),
		);
	}
	return six;
}

function transport(random: Random, layers: Layer[], six: boolean): void {
	const ports = { sport: random.below(65536), dport: random.pick([53, 80, 443, 4789, 1]) };
	random.weighted<() => void>([
		[
			4,
			() =>
				layers.push(
					tcp({
						...ports,
						flags: random.below(64),
						...(random.chance(20) ? { options: random.bytes(8) } : {}),
					}),
				),
		],
		[4, () => layers.push(udp(random.chance(15) ? { ...ports, checksum: 0 } : ports))],
		[
			2,
			() =>
				layers.push(
					six
						? icmpv6({ type: random.pick([128, 129, 133, 135, 136, 1]) })
						: icmp({ type: random.pick([0, 3, 8, 11]) }),
				),
		],
		[1, () => undefined],
	])();
}
