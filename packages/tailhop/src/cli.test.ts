import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openKernel } from "@tailhop/kernel";
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
const fixture = (name: string) => fileURLToPath(new URL(`../../testing/fixtures/${name}`, import.meta.url));
const ajv = new Ajv2020({ strict: true, strictTypes: false });
for (const name of ["common", "run", "inspect", "disasm", "asm", "verify", "diff"]) {
	const path = new URL(`../schema/${name}.schema.json`, import.meta.url);
	ajv.addSchema(JSON.parse(readFileSync(path, "utf8")));
}
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

/** The JSON lines of a command, each of them checked against its schema. */
async function records(...argv: string[]) {
	const { status } = await tailhop(...argv, "--json");
	const lines = out.map((line) => JSON.parse(line));
	const validate = ajv.getSchema(`urn:tailhop:${argv[0]}:1`)!;
	for (const line of lines) expect(validate(line), JSON.stringify(validate.errors)).toBe(true);
	return { status, lines };
}

/** Whether bpf(2) is allowed here; tests without it say what they then expect, or are counted as skipped. */
const kernel = await openKernel().then(
	() => true,
	() => false,
);
const onKernel = (name: string, body: () => Promise<void>): void =>
	it(name, async (context) => (kernel ? body() : context.skip("bpf(2) is not allowed here")));

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
		expect(out).toContain("engine wasm, verified: true");
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
		expect(lines[0]).toMatchObject({ schema: 1, program: "parse", engine: "wasm", verified: true });
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

	it("empties a slot, and names the programs for one that isn't there", async () => {
		const { lines } = await records("run", example("hello/hello.o"), "--set", "hops[0]=");
		expect(lines[0].hops.map((hop: { outcome: string }) => hop.outcome)).toEqual(["empty", "empty"]);
		const { err } = await tailhop("run", example("hello/hello.o"), "--set", "hops[0]=nobody");
		expect(err).toMatch(/no program nobody[\s\S]*Programs: .*first/);
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

	it("compiled: the same, hop for hop", async () => {
		const chain = ["run", example("chain/chain.o"), "--pcap", example("chain/packets.pcap")];
		const compiled = await records(...chain, "--engine", "wasm");
		const interpreted = await records(...chain);
		expect(compiled.lines).toEqual(interpreted.lines.map((each) => ({ ...each, engine: "wasm" })));
	});

	it("--rodata sets a constant before linking, and only a constant", async () => {
		const lonely = ["run", fixture("loader/loader.o"), "--program", "lonely"];
		const verdict = async (...more: string[]) => (await records(...lonely, ...more)).lines[0].verdict.code;
		expect((await verdict("--rodata", "port=443")) - (await verdict())).toBe(443 - 80);
		const wrong = await tailhop(...lonely, "--rodata", "counter=1");
		expect(wrong).toMatchObject({ status: 2, err: expect.stringContaining("--set 'counter=1'") });
		expect((await tailhop(...lonely, "--rodata", "calls[1]=2")).err).toContain("VARIABLE=VALUE");
		expect((await tailhop(...lonely, "--rodata", "nothing=2")).err).toMatch(/Variables: .*port/);
	});

	it("data that every CPU has its copy of: set on each, changes with the CPU's number", async () => {
		const tagged = ["run", fixture("loader/loader.o"), "--program", "tagged", "--cpus", "4"];
		// stride 64, largest offset 3 * 64
		expect((await tailhop(...tagged)).out).toContain("aux (cpu 0): [0, 0, 0, 0, 0] → [0, 256, 0, 0, 0]");
		const { lines } = await records(...tagged, "--set", "aux=[1, 2, 3, 4, 5]");
		const [{ before }] = lines[0].maps[".data.aux"];
		expect(JSON.stringify(before).match(/1,2,3,4,5/g)).toHaveLength(1);
		expect((await tailhop(...tagged, "--set", "aux=[1, 2, 3, 4, 5]")).out).toContain("→ [1, 258, 3, 4, 5]");
	});

	it("--program-type says what a section doesn't", async () => {
		const path = file("odd.asm", ".section datapath\n.globl main\nmain:\n r0 = 2\n exit\n");
		const { err } = await tailhop("run", path);
		expect(err).toContain("--program-type");
		for (const name of ["datapath", "main"]) {
			const { out } = await tailhop("run", path, "--program-type", `${name}=xdp`);
			expect(out).toContain("verdict XDP_PASS (2)");
		}
		expect((await tailhop("run", path, "--program-type", "main")).status).toBe(2);
	});

	onKernel("on the kernel: the same verdicts, packets and maps, and no hops", async () => {
		const chain = ["run", example("chain/chain.o"), "--pcap", example("chain/two.pcap")];
		const kernel = await records(...chain, "--engine", "kernel");
		const { cpus } = await openKernel();
		const interpreter = await records(...chain, "--cpus", String(cpus));
		const without = ({ hops, engine, verified, ...rest }: Record<string, unknown>) => rest;
		expect(kernel.lines.map(without)).toEqual(interpreter.lines.map(without));
		expect(kernel.lines[0]).toMatchObject({ engine: "kernel", verified: true, hops: [] });
		expect((await tailhop(...chain, "--engine", "kernel")).out).toContain("the kernel shows no hops");
	});

	onKernel("on the kernel: a refusal comes with the end of the log", async () => {
		const lines = Array.from({ length: 40 }, (_, index) => ` r1 = ${index}`).join("\n");
		const path = file("bad.asm", `.section xdp\n.globl bad\nbad:\n${lines}\n exit\n`);
		const { status, err } = await tailhop("run", path, "--engine", "kernel");
		expect(status).toBe(1);
		expect(err).toMatch(/kernel\/rejected.*EACCES: R0 !read_ok/);
		expect(err).toMatch(/lines before; tailhop verify --kernel/);
		expect(err).toContain("| R0 !read_ok");
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
		[
			"an unknown engine",
			2,
			/interpreter, wasm, kernel/,
			"run",
			example("hello/hello.o"),
			"--engine",
			"warp",
		],
		["an unknown map", 1, /Maps: .*hops/, "run", example("hello/hello.o"), "--set", "nope[1]=2"],
		["a setting that isn't one", 2, /MAP\[KEY\]=VALUE/, "run", example("hello/hello.o"), "--set", "nope"],
		["no object", 1, /elf\/invalid/, "run", example("chain/chain.c")],
		["asm without -o", 2, /-o/, "asm", "x.asm"],
		[
			"asm of an object",
			2,
			/is an object \(ELF\), not assembly text/,
			"asm",
			example("hello/hello.o"),
			"-o",
			join(folder, "x.o"),
		],
		[
			"a directory that isn't there",
			1,
			/cannot be written: there is no such directory/,
			"run",
			example("hello/hello.o"),
			"--write-pcap",
			join(folder, "none", "x.pcap"),
		],
		[
			"an output over the input",
			2,
			/write over the input/,
			"run",
			example("chain/chain.o"),
			"--pcap",
			example("chain/packets.pcap"),
			"--write-pcap",
			example("chain/../chain/packets.pcap"),
		],
		[
			"a budget for the kernel",
			2,
			/--budget/,
			"run",
			example("hello/hello.o"),
			"--engine",
			"kernel",
			"--budget",
			"5",
		],
		[
			"an unchecked kernel",
			2,
			/--unchecked/,
			"run",
			example("hello/hello.o"),
			"--engine",
			"kernel",
			"--unchecked",
		],
		[
			"a kconfig value for nothing",
			2,
			/no kconfig extern CONFIG_HZ/,
			"run",
			example("hello/hello.o"),
			"--kconfig",
			"CONFIG_HZ=1000",
		],
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

/** Gives the clock away in every way that diff looks at: verdict, packet, a hash, a per-CPU value, a perf event. */
const CLOCK = `
.license GPL
.map seen type=hash key_size=4 value_size=8 max_entries=4
.map each type=percpu_array key_size=4 value_size=8 max_entries=1
.map events type=perf_event_array key_size=4 value_size=4 max_entries=64
.section xdp
.globl clock
clock:
 r6 = r1
 r7 = *(u32 *)(r6 + 0)
 r8 = *(u32 *)(r6 + 4)
 call bpf_ktime_get_ns
 r0 |= 1
 *(u64 *)(r10 - 8) = r0
 *(u32 *)(r10 - 12) = 0
 r1 = seen ll
 r2 = r10
 r2 += -12
 r3 = r10
 r3 += -8
 r4 = 0
 call bpf_map_update_elem
 r1 = each ll
 r2 = r10
 r2 += -12
 call bpf_map_lookup_elem
 if r0 == 0 goto out
 r1 = *(u64 *)(r10 - 8)
 *(u64 *)(r0 + 0) = r1
 r1 = r6
 r2 = events ll
 r3 = 0xffffffff ll
 r4 = r10
 r4 += -8
 r5 = 8
 call bpf_perf_event_output
 r1 = r7
 r1 += 8
 if r1 > r8 goto out
 r2 = *(u64 *)(r10 - 8)
 *(u64 *)(r7 + 0) = r2
out:
 r0 = *(u64 *)(r10 - 8)
 r0 &= 0xffffff
 exit
`;

describe("diff", () => {
	it("all agree; without a kernel it says so", async () => {
		const chain = ["diff", example("chain/chain.o"), "--pcap", example("chain/packets.pcap")];
		const { status, lines } = await records(...chain);
		if (!kernel) {
			expect(status).toBe(1);
			expect(lines[0].error).toMatchObject({ code: "kernel/unavailable" });
			return;
		}
		expect(status).toBe(0);
		expect(lines).toEqual([
			{ schema: 1, program: "parse", engines: ["interpreter", "wasm", "kernel"], packets: 21, agree: true },
		]);
		expect((await tailhop(...chain)).out).toBe("parse: 21 packets, interpreter, wasm and kernel agree");
		const tc = ["diff", example("tc/tc.o"), "--pcap", example("tc/packets.pcap"), "--context", "mark=5"];
		expect((await tailhop(...tc)).out).toContain("agree");
	});

	onKernel("stops at the first packet that differs, and shows in what", async () => {
		const path = file("clock.asm", CLOCK);
		const packets = ["--packet", "00".repeat(16), "--packet", "00".repeat(20)];
		const { status, out } = await tailhop("diff", path, ...packets);
		expect(status).toBe(1);
		expect(out).toMatch(/^clock: interpreter and kernel differ at packet 1 of 2 \(--packet, 16 bytes\)\n/);
		expect(out).toMatch(/ {2}verdict\n {4}interpreter +\d+\n {4}kernel +\d+\n/);
		expect(out).toMatch(/ {2}packet {2}- interpreter, \+ kernel\n {4}0000 - .*\n +\+ /);
		expect(out).toMatch(/ {2}event 1 of events, cpu \d\n {4}interpreter {2}[0-9a-f]{24}\n/);
		expect(out).toMatch(/ {2}seen\[0\]\n {4}interpreter {2}\d+\n/);
		expect(out).toMatch(/ {2}each\[0\], cpu \d\n/);
		const { lines } = await records("diff", path, ...packets);
		expect(lines[0]).toMatchObject({
			agree: false,
			between: ["interpreter", "kernel"],
			packet: { number: 1, from: "--packet", bytes: "00".repeat(16) },
		});
		const kinds = lines[0].differences.map(({ what }: { what: string }) => what);
		expect(kinds).toEqual(["verdict", "packet", "output", "map", "map"]);
	});

	it("what is not verified is interpreted, and why is said", async () => {
		const path = file("wild.asm", ".section xdp\n.globl wild\nwild:\n r0 = *(u8 *)(r1 + 400)\n exit\n");
		const { status, out } = await tailhop("run", path);
		expect(status).toBe(1);
		expect(out).toContain("engine interpreter, verified: false\nwild is not verified: EACCES: ");
		expect((await records("run", path)).lines[0]).toMatchObject({ engine: "interpreter", verified: false });
	});

	it("what is not compiled is interpreted, and named", async () => {
		const path = file(
			"strange.asm",
			".section xdp\n.globl main\nmain:\n r0 = 2\n exit\n.globl strange\nstrange:\n r0 = *(u32 *)(r1 + 16)\n if r0 == 0 goto out\n call 9999\nout:\n exit\n",
		);
		const run = ["run", path, "--engine", "wasm", "--program"];
		expect((await records(...run, "main")).lines[0]).toMatchObject({ engine: "wasm" });
		expect((await records(...run, "strange")).lines[0]).toMatchObject({ engine: "interpreter" });
		expect((await tailhop(...run, "main")).out).toMatch(
			/\nstrange is interpreted: helper 9999: not compiled/,
		);
	});

	onKernel("agreement about nothing says so: every engine refuses the packet", async () => {
		const chain = ["diff", example("chain/chain.o"), "--packet", "00"];
		const one = await tailhop(...chain);
		expect(one.status).toBe(1);
		expect(one.out).toMatch(
			/^parse: 1 packet, interpreter, wasm and kernel agree: every one refuses it \(a packet of 1 bytes/,
		);
		const two = await records(...chain, "--packet", "00".repeat(20));
		expect(two.status).toBe(0);
		expect(two.lines[0]).toMatchObject({ agree: true, packets: 2, refused: 1 });
	});

	onKernel("--cpus that the running kernel has not", async () => {
		const { status, err } = await tailhop("diff", example("chain/chain.o"), "--cpus", "77");
		expect(status).toBe(2);
		expect(err).toMatch(/--cpus 77: the running kernel has \d+/);
	});

	onKernel("maps are filled on every engine", async () => {
		const chain = ["diff", example("chain/chain.o"), "--packet", "00".repeat(20)];
		expect((await tailhop(...chain, "--set", "protocols[58]=echo")).out).toContain("agree");
		const slot = await tailhop(...chain, "--set", "protocols[300]=echo");
		expect(slot.status).toBe(1);
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
		const { lines } = await records("inspect", example("chain/chain.o"));
		const report = lines[0];
		expect(report.programs.map((each: { name: string }) => each.name)).toContain("route");
		expect(report.unimplemented).toEqual({ helpers: [], kfuncs: [], mapTypes: [] });
	});

	it("disasm prints source lines, maps by name and targets", async () => {
		const { status, out } = await tailhop("disasm", example("hello/hello.o"), "first");
		expect(status).toBe(0);
		expect(out).toContain("hops ll");
		expect(out).toMatch(/hello\.c:\d+/);
	});

	it("disasm --json is an object a program", async () => {
		const { lines } = await records("disasm", example("chain/chain.o"));
		expect(lines.map((each) => each.program)).toContain("route");
	});

	it("a call inlined from a header says where in the function's own file that is", async () => {
		const path = fixture("inlined/inlined.o");
		const site = /inlined\.c:16 \(\S*tail\.h:5\)/;
		expect((await tailhop("run", path)).out).toMatch(site);
		expect((await tailhop("inspect", path)).out).toMatch(site);
		expect((await tailhop("disasm", path)).out).toMatch(/tail\.h:5, in \S*inlined\.c:16/);
		// data has the line info's own
		const { lines } = await records("run", path);
		expect(lines[0].hops[0].from).toMatchObject({ file: expect.stringMatching(/tail\.h$/), line: 5 });
	});

	it("asm writes an object that runs", async () => {
		const source = file(
			"chain.asm",
			".map jumps type=prog_array max_entries=2 values=1:next\n.section xdp\n.globl entry\nentry:\n r2 = jumps ll\n r3 = 1\n call bpf_tail_call\n r0 = 0\n exit\n.globl next\nnext:\n r0 = 2\n exit\n",
		);
		const object = join(folder, "chain.o");
		const written = await records("asm", source, "-o", object);
		expect(written).toMatchObject({ status: 0, lines: [{ programs: ["entry", "next"], maps: ["jumps"] }] });
		const { lines } = await records("run", object, "--program", "entry");
		expect(lines[0]).toMatchObject({
			verdict: { code: 2 },
			hops: [{ slot: 1, outcome: "taken", to: "next" }],
		});
	});

	it("every command explains itself", async () => {
		for (const command of ["run", "inspect", "disasm", "asm", "verify", "diff"]) {
			const { status, out } = await tailhop(command, "--help");
			expect(status).toBe(0);
			expect(out).toContain(`Usage: tailhop ${command}`);
		}
	});
});
