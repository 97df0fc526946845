import { type Answer, advice, before, type Facts, leaveOf, made, type Rule } from "./facts.ts";
import { callName } from "./origin.ts";
import { assignedName } from "./words.ts";

/** What gives back what a function acquired. */
const RELEASE: Readonly<Record<string, string>> = {
	bpf_sk_lookup_tcp: "bpf_sk_release",
	bpf_sk_lookup_udp: "bpf_sk_release",
	bpf_skc_lookup_tcp: "bpf_sk_release",
	bpf_ringbuf_reserve: "bpf_ringbuf_submit",
	bpf_ringbuf_reserve_dynptr: "bpf_ringbuf_submit_dynptr",
	bpf_task_acquire: "bpf_task_release",
	bpf_task_from_pid: "bpf_task_release",
	bpf_cgroup_acquire: "bpf_cgroup_release",
	bpf_cgroup_from_id: "bpf_cgroup_release",
	bpf_xdp_ct_lookup: "bpf_ct_release",
	bpf_skb_ct_lookup: "bpf_ct_release",
	bpf_obj_new_impl: "bpf_obj_drop",
};
/** Releasers that take a second argument. */
const WITH_FLAGS: readonly string[] = ["bpf_ringbuf_submit", "bpf_ringbuf_submit_dynptr"];

const voidedBy = ({ origin }: Facts) => origin.events.find(({ kind }) => kind === "voided");

/** Rules on values, calls, resources, the shape and the size of programs. */
export const PROGRAM_RULES: readonly Rule[] = [
	{
		id: "privilege",
		pattern: /^$/,
		when: ({ errno }) => errno === "EPERM",
		whole: true,
		category: "Program Type Rules",
		title: "Loader without the privileges for this kind of program",
		why: "Without capabilities only socket filters and cgroup programs of some kinds can be loaded, if the system allows that at all.",
		suggest: () =>
			advice(
				"Load it as root, or with CAP_BPF, and CAP_NET_ADMIN for network programs or CAP_PERFMON for tracing",
			),
	},
	{
		id: "no-return-value",
		pattern: /^R0 !read_ok$/,
		reg: () => 0,
		when: ({ insn }) => insn?.opcode === 0x95,
		category: "Register Type Safety",
		title: "No return value on this path",
		why: "r0 is the program's result; it must be set on every path that ends.",
		suggest: (facts) => before(facts, "Return a value on this path", leaveOf(facts)),
	},
	{
		id: "call-clobbers",
		pattern: /^R(\d+) !read_ok$/,
		when: (facts) => voidedBy(facts) !== undefined,
		category: "Register Type Safety",
		title: "Register used after a call took it",
		why: "A call may overwrite r0 to r5; only r6 to r9 and the stack keep their values over it.",
		suggest: (facts) =>
			before(
				facts,
				`Keep the value in r6 to r9, or on the stack, over the call (compilers do; in assembly: r6 = r${facts.reg})`,
			),
	},
	{
		id: "unreadable-register",
		pattern: /^R(\d+) !read_ok$/,
		category: "Register Type Safety",
		title: "Unreadable register",
		why: "A register that nothing has written on this path holds what the kernel left in it.",
		suggest: (facts) =>
			before(facts, `Initialise the variable on every path to this line (here it is in r${facts.reg})`),
	},
	{
		id: "reference-leak",
		pattern: /^(.*) would lead to reference leak$/,
		category: "Resource Lifetime",
		title: "Reference that is never given back",
		why: "What was acquired must be released, or stored where someone will, on every path to the end; else the kernel leaks it.",
		suggest: leak,
	},
	{
		id: "return-range",
		pattern: /^At (program exit|callback return) the register R(\d+) (.*)$/,
		reg: ({ match }) => Number(match[2]),
		category: "Program Type Rules",
		title: "Return value outside of what is allowed",
		why: "The kernel acts on the return value, and for this kind of program only some values mean anything.",
		suggest(facts) {
			const range = /should have been in \[(-?\d+), (-?\d+)\]/.exec(facts.match[3]!);
			if (range === null) return before(facts, "Return a number", "return 0;");
			return before(facts, `Return a number from ${range[1]} to ${range[2]}`, `return ${range[1]};`);
		},
	},
	{
		id: "too-large",
		pattern: /^BPF program is too large\. Processed (\d+) insn$/,
		category: "Limits",
		title: "Too many instructions to walk",
		why: "The verifier walks every path, loops turn by turn, and stops at a million instructions.",
		suggest: () =>
			advice(
				"See where they go (--heat): shorten loops, use bpf_loop or a may_goto loop, move parts into global functions or behind tail calls, and keep what differs between paths small",
			),
	},
	{
		id: "too-complex",
		pattern: /^The sequence of (\d+) jumps is too complex\.$/,
		category: "Limits",
		title: "Too many branches in a row",
		why: "The verifier keeps the branches that wait to be walked, and at most 8192 of them.",
		suggest: () => advice("Break the loop up: a smaller bound, bpf_loop, or a global function for its body"),
	},
	{
		id: "endless-loop",
		pattern: /^(?:infinite loop detected at insn (\d+)|back-edge from insn (\d+) to (\d+))$/,
		category: "Control Flow",
		title: "Loop without a proved end",
		why: "A program must end. Here a state comes back unchanged, so nothing shows that the loop does.",
		suggest: () =>
			advice(
				"Give the loop a counter with a constant bound that each turn changes, or use bpf_loop, bpf_for or may_goto",
			),
	},
	{
		id: "unreachable",
		pattern: /^unreachable insn (\d+)$/,
		whole: true,
		category: "Control Flow",
		title: "Code that no path reaches",
		why: "Dead code is refused, so that nothing can be hidden in it.",
		suggest: () => advice("Remove it, or let the compiler do so (-O2)"),
	},
	{
		id: "jump",
		pattern:
			/^(?:jump out of range from insn (\d+) to (\d+)|jump into the middle of ldimm64 insn (\d+)|last insn is not an exit or jmp|call to invalid destination|invalid insn idx .*)$/,
		whole: true,
		category: "Control Flow",
		title: "Control flow that leaves the program",
		why: "Each jump must go to an instruction of the same function, and each function must end in exit or a jump.",
		suggest: () => advice("End every path of each function with a return; check hand-written jumps"),
	},
	{
		id: "stack-depth",
		pattern: /^combined stack size of (\d+) calls is (\d+)\. Too large$/,
		whole: true,
		category: "Limits",
		title: "Stack too deep",
		why: "All functions that are active together share 512 bytes of stack (256 where a tail call is on the way).",
		suggest: ({ match }) =>
			advice(
				`${match[1]} functions need ${match[2]} bytes together: move large variables into a per-CPU array map, or call fewer functions in one another`,
			),
	},
	{
		id: "call-depth",
		pattern: /^the call stack of (\d+) frames is too deep ?!?$/,
		whole: true,
		category: "Limits",
		title: "Too many calls in one another",
		why: "At most 8 functions may be active together; recursion is not possible.",
		suggest: () => advice("Inline some (__always_inline), or go on in another program by a tail call"),
	},
	{
		id: "helper-not-allowed",
		pattern:
			/^(?:program of this type cannot use helper (\w+)#(-?\d+)|invalid func (\w+)#(-?\d+)|calling kernel function (\w+) is not allowed)$/,
		category: "Program Type Rules",
		title: "Function that this kind of program may not call",
		why: "Each program type has its own set of helpers and kernel functions: those that make sense where it runs, and that its loader may use.",
		suggest: (facts) =>
			before(
				facts,
				"Use a helper that this program type has, or another program type; without privileges fewer are allowed",
			),
	},
	{
		id: "gpl-only",
		pattern: /^cannot call GPL-restricted function from non-GPL compatible program$/,
		category: "Program Type Rules",
		title: "Function for GPL programs only",
		why: "Some helpers are for programs under a license that is compatible with the GPL.",
		suggest: ({ object }) => ({
			suggestion: {
				text: `The object says license "${object.license}": declare a compatible one, if that is true`,
				code: 'char _license[] SEC("license") = "GPL";',
			},
		}),
	},
	{
		id: "address-leak",
		pattern: /^R(\d+) leaks addr (.*)$/,
		category: "Information Leaks",
		title: "Kernel address that would leave the program",
		why: "A loader without CAP_PERFMON must not learn kernel addresses, so pointers may not be returned or stored where it can read them.",
		suggest: (facts) =>
			before(facts, "Return or store a number, not the pointer; or load it with CAP_PERFMON"),
	},
	{
		id: "pointer-arithmetic",
		pattern:
			/^R(\d+) (?:(?:32-bit )?pointer arithmetic .*|bitwise operator \S+ on pointer prohibited|tried to subtract pointer from scalar|subtraction from stack pointer prohibited|pointer \S+ pointer prohibited|(?:sign-extension part|partial copy) of pointer)$/,
		category: "Memory Safety",
		title: "Arithmetic that a pointer doesn't allow",
		why: "Of a pointer the verifier follows additions and subtractions of numbers in 64 bits; anything else would make its target unknown.",
		suggest: (facts) =>
			before(facts, "Add or subtract numbers only, and don't go through 32-bit or integer variables"),
	},
	{
		id: "frame-pointer",
		pattern: /^frame pointer is read only$/,
		category: "Register Type Safety",
		title: "r10 may not be written",
		why: "r10 is the frame pointer; the verifier and the kernel rely on it.",
		suggest: (facts) => before(facts, "Copy it to another register and change the copy"),
	},
	{
		id: "division",
		pattern: /^(?:div by zero|invalid shift (-?\d+))$/,
		category: "Instruction Rules",
		title: "Operand that is never right",
		why: "A constant divisor of 0, or a shift by as many bits as there are, is a mistake for certain.",
		suggest: (facts) => before(facts, "Change the constant"),
	},
	{
		id: "argument-type",
		pattern: /^R(\d+) type=(\w+) expected=(.*)$/,
		category: "Register Type Safety",
		title: "Argument of the wrong kind",
		why: "Each argument of a helper takes certain kinds of pointers; the verifier goes by where the pointer came from, not by its C type.",
		suggest: (facts) =>
			before(
				facts,
				`Argument ${facts.reg} must be one of: ${facts.match[3]!.replace(/_(?=,|$)/g, "")}; a number passed where a pointer belongs often is a forgotten &`,
			),
	},
	{
		id: "lock",
		pattern:
			/^(?:function calls are not allowed while holding a lock|.* cannot be used inside (\w+)-ed region|bpf_spin_lock at off=.*|bpf_spin_unlock .*|sleepable helper .*|bpf_spin_lock cannot be accessed .*|off \d+ doesn't point to 'struct bpf_spin_lock'.*)$/,
		category: "Locking",
		title: "Not possible in this region",
		why: "While a lock is held, or preemption, interrupts or RCU are held off, little may happen, and the region must end on every path.",
		suggest: (facts) =>
			before(facts, "Leave the region first (unlock) on this path, and do this outside of it"),
	},
	{
		id: "dynptr-iterator",
		pattern:
			/^(?:[Ee]xpected an (?:un)?initialized (\w+) as arg #(\d+)|expected uninitialized (\w+) as arg #(\d+)|Dynptr has to be .*|cannot overwrite referenced dynptr)$/,
		category: "Resource Lifetime",
		title: "Dynptr or iterator in the wrong state",
		why: "Such an object is made by one function, used, and ended by another, in this order and on the same stack slot.",
		suggest: (facts) =>
			before(
				facts,
				"Make it once, check the result where there is one, and end it exactly once on every path",
			),
	},
	{
		id: "map-type",
		pattern:
			/^(?:cannot pass map_type (\d+) into func (\w+)#\d+|expected prog array map for tail call|callback function not allowed for map|no direct value access support for this map type|Sleepable programs can only use .*)$/,
		category: "Program Type Rules",
		title: "Map of a kind that this call doesn't take",
		why: "Each helper works on certain kinds of maps, and programs may touch the values of some kinds only through helpers.",
		suggest: (facts) =>
			before(facts, "Use the helper that is made for this kind of map, or another kind of map"),
	},
	{
		id: "pointer-comparison",
		pattern: /^R(\d+) pointer comparison prohibited$/,
		category: "Information Leaks",
		title: "Comparison of a pointer with a number",
		why: "Comparing an address with a number, bit by bit, would tell a loader without CAP_PERFMON what the address is.",
		suggest: (facts) =>
			before(
				facts,
				"Compare pointers only with NULL, or packet pointers with the packet's end; or load it with CAP_PERFMON",
			),
	},
	{
		id: "tail-call-stack",
		pattern: /^tail_calls are not allowed when call stack of previous frames is (\d+) bytes\. Too large$/,
		whole: true,
		category: "Limits",
		title: "Too much stack below a tail call",
		why: "Frames of callers stay on the stack over a tail call, and this can happen 33 times over; so they may take 256 bytes at most.",
		suggest: ({ match }) =>
			advice(
				`The callers take ${match[1]} bytes: tail-call from the main function, or move their variables into a map`,
			),
	},
	{
		id: "spill-size",
		pattern:
			/^(?:invalid size of register (?:spill|fill)|attempt to corrupt spilled pointer on stack|cannot spill pointers to stack into .*|cannot return stack pointer .*|leaking pointer from stack off .*)$/,
		category: "Memory Safety",
		title: "Pointer on the stack that doesn't stay whole",
		why: "A pointer that is kept on the stack must be stored and read back as 8 aligned bytes in the function's own frame, or the verifier loses it.",
		suggest: (facts) =>
			before(
				facts,
				"Store and load the pointer as one 64-bit value, in the frame of the function that uses it",
			),
	},
	{
		id: "sleepable",
		pattern:
			/^(?:Only fentry.* programs can be sleepable|Syscall programs can only be sleepable|helper call might sleep in a non-sleepable prog|kernel func \S+ is sleepable within .*)$/,
		category: "Program Type Rules",
		title: "Sleeping where this program may not, or not sleeping where it must",
		why: "A sleepable program (section name with .s) may wait for memory; only some kinds can be, and only they may call what waits.",
		suggest: (facts) => before(facts, "Change the section name (fentry.s/…), or use what doesn't sleep"),
	},
	{
		id: "packet-instructions",
		pattern:
			/^(?:BPF_LD_\[ABS\|IND\] instructions not allowed for this program type|helper access to the packet is not allowed)$/,
		category: "Program Type Rules",
		title: "Packet access that this program type hasn't",
		why: "Old packet loads are for socket filters and tc, and not every program's helpers may be given packet memory.",
		suggest: (facts) =>
			before(
				facts,
				"Read through data and data_end where the program type has them, or copy to the stack first",
			),
	},
	{
		id: "zero-size",
		pattern: /^invalid zero-sized read$/,
		category: "Memory Safety",
		title: "Access of no bytes",
		why: "This helper takes at least one byte.",
		suggest: (facts) => before(facts, "Pass a size that is not 0"),
	},
	{
		id: "encoding",
		pattern:
			/^(?:\S+ uses reserved fields|unknown opcode .*|invalid bpf_ld_imm64 insn|unrecognized bpf_ld_imm64 insn|R(\d+) is invalid|invalid atomic operand size|invalid may_goto imm .*|invalid BPF_ALU opcode .*|fd_idx without .*|fd \S+ is not pointing to .*)$/,
		category: "Instruction Rules",
		title: "Not a valid instruction",
		why: "Bits that have no meaning must be 0, so that they can get one later.",
		suggest: (facts) =>
			before(
				facts,
				"Check what made the bytes: a compiler for a newer instruction set (-mcpu), or hand-written code",
			),
	},
	{
		id: "mixed-pointers",
		pattern: /^same insn cannot be used with different pointers$/,
		category: "Register Type Safety",
		title: "One instruction, two kinds of pointers",
		why: "The kernel rewrites some accesses by the kind of pointer, so an instruction must see the same kind on all paths.",
		suggest: (facts) =>
			before(
				facts,
				"Access them on separate paths (the compiler has merged two accesses: use volatile or a barrier)",
			),
	},
];

function leak(facts: Facts): Answer {
	const found = facts.messages.map((each) => /alloc_insn=(\d+)/.exec(each)).find((each) => each !== null);
	const insn = found === undefined || found === null ? undefined : Number(found[1]);
	if (insn === undefined) return advice("Release what was acquired on every path");
	const place = facts.sources.place(insn);
	const by = callName(facts.sources, insn, facts.program.insns[insn]!);
	const release = RELEASE[by];
	const name = assignedName(place.source) ?? made(facts).name ?? "pointer";
	const where = place.source === undefined ? `instruction ${insn}` : `line ${place.source.line}`;
	const acquired = { ...place, kind: "made" as const, holder: "r0", value: "", words: `acquired by ${by}` };
	const answer = before(
		facts,
		`${by} at ${where} acquired it, and this path ends without giving it back`,
		release === undefined ? undefined : `${release}(${name}${WITH_FLAGS.includes(release) ? ", 0" : ""});`,
	);
	return { ...answer, origin: [acquired] };
}
