import type { CommandSpec, Option } from "../command.ts";

const json: Option = { help: "print JSON, one object a line" };
const target = {
	cpus: {
		value: "N",
		help: "possible CPUs: per-CPU maps have as many values (default 1; where the kernel is asked, its own)",
	},
	btf: {
		value: "FILE",
		help: "kernel BTF for CO-RE relocations (raw BTF, e.g. /sys/kernel/btf/vmlinux, which is taken where the kernel is asked)",
	},
	kconfig: { value: "NAME=VALUE", multiple: true, help: "value of a CONFIG_* extern" },
	"max-entries": { value: "MAP=N", multiple: true, help: "size of a map, in place of the object's" },
	"program-type": {
		value: "NAME=SECTION",
		multiple: true,
		help: "what a program, or all of a section, is where the section doesn't say: a section name (xdp, tc, socket)",
	},
} satisfies Record<string, Option>;

const budget: Option = {
	value: "N",
	help: "instructions that one packet may take (default 100000000); wasm counts rounds of loops and calls instead",
};

/** What `run` and `diff` put in. */
const input = {
	program: { value: "NAME", short: "p", help: "entry program (default: the only entry point)" },
	packet: { value: "HEX", multiple: true, help: "a packet as hex digits; blanks and colons are allowed" },
	"packet-file": { value: "FILE", multiple: true, help: "a packet as the bytes of a file" },
	pcap: { value: "FILE", multiple: true, help: "packets of a pcap or pcapng file" },
	context: {
		value: "FIELD=N",
		multiple: true,
		help: "a field of the context, as BPF_PROG_TEST_RUN takes it",
	},
	set: {
		value: "'MAP[KEY]=VALUE'",
		multiple: true,
		help: "fill a map before the run: values by BTF type, slots by program name, maps in maps by map name; VARIABLE=VALUE for global data",
	},
	rodata: {
		value: "NAME=VALUE",
		multiple: true,
		help: "a read-only variable, set before the object is linked",
	},
} satisfies Record<string, Option>;

/** Every command, in the order of `--help`. */
export const COMMANDS: readonly CommandSpec[] = [
	{
		name: "run",
		summary:
			"Runs a program of an object (.o) or of assembly text (.asm) on packets, and shows the chain of tail calls.",
		positional: ["FILE"],
		options: {
			...input,
			"write-pcap": { value: "FILE", help: "write the packets as the program left them" },
			engine: {
				value: "NAME",
				help: "wasm (compiled to WebAssembly), interpreter (checks every access) or kernel; default: wasm if the verifier accepts every program, else interpreter",
			},
			budget,
			unchecked: { help: "run without region, provenance and argument checks" },
			each: { help: "show every packet's chain, however many there are" },
			...target,
			json,
			help: { short: "h", help: "this text" },
		},
		notes: [
			"Without a packet, 64 zero bytes are taken. Packets run one after the other over the same maps.",
			"Exit status: 0 every run came to a verdict, 1 a program or the input failed, 2 usage.",
		],
		load: async () => (await import("./run.ts")).run,
	},
	{
		name: "inspect",
		summary:
			"Shows what is in an object: programs, maps, slots and who fills them, call sites, subprograms, sizes.",
		positional: ["FILE"],
		options: { ...target, json, help: { short: "h", help: "this text" } },
		load: async () => (await import("./inspect.ts")).inspect,
	},
	{
		name: "disasm",
		summary: "Prints a program's instructions with source lines, and maps and call targets by name.",
		positional: ["FILE", "[PROGRAM]"],
		options: { ...target, json, help: { short: "h", help: "this text" } },
		notes: ["The text is for reading: asm takes neither its instruction numbers nor its jump targets."],
		load: async () => (await import("./disasm.ts")).disasm,
	},
	{
		name: "asm",
		summary: "Assembles text (LLVM's BPF syntax) into an ELF object that the kernel loads too.",
		positional: ["FILE"],
		options: {
			output: { value: "FILE", short: "o", help: "the object to write (required)" },
			json,
			help: { short: "h", help: "this text" },
		},
		load: async () => (await import("./asm.ts")).asm,
	},
	{
		name: "verify",
		summary:
			"Says what Linux 6.18's verifier says of each program, and why; no kernel and no root is needed.",
		positional: ["FILE", "[PROGRAM]"],
		options: {
			explain: { help: "say in source lines why a program is rejected, and what would help" },
			heat: { help: "show on which source lines the verifier's work goes" },
			kernel: { help: "ask the running kernel too, and mark what it says differently" },
			"log-level": {
				value: "N",
				help: "the log's bits: 1 what led to the rejection (default; then its end alone is shown), 2 every state, 4 statistics; 0 no log",
			},
			privilege: {
				value: "LEVEL",
				help: "who loads: root (default), bpf (CAP_BPF and CAP_NET_ADMIN, no CAP_PERFMON) or unprivileged",
			},
			format: { value: "VERSION", help: "the log's form: 6.18 (default), or 7.3 with its headed blocks" },
			reporter: { value: "NAME", help: "print for a CI system: github (annotations) or junit (XML)" },
			rodata: input.rodata,
			...target,
			json,
			help: { short: "h", help: "this text" },
		},
		notes: [
			"--kernel loads each program and unloads it at once; nothing is attached.",
			"Exit status: 0 every program is accepted, 1 one is rejected or the input failed, 2 usage, 3 none is rejected, but of one nothing can be said.",
		],
		load: async () => (await import("./verify.ts")).verify,
	},
	{
		name: "diff",
		summary:
			"Runs a program on every engine, the running kernel included, packet by packet, and stops where they differ.",
		positional: ["FILE"],
		options: {
			...input,
			budget,
			...target,
			json,
			help: { short: "h", help: "this text" },
		},
		notes: [
			"Compared are verdict, packet, context, map entries, perf events and records of ring buffers.",
			"What comes from outside (clock, random numbers, routes) differs in its nature.",
			"Exit status: 0 all agree, 1 they differ or no packet came to a verdict, 2 usage.",
		],
		load: async () => (await import("./diff.ts")).diff,
	},
];
