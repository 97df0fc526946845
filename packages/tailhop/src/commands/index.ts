import type { CommandSpec, Option } from "../command.ts";

const json: Option = { help: "print JSON, one object a line" };
const target = {
	cpus: { value: "N", help: "possible CPUs: per-CPU maps have as many values (default 1)" },
	btf: { value: "FILE", help: "kernel BTF for CO-RE relocations (raw BTF, e.g. /sys/kernel/btf/vmlinux)" },
	kconfig: { value: "NAME=VALUE", multiple: true, help: "value of a CONFIG_* extern" },
	"max-entries": { value: "MAP=N", multiple: true, help: "size of a map, in place of the object's" },
} satisfies Record<string, Option>;

/** Every command, in the order of `--help`. */
export const COMMANDS: readonly CommandSpec[] = [
	{
		name: "run",
		summary:
			"Runs a program of an object (.o) or of assembly text (.asm) on packets, and shows the chain of tail calls.",
		positional: ["FILE"],
		options: {
			program: { value: "NAME", short: "p", help: "entry program (default: the only entry point)" },
			packet: { value: "HEX", multiple: true, help: "a packet as hex digits; blanks and colons are allowed" },
			"packet-file": { value: "FILE", multiple: true, help: "a packet as the bytes of a file" },
			pcap: { value: "FILE", multiple: true, help: "packets of a pcap or pcapng file" },
			"write-pcap": { value: "FILE", help: "write the packets as the program left them" },
			context: {
				value: "FIELD=N",
				multiple: true,
				help: "a field of the context, as BPF_PROG_TEST_RUN takes it",
			},
			set: {
				value: "'MAP[KEY]=VALUE'",
				multiple: true,
				help: "fill a map before the run: values by BTF type, prog-array slots by program name; VARIABLE=VALUE for global data",
			},
			engine: { value: "NAME", help: "interpreter (default) or kernel" },
			budget: { value: "N", help: "instructions that one packet may take (default 100000000)" },
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
];
