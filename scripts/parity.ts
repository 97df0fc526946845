/**
 * Makes docs/parity.md: which helper a program of each hook has here, against Linux 6.18, and how that was checked.
 *
 *     node scripts/run-ts.mjs scripts/parity.ts            writes docs/parity.md from the tables and the evidence
 *     node scripts/run-ts.mjs scripts/parity.ts --check    exit status 1 where it is not what it would write
 *     node scripts/run-ts.mjs scripts/parity.ts --record   runs core's tests first and counts anew what they compare
 *                                                          with the kernel (as root, where bpf(2) is allowed)
 *
 * The evidence is docs/parity-evidence.json: cases of tests by program type and helper (--record), and call sites
 * of objects (`npm run agree -- DIR examples bench packages --fill 6 --evidence docs/parity-evidence.json`).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { helperName, helpersAllowed, isImplemented, prototypeFor } from "@tailhop/core";
import { MISSING, MODELLED } from "./parity/notes.ts";

interface Evidence {
	/** "6 51": program type and helper; how many cases of tests. */
	tests: Record<string, number>;
	/** The same, distinct calls in sample objects that ran on both sides. */
	samples: Record<string, number>;
}

/** BPF_PROG_TYPE_* whose evidence counts for a column. sched_act is sched_cls under another name. */
const HOOKS: readonly (readonly [name: string, types: readonly number[]])[] = [
	["socket_filter", [1]],
	["sched_cls, sched_act", [3, 4]],
	["xdp", [6]],
	["cgroup_skb", [8]],
];

const DOC = resolve("docs/parity.md");
const EVIDENCE = resolve("docs/parity-evidence.json");

const evidence: Evidence = existsSync(EVIDENCE)
	? JSON.parse(readFileSync(EVIDENCE, "utf8"))
	: { tests: {}, samples: {} };
if (process.argv.includes("--record")) {
	evidence.tests = record();
	writeFileSync(EVIDENCE, `${JSON.stringify(evidence, undefined, "\t")}\n`);
}
const text = page(evidence);
if (!process.argv.includes("--check")) writeFileSync(DOC, text);
else if (!existsSync(DOC) || readFileSync(DOC, "utf8") !== text) {
	console.error("docs/parity.md is not what scripts/parity.ts makes: run it");
	process.exitCode = 1;
}

function record(): Record<string, number> {
	const file = join(mkdtempSync(join(tmpdir(), "parity-")), "helpers.json");
	const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "packages/core"], {
		stdio: "inherit",
		env: { ...process.env, TAILHOP_HELPERS: file },
	});
	if (status !== 0) throw new Error("the tests failed: nothing is recorded");
	const counts: Record<string, number> = JSON.parse(readFileSync(file, "utf8"));
	return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A helper under one hook. */
interface Cell {
	readonly text: string;
	readonly kind: "refused" | "missing" | "modelled" | "same" | "elsewhere" | "unchecked";
}

function cell(id: number, types: readonly number[], { tests, samples }: Evidence): Cell {
	if (!helpersAllowed(types[0]!)?.has(id)) return { text: "", kind: "refused" };
	if (!isImplemented(id)) return { text: "missing", kind: "missing" };
	const count = (table: Readonly<Record<string, number>>, of: readonly number[]) =>
		of.reduce((sum, type) => sum + (table[`${type} ${id}`] ?? 0), 0);
	const [cases, sites] = [count(tests, types), count(samples, types)];
	const numbers = cases + sites === 0 ? "" : ` ${cases}${sites === 0 ? "" : ` + ${sites}`}`;
	if (MODELLED[id] !== undefined) return { text: `model${numbers}`, kind: "modelled" };
	if (numbers !== "") return { text: `same${numbers}`, kind: "same" };
	const all = HOOKS.flatMap(([, each]) => each);
	return count(tests, all) + count(samples, all) > 0
		? { text: "same, elsewhere", kind: "elsewhere" }
		: { text: "unchecked", kind: "unchecked" };
}

function page(found: Evidence): string {
	const ids = new Set(HOOKS.flatMap(([, types]) => [...(helpersAllowed(types[0]!) ?? [])]));
	const rows = [...ids]
		.sort((a, b) => a - b)
		.map((id) => ({ id, cells: HOOKS.map(([, types]) => cell(id, types, found)) }));
	const sum = (kind: Cell["kind"], hook: number) =>
		rows.filter(({ cells }) => cells[hook]?.kind === kind).length;
	const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
	const kinds = ["same", "elsewhere", "modelled", "unchecked", "missing"] as const;
	return `# Parity with Linux 6.18

Which helpers a program has here, hook by hook, and how each was checked against the kernel. Made by
\`scripts/parity.ts\` from the tables that the machine runs by, and from counts of what was compared; maps have a page
of their own: [parity-maps.md](parity-maps.md).

- **same N + M**: it does what the kernel does. N cases of the tests ran in a program of this type on the machine and
  in the kernel, to the same result, packet, context, maps and events; M calls in compiled objects did, public samples
  and ours (\`npm run agree\`).
- **same, elsewhere**: checked so, but in programs of another type; the implementation is the same one.
- **model N + M**: it follows the kernel's rules over a world that the Environment declares; the note says which part
  that is. Numbers as above: cases where both worlds are alike.
- **unchecked**: written from the kernel's source, and compared by no test.
- **missing**: a program that calls it stops with \`fault/unimplemented\`; the note says what it would need.
- An empty cell: 6.18 refuses programs of this type that call it.

Which program may call what is asked of the kernel by \`scripts/probe-helpers.ts\`, the fields of contexts by
\`scripts/probe-contexts.ts\`, which map a helper takes by \`scripts/probe-maps.ts\`.

## Whole objects

\`npm run agree -- DIR --fill 6\` runs every program of a folder of objects that can be test-run on the machine and in
the kernel: over 64 packets (IPv4 and IPv6, TCP, UDP, ICMP, ARP, neighbour discovery, VLAN, tunnels, fragments, cut
off, noise), first with the maps that the object has, then with maps that are filled round by round with the keys that
programs asked for, and empty slots with programs. Verdict, packet, context, events and every map are compared. Random
numbers, clocks, cookies and skb hashes are constants on both sides. On the 156 objects of vbpf/ebpf-samples
(325 programs that 6.18 loads, programs of unnamed sections as xdp) no run differs, but for two programs that show an
address (\`exposeptr.o\`) or unwritten stack (\`ringbuf_uninit.o\`); the tool tells these by a second run in which things
lie elsewhere.

${line(["hook", "helpers", ...kinds])}
${line(["---", ...["helpers", ...kinds].map(() => "--:")])}
${HOOKS.map(([name], hook) => line([name, rows.length - sum("refused", hook), ...kinds.map((kind) => sum(kind, hook))])).join("\n")}

## Helpers

${line(["helper", ...HOOKS.map(([name]) => name), "note"])}
${line(["---", ...HOOKS.map(() => "---"), "---"])}
${rows.map(({ id, cells }) => line([`${id} ${nameOf(id)}`, ...cells.map((each) => each.text), note(id)])).join("\n")}
`;
}

function nameOf(id: number): string {
	return prototypeFor(id, 3)?.name ?? helperName(id)?.replace(/^bpf_/, "") ?? "";
}

function note(id: number): string {
	return (isImplemented(id) ? MODELLED[id] : MISSING[id]) ?? "";
}
