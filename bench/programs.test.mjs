import { link, parse } from "@tailhop/core";
import { checkObject, fixture, fixtureNames } from "@tailhop/testing";
import { expect, test } from "vitest";
import { benchPacket } from "./packet.mjs";
import { ROWS } from "./rows.mjs";

/** What a row's `fill` puts in, as the harness takes it. */
function entriesOf(row) {
	const entries = {};
	row.fill?.((name) => ({
		hostUpdate(key, value) {
			entries[name] = [...(entries[name] ?? []), [key, value]];
			return 0;
		},
	}));
	return entries;
}

for (const row of ROWS.filter((each) => !each.apart && !each.mixed)) {
	test(`${row.name}: the same on every engine, run after run`, async () => {
		const linked = link(parse(await fixture(`bench/programs/${row.object}.o`)), { rodata: row.rodata ?? {} });
		const packets = row.packets ?? [benchPacket(), benchPacket(), benchPacket()];
		const steps = packets.map((packet) => ({ run: "work", packet }));
		await checkObject(linked, steps, {
			entries: entriesOf(row),
			// which entries an LRU evicts is the kernel's own business on each CPU
			ignoreMaps: row.lru ? ["flows"] : [],
		});
	});
}

test("prime counts the primes below 600", async () => {
	const linked = link(parse(await fixture("bench/programs/prime.o")));
	// 2 is not among the odd numbers
	await checkObject(linked, [{ run: "work", packet: benchPacket(), expect: { verdict: 109 - 1 } }]);
});

test("every program of the benchmark is a row, but the baseline", () => {
	const objects = fixtureNames
		.filter((name) => name.startsWith("bench/programs/"))
		.map((name) => name.slice(15, -2));
	const rows = ROWS.map((row) => row.object);
	expect(objects.filter((name) => !rows.includes(name))).toEqual(["nop"]);
});
