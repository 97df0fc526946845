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

/** Kinds that the machine does not have yet; a row leaves this list when its kind arrives. */
const WAITING = new Map([["lpm", "LPM tries"]]);

for (const row of ROWS) {
	test(`${row.name}: the same on every engine, three runs long`, async () => {
		const linked = link(parse(await fixture(`bench/programs/${row.object}.o`)), { rodata: row.rodata ?? {} });
		const step = { run: "work", packet: benchPacket() };
		const run = checkObject(linked, [step, step, step], {
			entries: entriesOf(row),
			// which entries an LRU evicts is the kernel's own business on each CPU
			ignoreMaps: row.lru ? ["flows"] : [],
		});
		if (WAITING.has(row.name)) await expect(run).rejects.toMatchObject({ code: "machine/unsupported" });
		else await run;
	});
}

test("prime counts the primes below 600", async () => {
	const linked = link(parse(await fixture("bench/programs/prime.o")));
	// 2 is not among the odd numbers
	await checkObject(linked, [{ run: "work", packet: benchPacket(), expect: { verdict: 109 - 1 } }]);
});

test("every program of the benchmark is a row, but the baseline and the one that waits for LPM tries", () => {
	const objects = fixtureNames
		.filter((name) => name.startsWith("bench/programs/"))
		.map((name) => name.slice(15, -2));
	const rows = ROWS.map((row) => row.object);
	expect(objects.filter((name) => !rows.includes(name))).toEqual(["nop", "route"]);
});
