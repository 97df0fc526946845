import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";

const out: string[] = [];
const err: string[] = [];
vi.mock("./output.ts", async (original) => ({
	...(await original<typeof import("./output.ts")>()),
	printLine: (line = "") => out.push(line),
	printError: (line: string) => err.push(line),
}));
const { main } = await import("./main.ts");

const example = (name: string) => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
const schema = JSON.parse(readFileSync(new URL("../schema/run.schema.json", import.meta.url), "utf8"));
const validate = new Ajv2020({ strict: true, strictTypes: false }).compile(schema);
const folder = mkdtempSync(join(tmpdir(), "tailhop-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command line; its status and what it printed, without colours. */
async function tailhop(...argv: string[]) {
	out.length = 0;
	err.length = 0;
	const status = await main(argv);
	// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
	const plain = (lines: string[]) => lines.join("\n").replace(/\u001b\[\d+m/g, "");
	return { status, out: plain(out), err: plain(err) };
}

/** The JSON lines of a run, each of them checked against the schema. */
async function records(...argv: string[]) {
	const { status } = await tailhop(...argv, "--json");
	const lines = out.map((line) => JSON.parse(line));
	for (const line of lines) expect(validate(line), JSON.stringify(validate.errors)).toBe(true);
	return { status, lines };
}

function file(name: string, text: string | Uint8Array): string {
	const path = join(folder, name);
	writeFileSync(path, text);
	return path;
}

beforeEach(() => {
	out.length = 0;
	err.length = 0;
});

describe("run", () => {
	it("shows the chain of one packet, its missed hop, and the verdict", async () => {
		const { status, out } = await tailhop(
			"run",
			example("hello/hello.o"),
			"--packet",
			"0200000000010200000000020800",
		);
		expect(status).toBe(0);
		expect(out).toMatch(/first +\S*hello\.c:\d+ +hops\[1\] +✗ empty slot/);
		expect(out).toMatch(/hops\[0\] +→ second/);
		expect(out).toContain("verdict XDP_PASS (2)");
		expect(out).toContain("verified: false");
	});

	it("prints a record a packet that the schema describes", async () => {
		const { status, lines } = await records(
			"run",
			example("chain/chain.o"),
			"--pcap",
			example("chain/packets.pcap"),
		);
		expect(status).toBe(0);
		expect(lines).toHaveLength(21);
		expect(lines[0]).toMatchObject({ schema: 1, program: "parse", engine: "interpreter", verified: false });
		expect(lines[0].hops[0]).toMatchObject({
			from: { program: "parse" },
			outcome: "taken",
			to: "ipv4",
			count: 0,
			static: true,
		});
	});

	it("fills maps by BTF types, slots by program name, and global variables", async () => {
		const set = (...settings: string[]) => settings.flatMap((each) => ["--set", each]);
		const pcap = ["--pcap", example("chain/packets.pcap")];
		const { lines } = await records("run", example("chain/chain.o"), ...pcap, ...set("protocols[58]=echo"));
		expect(
			lines.filter(({ hops }) => hops.some((hop: { outcome: string }) => hop.outcome === "empty")),
		).toHaveLength(1);
	});

	it("lists the candidates when there are several entry points, and the programs for a wrong name", async () => {
		const two = file("two.asm", ".section xdp\n.globl a\na:\n r0 = 1\n exit\n.globl b\nb:\n r0 = 2\n exit\n");
		const { status, err } = await tailhop("run", two);
		expect(status).toBe(2);
		expect(err).toMatch(/a, b/);
		const wrong = await tailhop("run", two, "--program", "c");
		expect(wrong.status).toBe(1);
		expect(wrong.err).toMatch(/a, b/);
		expect((await tailhop("run", two, "--program", "b")).out).toContain("verdict XDP_PASS (2)");
	});

	it("a fault names program, instruction and source line, exits 1, and is a valid record", async () => {
		const bad = file(
			"bad.asm",
			".section xdp\n.globl bad\nbad:\n r2 = *(u32 *)(r1 + 0)\n r0 = *(u8 *)(r2 + 100)\n exit\n",
		);
		const { status, lines } = await records("run", bad, "--packet", "00".repeat(60));
		expect(status).toBe(1);
		expect(lines[0].error).toMatchObject({
			code: "fault/access",
			where: { program: "bad", insn: 1, line: 5 },
		});
		const { err, out } = await tailhop("run", bad, "--packet", "00".repeat(60));
		expect(out + err).toMatch(/bad\.asm:5/);
	});

	it("an endless loop ends by the budget", async () => {
		const loop = file("loop.asm", ".section xdp\n.globl loop\nloop:\n r0 = 0\nagain:\n goto again\n");
		const { status, lines } = await records("run", loop, "--budget", "1000");
		expect(status).toBe(1);
		expect(lines[0].error.code).toBe("fault/budget");
	});

	it("writes the packets as the program left them", async () => {
		const path = join(folder, "out.pcap");
		const { status } = await tailhop(
			"run",
			example("chain/chain.o"),
			"--pcap",
			example("chain/packets.pcap"),
			"--write-pcap",
			path,
		);
		expect(status).toBe(0);
		const again = await records("run", example("hello/hello.o"), "--pcap", path);
		expect(again.lines).toHaveLength(21);
	});
});

describe("what cannot be", () => {
	it.each<[string, number, RegExp, ...string[]]>([
		["no command", 2, /Usage/],
		["an unknown command", 2, /no command "walk"/, "walk"],
		["an unknown option", 2, /--fast/, "run", "x.o", "--fast"],
		["no file", 2, /FILE is missing/, "run"],
		["a file that isn't there", 1, /cli\/io.*no such file/, "run", "nothing.o"],
		["an odd number of digits", 2, /hex/, "run", example("hello/hello.o"), "--packet", "abc"],
		["an unknown engine", 2, /interpreter, kernel/, "run", example("hello/hello.o"), "--engine", "warp"],
		["an unknown map", 1, /Maps: .*hops/, "run", example("hello/hello.o"), "--set", "nope[1]=2"],
		["a setting that isn't one", 2, /MAP\[KEY\]=VALUE/, "run", example("hello/hello.o"), "--set", "nope"],
		["no object", 1, /elf\/invalid/, "run", example("chain/chain.c")],
		["asm without -o", 2, /-o/, "asm", "x.asm"],
	])("%s", async (_what, status, text, ...argv) => {
		const result = await tailhop(...argv);
		expect(result.out + result.err).toMatch(text);
		expect(result.status).toBe(status);
	});

	it("with --json errors are records too", async () => {
		const { status, lines } = await records("run", "nothing.o");
		expect(status).toBe(1);
		expect(lines[0].error).toMatchObject({ code: "cli/io", where: { file: "nothing.o" } });
	});
});

describe("inspect, disasm, asm", () => {
	it("inspect names programs, slots with who fills them, and call sites", async () => {
		const { status, out } = await tailhop("inspect", example("hello/hello.o"));
		expect(status).toBe(0);
		expect(out).toMatch(/first .*entry/);
		expect(out).toMatch(/\[0\] second +by values/);
		expect(out).toMatch(/tail call hops\[0\] → second +\S*hello\.c:\d+, static/);
	});

	it("inspect --json is one object", async () => {
		await tailhop("inspect", example("chain/chain.o"), "--json");
		const report = JSON.parse(out[0]!);
		expect(report.programs.map((each: { name: string }) => each.name)).toContain("route");
		expect(report.unimplemented).toEqual({ helpers: [], kfuncs: [], mapTypes: [] });
	});

	it("disasm prints source lines, maps by name and targets", async () => {
		const { status, out } = await tailhop("disasm", example("hello/hello.o"), "first");
		expect(status).toBe(0);
		expect(out).toContain("hops ll");
		expect(out).toMatch(/hello\.c:\d+/);
	});

	it("asm writes an object that runs", async () => {
		const source = file(
			"chain.asm",
			".map jumps type=prog_array max_entries=2 values=1:next\n.section xdp\n.globl entry\nentry:\n r2 = jumps ll\n r3 = 1\n call bpf_tail_call\n r0 = 0\n exit\n.globl next\nnext:\n r0 = 2\n exit\n",
		);
		const object = join(folder, "chain.o");
		expect((await tailhop("asm", source, "-o", object)).status).toBe(0);
		const { lines } = await records("run", object, "--program", "entry");
		expect(lines[0]).toMatchObject({
			verdict: { code: 2 },
			hops: [{ slot: 1, outcome: "taken", to: "next" }],
		});
	});

	it("every command explains itself", async () => {
		for (const command of ["run", "inspect", "disasm", "asm"]) {
			const { status, out } = await tailhop(command, "--help");
			expect(status).toBe(0);
			expect(out).toContain(`Usage: tailhop ${command}`);
		}
	});
});
