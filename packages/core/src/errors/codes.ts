/**
 * Every code that Tailhop's own errors carry, with what it means. `layer/what`: the layer that found it comes
 * first. Callers compare codes, never texts. Add a row where a new failure has its own next step for the user.
 */
export const ERROR_CODES = {
	// bytes that are not what they claim to be
	"elf/invalid": "the file is not a well-formed ELF64 little-endian BPF object",
	"elf/unsupported": "a well-formed ELF feature that no BPF loader handles",
	"btf/invalid": "BTF or BTF.ext bytes that lie: offsets, sizes, cycles, unknown kinds",
	"btf/value": "a text or bytes that do not fit a type; detail.path names the field",
	"pcap/invalid": "not a pcap or pcapng file, or a truncated one",

	// instructions and assembly text
	"isa/invalid": "an instruction that the ISA does not define, or reserved fields in use",
	"asm/syntax": "assembly text that does not parse; where.line and where.column say where",
	"asm/range": "an operand that does not fit its field",
	"asm/symbol": "an unknown or doubly defined label, map or program",

	// from object to LinkedObject
	"spec/invalid": "the object contradicts itself: symbols, relocations, map definitions, sections",
	"spec/unsupported": "a relocation, section or definition that Tailhop does not handle",
	"link/unresolved": "a symbol (extern, kfunc, ksym, kconfig) that nothing in the Target provides",
	"link/core-relo": "a CO-RE relocation that the Target's BTF cannot answer and the program needs",
	"link/too-large": "the linked programs have more instructions than anything would load",
	"link/target": "the Target contradicts the object: unknown map, variable, or wrong size",

	// the verifier
	"verifier/rejected":
		"the verifier refuses the program as Linux 6.18 does; errno, last line and log are in detail",
	"verifier/unsupported":
		"the program needs something that the verifier does not model; nothing is said about it",

	// a machine being made or used
	"machine/unknown-program": "no program of that name; hint lists the candidates",
	"machine/unknown-map": "no map of that name; hint lists the candidates",
	"machine/unsupported": "a program type, map kind, helper or option that is not implemented",
	"machine/invalid-input": "a packet, context or map value that the hook or the map refuses",
	"machine/owner": "a program that the prog array's owner excludes (kernel: EINVAL)",
	"machine/memory": "the machine's linear memory cannot hold this",
	"machine/closed": "the handle was closed",

	// a program that ran into something; where.insn and where.source say where
	"fault/access": "an access outside the region that its pointer came from",
	"fault/uninitialized": "a register that was never written was read",
	"fault/pointer": "a pointer used where a number must be, or a number as a pointer",
	"fault/argument": "a helper argument that the helper's prototype refuses",
	"fault/jump": "control left the program",
	"fault/stack": "calls nested deeper than frames or stack allow",
	"fault/budget": "the instruction budget is spent",
	"fault/unimplemented": "a helper, kfunc, map kind or instruction that is not implemented was reached",

	// the kernel bridge
	"kernel/unavailable": "no Linux, no koffi, no bpf(2), or no permission",
	"kernel/rejected": "the kernel refused; errno and, for a program, the verifier's log are in detail",

	// the command line
	"cli/usage": "the command was not understood",
	"cli/io": "a file could not be read or written",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
