import { answering, type Call, callProgram, check, eth, ipv4, packet, payload, udp } from "@tailhop/testing";
import { describe, it } from "vitest";

const PACKET = packet(eth(), ipv4(), udp(), payload(26));
const EINVAL = -22;
const [IPV6, TUNINFO_FLAGS] = [1, 16];

/** struct bpf_tunnel_key: id 77, remote, TOS 3, TTL 64, the rest. */
function key(fields: { ext?: number; label?: number } = {}): Uint8Array {
	const bytes = Uint8Array.from({ length: 44 }, (_, index) =>
		(index >= 4 && index < 20) || index >= 28 ? index : 0,
	);
	bytes.set([77, 0, 0, 0]);
	bytes.set([3, 64, fields.ext ?? 0, 0, fields.label ?? 0], 20);
	return bytes;
}
const set = (flags: number | bigint, bytes = key(), size = bytes.length): Call => [
	21,
	"ctx",
	bytes,
	size,
	flags,
];
const get = (flags: number | bigint, size = 44): Call => [20, "ctx", { out: size }, size, flags];

const run = (calls: readonly Call[], answers: readonly number[]) =>
	check({ ...callProgram("tc", calls), packet: PACKET, expect: answering(...answers) });

describe("tunnel keys", () => {
	it("there is none in a packet that comes in", async () => {
		await run([get(0), [29, "ctx", { out: 8 }, 8], [30, "ctx", key(), 8]], [EINVAL, -2, EINVAL]);
	});

	it("what is set reads back from the other side", async () => {
		await run([set(0), get(0), get(IPV6)], [0, 0, -71]);
		await run([set(IPV6, key({ label: 5 })), get(IPV6), get(0)], [0, 0, -71]);
	});

	it("flags of the tunnel", async () => {
		for (const flags of [0, 2, 4, 8, 16, 0x1e]) await run([set(flags), get(TUNINFO_FLAGS)], [0, 0]);
	});

	it("older, shorter keys", async () => {
		for (const size of [8, 22, 24, 28]) await run([set(0, key(), size), get(0, size), get(0)], [0, 0, 0]);
		await run([set(0, key(), 20), set(0), get(0, 20)], [EINVAL, 0, EINVAL]);
		await run([set(IPV6), get(IPV6, 8), get(IPV6, 28)], [0, EINVAL, 0]);
	});

	it("what is refused", async () => {
		await run(
			[set(0x20), set(1n << 32n), set(0, key({ ext: 1 })), set(0, key({ label: 1 }))],
			Array(4).fill(EINVAL),
		);
		await run([set(0), get(2), get(1n << 32n)], [0, EINVAL, EINVAL]);
	});
});

it("tunnel options belong to the key that is set", async () => {
	const put = (size: number): Call => [30, "ctx", new Uint8Array(300).fill(0x5a), size];
	const take = (size: number): Call => [29, "ctx", { out: size }, size];
	await run(
		[set(0), take(8), put(8), take(8), take(4), take(16), get(TUNINFO_FLAGS), set(0), take(8)],
		[0, -2, 0, 8, -12, 8, 0, 0, -2],
	);
	await run([set(0), put(5), put(256), put(252), take(300)], [0, EINVAL, -12, 0, 252]);
});
