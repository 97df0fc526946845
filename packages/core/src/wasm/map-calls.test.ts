import { check } from "@tailhop/testing";
import { describe, test } from "vitest";

// Map operations as compiled programs do them, on the interpreter and the kernel too: r0 and all entries are compared.

/** Key and value on the stack, not zero; then an update whose result goes to r6. */
const update = (key: number, flags: number) => `
	r1 = 0x0102030405060708 ll
	${Array.from({ length: 13 }, (_, i) => `*(u64 *)(r10 - ${120 - 8 * i}) = r1; r1 += ${i + 3}`).join("\n")}
	*(u32 *)(r10 - 4) = ${key}
	r1 = m ll; r2 = r10; r2 += -4; r3 = r10; r3 += -120; r4 = ${flags}
	call 2
	r6 = r0
`;

/** A lookup; r0: the first byte of the value, 256 for none, and in the upper half what the update said. */
const lookup = (key: number) => `
	*(u32 *)(r10 - 4) = ${key}
	r1 = m ll; r2 = r10; r2 += -4
	call 1
	r1 = 256
	if r0 == 0 goto none
	r1 = *(u8 *)(r0 + 0)
none:
	r0 = r6
	r0 <<= 32
	r0 |= r1
	exit
`;

describe.each(["array", "percpu_array"])("%s", (type) => {
	test.each([1, 2, 3, 4, 7, 8, 12, 16, 24, 63, 64, 65, 72, 100])("values of %i bytes", async (valueSize) => {
		for (const maxEntries of [1, 3])
			await check({
				maps: [{ name: "m", type, valueSize, maxEntries }],
				asm: update(maxEntries - 1, 0) + lookup(maxEntries - 1),
				expect: 8,
			});
	});

	test.each([
		[0, 0, 0n],
		[0, 2, 0n],
		[0, 1, -17n],
		[3, 0, -7n],
		[3, 1, -7n],
		[-1, 2, -7n],
		[0, 3, -22n],
		[0, 4, -22n],
		[0, 8, -22n],
	])("an update of %i with flags %i is %i", async (key, flags, result) => {
		const done = result === 0n ? 8n : key === 0 ? 0n : 256n;
		await check({
			maps: [{ name: "m", type, valueSize: 16, maxEntries: 3 }],
			asm: update(key, flags) + lookup(key),
			expect: BigInt.asUintN(64, (result << 32n) | done),
		});
	});
});

describe.each(["hash", "percpu_hash", "lru_hash", "lru_percpu_hash"])("%s", (type) => {
	test.each([1, 3, 4, 5, 7, 8, 12, 13, 15, 16, 17, 20, 40])("keys of %i bytes", async (keySize) => {
		// the last byte of the key differs from that of another key
		const at = 48 - keySize + 1;
		const asm = `
			r1 = 0x1112131415161718 ll
			${Array.from({ length: 6 }, (_, i) => `*(u64 *)(r10 - ${48 - 8 * i}) = r1; r1 += ${i + 3}`).join("\n")}
			*(u64 *)(r10 - 56) = 7
			r1 = m ll; r2 = r10; r2 += -48; r3 = r10; r3 += -56; r4 = 0; call 2
			*(u8 *)(r10 - ${at}) = 0xee
			*(u64 *)(r10 - 56) = 9
			r1 = m ll; r2 = r10; r2 += -48; r3 = r10; r3 += -56; r4 = 1; call 2
			r1 = m ll; r2 = r10; r2 += -48; call 1
			if r0 == 0 goto out
			r6 = *(u64 *)(r0 + 0)
			*(u8 *)(r10 - ${at}) = 0xef
			r1 = m ll; r2 = r10; r2 += -48; call 1
			if r0 != 0 goto out
			r0 = r6
			out: exit`;
		await check({ maps: [{ name: "m", type, keySize, maxEntries: 4 }], asm, expect: 9 });
	});
});

test.each([
	["percpu_array", 1],
	["percpu_array", 3],
	["percpu_hash", 3],
	["lru_percpu_hash", 3],
])(
	"%s of %i entries: a program has its own CPU's value, and none for an unknown key",
	async (type, maxEntries) => {
		const none = (key: number) =>
			`*(u32 *)(r10 - 4) = ${key}; r1 = m ll; r2 = r10; r2 += -4; call 1; if r0 != 0 goto out`;
		await check({
			maps: [{ name: "m", type, valueSize: 12, maxEntries }],
			environment: { cpus: 4, cpu: 2 },
			asm: `${update(0, 0)} ${none(7)}
			*(u32 *)(r10 - 4) = 0; r1 = m ll; r2 = r10; r2 += -4; call 1
			if r0 == 0 goto out
			r0 = *(u64 *)(r0 + 0)
			out: exit`,
			kernel: { cannot: "the CPU is chosen" },
			expect: {
				r0: 0x0102030405060708n,
				maps: {
					m: [0, 1, 2]
						.slice(0, type === "percpu_array" ? maxEntries : 1)
						.map((key) => [key, key === 0 ? "0807060504030201 0b070605 00000000" : "00".repeat(16)] as const),
				},
			},
		});
	},
);
