import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TailhopError } from "../errors/index.ts";
import { type Capture, LINKTYPE, readPcap, writePcap, writePcapng } from "./index.ts";

/** "a1b2 c3d4" as bytes. */
function hex(text: string): Uint8Array {
	return Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function all(capture: Capture) {
	return [...capture.packets].map(({ data, ...rest }) => ({ data: [...data], ...rest }));
}

const ETHERNET = { linktype: 1, interface: 0 };

describe("classic pcap", () => {
	const expected = [{ data: [0xaa, 0xbb], originalLength: 60, ...ETHERNET }];

	test.each([
		[
			"little-endian µs",
			"d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000  02000000 05000000 02000000 3c000000 aabb",
			2_000_005_000n,
		],
		[
			"big-endian µs",
			"a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001  00000002 00000005 00000002 0000003c aabb",
			2_000_005_000n,
		],
		[
			"little-endian ns",
			"4d3cb2a1 0200 0400 00000000 00000000 ffff0000 01000000  02000000 05000000 02000000 3c000000 aabb",
			2_000_000_005n,
		],
		[
			"big-endian ns",
			"a1b23c4d 0002 0004 00000000 00000000 0000ffff 00000001  00000002 00000005 00000002 0000003c aabb",
			2_000_000_005n,
		],
	])("%s", (_name, file, timestampNs) => {
		const capture = readPcap(hex(file));
		expect(capture).toMatchObject({ format: "pcap", linktype: 1 });
		expect(all(capture)).toEqual(expected.map((packet) => ({ ...packet, timestampNs })));
		// an iterable, not an iterator: the second time gives the same
		expect(all(capture)).toHaveLength(1);
	});

	test("the link type's upper half is about the frame check sequence", () => {
		const file = hex("a1b2c3d4 0002 0004 00000000 00000000 0000ffff 24000065");
		expect(readPcap(file).linktype).toBe(LINKTYPE.RAW);
	});

	test("packets before the damage are read", () => {
		const bytes = writePcap([1, 2].map((n) => ({ timestampNs: 0n, data: Uint8Array.of(n, n) })));
		const packets = readPcap(bytes.subarray(0, -1)).packets[Symbol.iterator]();
		expect(packets.next().value?.data).toEqual(Uint8Array.of(1, 1));
		expect(() => packets.next()).toThrow(
			expect.objectContaining({ code: "pcap/invalid", where: { offset: 58 } }),
		);
	});
});

/** Little-endian blocks, hand-made: type, body; lengths are computed. */
function block(type: string, body: string): string {
	const length = (hex(body).length + 12).toString(16).padStart(2, "0");
	return `${type}${length}000000${body.replace(/\s/g, "")}${length}000000`;
}
const SECTION = block("0a0d0d0a", "4d3c2b1a 0100 0000 ffffffffffffffff");
const ETH_US = block("01000000", "0100 0000 00000000");
const EPB = (id: string, ticks: string) =>
	block("06000000", `${id} 00000000 ${ticks} 03000000 3c000000 aabbcc00`);

describe("pcapng", () => {
	test("interfaces with their own link type, resolution and offset; unknown blocks and options are passed over", () => {
		const raw = block(
			"01000000",
			// a name (2), resolution 2^-1 s, offset 10 s, an unknown option, end
			"6500 0000 00000000  0200 0300 61626300  0900 0100 81000000  0e00 0800 0a00000000000000  ff7f 0100 00000000  0000 0000",
		);
		const file = hex(
			SECTION +
				ETH_US +
				raw +
				block("05000000", "00000000 00000000 00000000") +
				EPB("00000000", "07000000") +
				EPB("01000000", "03000000"),
		);
		expect(all(readPcap(file))).toEqual([
			{ data: [0xaa, 0xbb, 0xcc], originalLength: 60, timestampNs: 7_000n, linktype: 1, interface: 0 },
			{
				data: [0xaa, 0xbb, 0xcc],
				originalLength: 60,
				timestampNs: 11_500_000_000n,
				linktype: 101,
				interface: 1,
			},
		]);
	});

	test("simple packets are cut by the snap length; the obsolete packet block has a 16-bit interface", () => {
		const snap = block("01000000", "0100 0000 02000000");
		const simple = block("03000000", "3c000000 aabb0000");
		const packet = block("02000000", "0000 ffff 00000000 07000000 01000000 3c000000 dd000000");
		expect(all(readPcap(hex(SECTION + snap + simple + packet)))).toEqual([
			{ data: [0xaa, 0xbb], originalLength: 60, timestampNs: 0n, ...ETHERNET },
			{ data: [0xdd], originalLength: 60, timestampNs: 7_000n, ...ETHERNET },
		]);
	});

	test("a section starts its interfaces and its byte order anew", () => {
		const bigEndian =
			"0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c" +
			"00000001 00000014 0065 0000 00000000 00000014" +
			"00000006 00000024 00000000 00000000 00000001 00000001 00000001 ee000000 00000024";
		const capture = readPcap(hex(SECTION + ETH_US + EPB("00000000", "01000000") + bigEndian));
		expect(all(capture).map(({ linktype, data }) => [linktype, data[0]])).toEqual([
			[1, 0xaa],
			[101, 0xee],
		]);
	});

	test.each([
		["no interface at all", SECTION, 0],
		["an interface that isn't there", SECTION + ETH_US + EPB("01000000", "00000000"), 48],
		[
			"a packet longer than its block",
			SECTION + ETH_US + block("06000000", `${"00".repeat(12)} 05000000 05000000 aabbccdd`),
			48,
		],
		["lengths that differ", `${SECTION}01000000140000000100000000000000 15000000`, 28],
		["a block without room for its frame", `${SECTION}${ETH_US}06000000 08000000 08000000`, 48],
		["a block that passes the end", `${SECTION}${ETH_US}06000000 f0ffffff 08000000`, 48],
		["a wrong byte-order magic", "0a0d0d0a 1c000000 00000000", 0],
		["version 2", block("0a0d0d0a", "4d3c2b1a 0200 0000 ffffffffffffffff"), 0],
		["an option that passes its block", SECTION + block("01000000", "0100 0000 00000000 0900 ff00"), 44],
	])("%s", (_name, file, offset) => {
		expect(() => all(readPcap(hex(file)))).toThrow(
			expect.objectContaining({ code: "pcap/invalid", where: expect.objectContaining({ offset }) }),
		);
	});
});

describe("link types", () => {
	const ip = [{ timestampNs: 0n, data: Uint8Array.of(0x45), linktype: LINKTYPE.RAW }];

	test("an unwanted one is an error that names both, at once or when its packet comes", () => {
		const error = expect.objectContaining({
			code: "pcap/invalid",
			message: expect.stringContaining("RAW (101)"),
			hint: expect.stringContaining("ETHERNET (1)"),
		});
		expect(() => readPcap(writePcap(ip), { linktypes: [1] })).toThrow(error);
		expect(() => all(readPcap(writePcapng(ip), { linktypes: [1] }))).toThrow(error);
		expect(all(readPcap(writePcapng(ip), { linktypes: [1, 101] }))).toHaveLength(1);
	});

	test("a pcap file holds one", () => {
		const mixed = [...ip, { timestampNs: 0n, data: new Uint8Array(), linktype: LINKTYPE.ETHERNET }];
		expect(() => writePcap(mixed)).toThrow(expect.objectContaining({ code: "pcap/invalid" }));
		expect(all(readPcap(writePcapng(mixed))).map((packet) => packet.interface)).toEqual([0, 1]);
	});
});

describe("writing", () => {
	test("an empty capture keeps its link type", () => {
		for (const write of [writePcap, writePcapng]) {
			const capture = readPcap(write([], LINKTYPE.RAW));
			expect([capture.linktype, ...capture.packets]).toEqual([LINKTYPE.RAW]);
		}
	});

	test.each([-1n, 2n ** 32n * 10n ** 9n])("a time of %d ns fits no pcap file", (timestampNs) => {
		expect(() => writePcap([{ timestampNs, data: new Uint8Array() }])).toThrow(TailhopError);
	});

	const packet = fc.record({
		timestampNs: fc.bigInt({ min: 0n, max: 2n ** 32n * 10n ** 9n - 1n }),
		data: fc.uint8Array({ maxLength: 80 }),
		originalLength: fc.nat(0xffff_ffff),
	});

	test("what is written is read back", () => {
		fc.assert(
			fc.property(fc.array(packet), fc.constantFrom(writePcap, writePcapng), (packets, write) => {
				const read = all(readPcap(write(packets, LINKTYPE.RAW)));
				expect(read).toEqual(
					packets.map((p) => ({ ...p, data: [...p.data], linktype: LINKTYPE.RAW, interface: 0 })),
				);
			}),
		);
	});

	test("damaged files give packets or a typed error, nothing else", () => {
		const damage = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 4 });
		fc.assert(
			fc.property(
				fc.array(packet, { maxLength: 3 }),
				fc.boolean(),
				damage,
				fc.nat(300),
				(packets, ng, changes, cut) => {
					const bytes = (ng ? writePcapng : writePcap)(packets).slice(0, 40 + cut);
					for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
					try {
						// each record takes at least 12 bytes of the file
						expect(all(readPcap(bytes)).length).toBeLessThanOrEqual(bytes.length / 12);
					} catch (error) {
						expect(error).toBeInstanceOf(TailhopError);
					}
				},
			),
			{ numRuns: 500 },
		);
	});

	test("every cut of a file is a typed error or fewer packets", () => {
		const bytes = writePcapng([1, 2].map((n) => ({ timestampNs: 5n, data: Uint8Array.of(n) })));
		const counts = new Set<number | string>();
		for (let length = 0; length < bytes.length; length++) {
			try {
				counts.add(all(readPcap(bytes.subarray(0, length))).length);
			} catch (error) {
				counts.add((error as TailhopError).code);
			}
		}
		expect(counts).toEqual(new Set(["pcap/invalid", 0, 1]));
	});
});
