import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openKernel } from "@tailhop/kernel";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, describe, expect, it, vi } from "vitest";

const out: string[] = [];
const err: string[] = [];
vi.mock("./output.ts", async (original) => ({
	...(await original<typeof import("./output.ts")>()),
	printLine: (line = "") => out.push(line),
	printError: (line: string) => err.push(line),
}));
const { main } = await import("./main.ts");

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const REJECTED = path("packages/testing/fixtures/rejected/rejected.o");
const ajv = new Ajv2020({ strict: true, strictTypes: false });
for (const name of ["common", "verify"])
	ajv.addSchema(JSON.parse(readFileSync(new URL(`../schema/${name}.schema.json`, import.meta.url), "utf8")));
const folder = mkdtempSync(join(tmpdir(), "tailhop-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** `tailhop verify …`: its status and what it printed, without colours and times. */
async function verify(...argv: string[]) {
	out.length = 0;
	err.length = 0;
	const status = await main(["verify", ...argv]);
	const plain = (lines: string[]) =>
		lines
			.join("\n")
			// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
			.replace(/\u001b\[\d+m/g, "")
			.replace(/[\d.]+ ms/g, "N ms");
	return { status, out: plain(out), err: plain(err) };
}

async function records(...argv: string[]) {
	const { status } = await verify(...argv, "--json");
	const lines = out.map((line) => JSON.parse(line));
	const validate = ajv.getSchema("urn:tailhop:verify:1")!;
	for (const line of lines) expect(validate(line), JSON.stringify(validate.errors)).toBe(true);
	return { status, lines };
}

let files = 0;
function assembly(text: string): string {
	const file = join(folder, `program${files++}.asm`);
	writeFileSync(file, text);
	return file;
}

/** The explanation of the one program of an assembly text. */
async function explained(text: string, ...argv: string[]) {
	const { lines } = await records(assembly(text), "--explain", ...argv);
	return lines[0].explanation;
}

const kernel = await openKernel().then(
	() => true,
	() => false,
);
const onKernel = (name: string, body: () => Promise<void>): void =>
	it(name, async (context) => (kernel ? body() : context.skip("bpf(2) is not allowed here")));

const TWO = ".section xdp\n.globl good\ngood:\n r0 = 2\n exit\n.globl bad\nbad:\n exit\n";

describe("verdicts", () => {
	it("says of each program whether it is accepted, and shows the end of a rejected one's log", async () => {
		const { status, out } = await verify(assembly(TWO));
		expect(status).toBe(1);
		expect(out).toMatch(/good, section xdp, 2 instructions\n {2}accepted\n {2}2 instructions walked, /);
		expect(out).toMatch(
			/bad, .*\n {2}rejected: EACCES: R0 !read_ok\n.*\n {2}\| 0: R1=ctx\(\) R10=fp0\n {2}\| ;.*\n {2}\| 0: \(95\) exit\n {2}\| R0 !read_ok/,
		);
		expect(out).toContain("2 programs, 1 accepted, 1 rejected");
		expect((await verify(assembly(TWO), "good")).status).toBe(0);
		expect((await verify(assembly(TWO), "ugly")).err).toMatch(/Programs: good, bad/);
	});

	it("the log is the kernel's at the level asked for", async () => {
		const two = await verify(assembly(TWO), "good", "--log-level", "2");
		expect(two.out).toContain("| Live regs before insn:");
		expect(two.out).toContain("| 0: (b7) r0 = 2");
		expect((await verify(assembly(TWO), "bad", "--log-level", "0")).out).not.toContain("|");
		expect((await verify(assembly(TWO), "good", "--log-level", "4")).out).toContain("| stack depth 0");
	});

	it("says what is not modelled, and that this is no verdict", async () => {
		const iterator = ".section iter/task\n.globl walk\nwalk:\n r0 = 0\n exit\n";
		const { status, lines } = await records(assembly(iterator));
		expect(status).toBe(3);
		expect(lines).toMatchObject([{ verdict: "unsupported", unsupported: expect.any(String) }]);
		expect((await verify(assembly(iterator))).out).toMatch(/no verdict: not modelled here: /);
	});

	it("--privilege: who loads decides what is allowed", async () => {
		const leak = ".section socket\n.globl leak\nleak:\n r0 = r1\n exit\n";
		expect((await verify(assembly(leak), "--privilege", "root")).status).toBe(0);
		expect((await verify(assembly(leak), "--privilege", "bpf")).out).toContain(
			"R0 leaks addr as return value",
		);
		expect((await verify(assembly(TWO), "good", "--privilege", "unprivileged")).out).toContain(
			"rejected: EPERM",
		);
	});

	it.each<[text: RegExp, ...argv: string[]]>([
		[/--log-level takes 0 to 7/, "--log-level", "9"],
		[/--privilege takes root, bpf, unprivileged/, "--privilege", "king"],
		[/--format takes 6\.18, 7\.3/, "--format", "5"],
		[/--reporter takes github, junit/, "--reporter", "tap"],
		[/Take one/, "--reporter", "junit", "--json"],
	])("usage: %s", async (text, ...argv) => {
		const { status, out, err } = await verify(assembly(TWO), ...argv);
		expect(status).toBe(2);
		expect(out + err).toMatch(text);
	});

	onKernel("--kernel: both sides, and that they say the same", async () => {
		const { status, out } = await verify(assembly(TWO), "--kernel");
		expect(status).toBe(1);
		expect(out).toMatch(/tailhop accepted\n {2}kernel {2}accepted, 2 instructions walked, \d+ bytes/);
		expect(out).toMatch(/kernel {2}rejected: EACCES: R0 !read_ok, 1 instruction walked/);
		expect(out).toContain("2 programs, 1 accepted, 1 rejected, 0 different in the kernel");
		// one program's answer doesn't hang on another's: the array's first user would decide its owner
		const call = "r2 = jumps ll\n r3 = 0\n call bpf_tail_call\n r0 = 0\n exit\n";
		const kinds = `.map jumps type=prog_array max_entries=1\n.section xdp\n.globl a\na:\n ${call}.section tc\n.globl b\nb:\n ${call}`;
		expect(await records("--kernel", assembly(kinds))).toMatchObject({
			status: 0,
			lines: [{ differences: [] }, { differences: [] }],
		});
	});

	onKernel(
		"--kernel --privilege: the kernel is asked with the same capabilities, and others come back",
		async () => {
			const leak = ".section socket\n.globl leak\nleak:\n r0 = r1\n exit\n";
			const { out } = await verify(assembly(leak), "--kernel", "--privilege", "bpf");
			expect(out).toMatch(/kernel {2}rejected: EACCES: R0 leaks addr as return value/);
			expect(out).toContain("the same");
			expect((await verify(assembly(leak), "--kernel")).out).toMatch(/kernel {2}accepted/);
			if (readFileSync("/proc/sys/kernel/unprivileged_bpf_disabled", "utf8").trim() === "0") return;
			const refused = await verify(assembly(TWO), "--kernel", "--privilege", "unprivileged");
			expect(refused).toMatchObject({ status: 1, out: "" });
			expect(refused.err).toMatch(/refuses users without CAP_BPF everything/);
		},
	);

	onKernel("the kernel agrees on every rejected fixture", async () => {
		const { lines } = await records(REJECTED, "--kernel", "--log-level", "0");
		expect(lines.length).toBeGreaterThan(12);
		for (const line of lines) expect(line).toMatchObject({ verdict: "rejected", differences: [] });
	});
});

describe("--explain", () => {
	it("tells of each fixture what is wrong, how it came to be, and what helps", async () => {
		const { status, out } = await verify(REJECTED, "--explain");
		expect(status).toBe(1);
		await expect(`${out}\n`).toMatchFileSnapshot("golden/verify-explain.txt");
	});

	// each program is one mistake: the rule that it breaks, and what the suggestion must name
	it.each<[rule: string, suggestion: RegExp, code: string, ...argv: string[]]>([
		["no-return-value", /return XDP_DROP/, "exit"],
		["call-clobbers", /r6 = r1/, "call bpf_ktime_get_ns\n r0 = *(u32 *)(r1 + 0)\n exit"],
		["unreadable-register", /Initialise/, "r0 = r3\n exit"],
		["frame-pointer", /Copy it/, "r10 = 0\n exit"],
		["division", /constant/, "r0 = 1\n r0 /= 0\n exit"],
		["stack-bounds", /fp-520/, "r0 = 0\n *(u64 *)(r10 - 520) = r0\n exit"],
		["number-as-pointer", /pointer/, "r2 = 4096\n r0 = *(u64 *)(r2 + 0)\n exit"],
		["pointer-arithmetic", /numbers only/, "r1 *= 4\n r0 = 0\n exit"],
		["context-access", /ingress_ifindex/, "r0 = *(u64 *)(r1 + 12)\n exit"],
		["unreachable", /Remove/, "r0 = 0\n exit\n r0 = 1\n exit"],
		["argument-type", /Argument 1 must be one of: fp/, "r1 = 0\n r2 = 4\n call bpf_trace_printk\n exit"],
		["address-leak", /number/, "r0 = r1\n exit", "--privilege", "bpf"],
		[
			"helper-size",
			/> 8\)/,
			"r2 = *(u32 *)(r1 + 16)\n r2 |= 1\n r1 = r10\n r1 += -8\n call bpf_trace_printk\n exit",
		],
	])("%s", async (rule, suggestion, code, ...argv) => {
		const why = await explained(`.license "GPL"\n.section xdp\n.globl main\nmain:\n ${code}\n`, ...argv);
		expect(why.rule).toBe(rule);
		expect(`${why.suggestion.text} ${why.suggestion.code}`).toMatch(suggestion);
	});

	it("follows a value through spills, fills and copies, and names the step that lost the bound", async () => {
		const why = await explained(`.map values type=array key_size=4 value_size=64 max_entries=1
.section xdp
.globl main
main:
 r6 = *(u32 *)(r1 + 16)
 r6 &= 7
 r6 += -8
 *(u64 *)(r10 - 16) = r6
 r2 = r10
 r2 += -4
 *(u32 *)(r10 - 4) = 0
 r1 = values ll
 call bpf_map_lookup_elem
 if r0 == 0 goto out
 r3 = *(u64 *)(r10 - 16)
 r0 += r3
 r1 = *(u8 *)(r0 + 0)
out:
 r0 = 2
 exit
`);
		expect(why.rule).toBe("index-bounds");
		expect(
			why.origin.map(({ kind, holder }: { kind: string; holder: string }) => `${kind} ${holder}`),
		).toEqual(["made r6", "computed r6", "widened r6", "spilled fp-16", "filled r3", "computed r0"]);
		expect(why.origin[2].words).toContain("now it may be negative: -8 to -1");
		expect(why.missing).toBe("no comparison on this path bounds it");
	});

	it("tells a loop's turns once, and has nothing to say of accepted programs", async () => {
		const why = await explained(
			".section xdp\n.globl main\nmain:\n r6 = 0\nagain:\n r6 += 1\n if r6 < 10 goto again\n exit\n",
		);
		expect(why.path.map(({ times }: { times: number }) => times)).toEqual([9, 1]);
		expect(await explained(".section xdp\n.globl main\nmain:\n r0 = 2\n exit\n")).toBeUndefined();
	});
});

describe("--heat, --format, --reporter", () => {
	it("--heat: all instructions walked, by source line", async () => {
		const { lines } = await records(path("examples/chain/chain.o"), "route", "--heat");
		const { heat, stats } = lines[0];
		const sum = heat.lines.reduce((total: number, { visits }: { visits: number }) => total + visits, 0);
		expect(sum + heat.unknown).toBe(stats.insnsProcessed);
		expect((await verify(path("examples/chain/chain.o"), "route", "--heat")).out).toMatch(
			/33 █{24} {2}129 {2}counter->bytes \+= /,
		);
	});

	it("--format 7.3: the classical last line, the headed blocks, the statistics", async () => {
		const { out } = await verify(REJECTED, "off_by_one", "--format", "7.3", "--log-level", "1");
		await expect(`${out}\n`).toMatchFileSnapshot("golden/verify-7.3.txt");
	});

	it("--reporter github: an annotation a program, at the line", async () => {
		const { out } = await verify(REJECTED, "off_by_one", "--reporter", "github");
		expect(out).toMatch(
			/^::error file=\S*rejected\.c,line=\d+,title=off_by_one%3A .*::EACCES: R0 max value .*%0A16 elements/,
		);
	});

	it("--reporter junit: a case a program, with what XML forbids escaped", async () => {
		const { out } = await verify(assembly(TWO), "--reporter", "junit");
		expect(out).toContain('<testsuites tests="2" failures="1" skipped="0">');
		expect(out).toMatch(/name="good" time="\d+\.\d{3}"\/>/);
		expect(out).toMatch(/<failure message="bad: No return value on this path">EACCES: R0 !read_ok\n/);
		expect((await verify(REJECTED, "off_by_one", "--reporter", "junit")).out).toContain(
			"if (queue &gt;= 16)",
		);
	});
});
