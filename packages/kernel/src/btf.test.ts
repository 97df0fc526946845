/** BTF as @tailhop/core writes and checks it, before the judge. */
import { existsSync, readFileSync } from "node:fs";
import { BTF_INT, type Btf, BtfBuilder, readBtf, TailhopError, writeBtf } from "@tailhop/core";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { type Kernel, openKernel } from "./index.ts";

let kernel: Kernel | undefined;
beforeAll(async () => {
	kernel = await openKernel().catch((error: unknown) => {
		expect(error).toMatchObject({ code: "kernel/unavailable" });
		return undefined;
	});
});

/** A test that needs bpf(2): counted as skipped, with the reason, where it isn't allowed. */
const onKernel = (name: string, body: (kernel: Kernel) => void): void =>
	it(name, (context) => {
		if (kernel === undefined) return context.skip("bpf(2) is not allowed here");
		body(kernel);
	});

/** One type of every kind, in the forms that the kernel accepts. */
function everyKind(): Btf {
	const b = new BtfBuilder();
	const int = b.int("int", 4, BTF_INT.SIGNED);
	const u64 = b.int("unsigned long", 8);
	const node = b.declare();
	b.define(
		node,
		BtfBuilder.composite("struct", "node", 40, [
			{ name: "next", type: b.ptr(node), offset: 0 },
			{ name: "name", type: b.array(b.int("char", 1, BTF_INT.SIGNED), 16), offset: 8 },
			{ name: "low", type: int, bitOffset: 192, bitSize: 3 },
			{ name: "high", type: int, bitOffset: 195, bitSize: 29 },
			{ name: "stamp", type: u64, bitOffset: 256, bitSize: 0 },
		]),
	);
	b.union("either", 8, [
		{ name: "wide", type: u64, offset: 0 },
		{ name: "narrow", type: int, offset: 0 },
	]);
	b.enum("state", { DOWN: 0, UP: 1, BROKEN: -1 });
	b.enum64("big", { HUGE: 0x1_0000_0000n, MINUS: -1n });
	b.fwd("elsewhere", true);
	const alias = b.typedef("node_t", b.modifier("const", b.modifier("volatile", node)));
	b.modifier("restrict", b.ptr(b.typeTag("kptr", b.modifier("const", node))));
	b.float("double", 8);
	b.funcProto(int, [
		["ctx", b.ptr(node)],
		["", 0],
	]);
	const main = b.func("main", b.funcProto(int, [["ctx", b.ptr(alias)]]));
	b.declTag("tail:jumps/1", main);
	b.declTag("arg", main, 0);
	b.datasec(".bss", 8, [{ type: b.var("counter", u64), offset: 0, size: 8 }]);
	const map = b.mapDefinition({ type: 2, max_entries: 8 }, { key: int, value: node });
	b.datasec(".maps", map.size, [{ type: b.var("nodes", map.id), offset: 0, size: map.size }]);
	return b.build();
}

onKernel("every kind of type is accepted", (kernel) => {
	const btf = everyKind();
	expect(new Set(btf.types.map((type) => type.kind)).size).toBe(20);
	kernel.loadBtf(writeBtf(btf)).close();
});

onKernel("the kernel's own types are read, and accepted as written anew", (kernel) => {
	const path = "/sys/kernel/btf/vmlinux";
	if (!existsSync(path)) return;
	const bytes = new Uint8Array(readFileSync(path));
	const btf = readBtf(bytes);
	expect(btf.types.length).toBeGreaterThan(10_000);
	const written = writeBtf(btf);
	expect(readBtf(written).types.length).toBe(btf.types.length);
	kernel.loadBtf(written).close();
});

onKernel("what the kernel accepts is read, whatever was changed", (kernel) => {
	const original = writeBtf(everyKind());
	const typeWords = new DataView(original.buffer).getUint32(12, true) / 4;
	const value = fc.oneof(
		fc.nat(40),
		fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x0400_0001, 0x8400_0001, 0x0300_0000),
		fc.nat(0xffff_ffff),
	);
	const edit = fc.record({ word: fc.nat(typeWords - 1), value, flip: fc.option(fc.nat(31)) });
	let accepted = 0;
	fc.assert(
		fc.property(fc.array(edit, { minLength: 1, maxLength: 2 }), (edits) => {
			const bytes = original.slice();
			const view = new DataView(bytes.buffer);
			for (const { word, value, flip } of edits) {
				const at = 24 + word * 4;
				view.setUint32(at, flip === null ? value : view.getUint32(at, true) ^ (1 << flip), true);
			}
			try {
				kernel.loadBtf(bytes).close();
			} catch (error) {
				expect(error).toMatchObject({ code: "kernel/rejected" });
				return;
			}
			accepted++;
			try {
				readBtf(bytes);
			} catch (error) {
				// the one stricter rule: an int with unused bytes behind the end of its struct
				if (!(error instanceof TailhopError) || !/ends at bit/.test(error.message)) throw error;
			}
		}),
		{ numRuns: 500 },
	);
	expect(accepted).toBeGreaterThan(10);
});
