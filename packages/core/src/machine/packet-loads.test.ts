import { check } from "@tailhop/testing";
import { describe, it } from "vitest";

/** 64 bytes: 0, 1, 2, … */
const packet = Uint8Array.from({ length: 64 }, (_, i) => i);

describe("LD_ABS and LD_IND", () => {
	it("load big-endian numbers of the packet", async () => {
		await check({ type: "tc", packet, asm: "r6 = r1; r0 = *(u16 *)skb[16]; exit", expect: 0x1011 });
		await check({ type: "tc", packet, asm: "r6 = r1; r0 = *(u32 *)skb[20]; exit", expect: 0x14151617 });
		await check({ type: "tc", packet, asm: "r6 = r1; r7 = 30; r0 = *(u8 *)skb[r7 + 3]; exit", expect: 33 });
	});
	it("a socket filter counts from the network header", async () => {
		await check({ type: "socket", packet, asm: "r6 = r1; r0 = *(u8 *)skb[0]; exit", expect: 14 });
	});
	it("outside the packet the program ends with 0", async () => {
		await check({ type: "tc", packet, asm: "r6 = r1; r0 = *(u32 *)skb[62]; r0 = 7; exit", expect: 0 });
	});
	it("in a subprogram the function ends with 0", async () => {
		await check({
			type: "tc",
			packet,
			asm: "r6 = r1\n call f\n r0 += 5\n exit\nf:\n r6 = r1\n r0 = *(u32 *)skb[100]\n r0 = 7\n exit",
			expect: 5,
		});
	});
	it("r6 must be the context", async () => {
		await check({
			type: "tc",
			packet,
			asm: "r6 = 1; r0 = *(u8 *)skb[0]; exit",
			expect: { fault: "fault/argument" },
		});
	});
});
