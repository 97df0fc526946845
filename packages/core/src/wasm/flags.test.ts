import { check } from "@tailhop/testing";
import { describe, test } from "vitest";

/** Loads what a test compares from the packet, so that nothing is known before it runs. */
const packetBytes = (rest: string) => `
	r2 = *(u32 *)(r1 + 4)
	r1 = *(u32 *)(r1 + 0)
	r3 = r1; r3 += 14
	r0 = -1
	if r3 > r2 goto out
	${rest}
out: exit`;
const packet = Uint8Array.of(5, 9, 0x12, 0x34, 0xfe, 0xdc, 0, 0x80, 1, 2, 3, 4, 5, 6);

describe("a comparison as a number", () => {
	test.each([
		["1 if greater", "r0 = 1; if r4 > 4 goto out; r0 = 0", 1],
		["1 if not less", "r0 = 1; if r4 < 6 goto out; r0 = 0", 1],
		["0 if greater", "w0 = 0; if r4 > 4 goto out; w0 = 1", 0],
		["1 unless equal", "r0 = 0; if w4 == 9 goto out; r0 = 1", 1],
		["by bits", "r0 = 1; if r4 & 4 goto out; r0 = 0", 1],
		["by bits, the other way", "r0 = 0; if r4 & 4 goto out; r0 = 1", 0],
		["by bits, in 32", "r0 = 1; if w4 & 4 goto out; r0 = 0", 1],
		["by bits, in 32, the other way", "r0 = 0; if w4 & 4 goto out; r0 = 1", 0],
		["of the register itself", "r0 = 1; if r0 > r4 goto out; r0 = 0", 0],
		["behind a branch of its own", "r0 = 1; if r4 == 5 goto l; r0 = 7; l: if r4 == 5 goto out; r0 = 0", 1],
		[
			"two in a row",
			"r0 = 1; if r4 > 4 goto l; r0 = 0; l: r5 = 1; if r4 > 5 goto m; r5 = 0; m: r0 <<= 1; r0 += r5",
			2,
		],
		["of another number", "r0 = 2; if r4 > 4 goto out; r0 = 0", 2],
	])("%s", async (_, text, expected) => {
		await check({ asm: packetBytes(`r4 = *(u8 *)(r1 + 0); ${text}`), packet, expect: expected });
	});
});
