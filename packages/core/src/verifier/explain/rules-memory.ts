import { CONTEXTS } from "../data/index.ts";
import {
	type Answer,
	advice,
	before,
	type Facts,
	indexName,
	leaveOf,
	made,
	numberIn,
	packetNames,
	type Rule,
} from "./facts.ts";
import { sizeOf } from "./origin.ts";
import type { RegView } from "./types.ts";
import { assignedName, plural } from "./words.ts";

const PACKET = /^invalid access to packet/;
const OUTSIDE =
	/^R(\d+) (?:(?:min|max) value is outside of the allowed memory range|unbounded memory access, make sure to bounds check any such access|min value is negative, either use unsigned index or do a if \(index >=0\) check\.)$/;
const OR_NULL =
	/^R(\d+) (?:invalid mem access '\w+_or_null_?'|pointer arithmetic on \w+_or_null_? prohibited, null-check it first|type=\w+_or_null_? expected=.*)$/;

const voided = ({ origin }: Facts) => origin.events.find(({ kind }) => kind === "voided");
const constant = ({ subject }: Facts): boolean => subject !== undefined && subject.umin === subject.umax;

/** Rules on what programs may read and write. */
export const MEMORY_RULES: readonly Rule[] = [
	{
		id: "packet-bounds",
		pattern: /^R(\d+) offset is outside of the packet$/,
		category: "Memory Safety",
		title: "Packet access without a length check",
		why: "A packet may be shorter than the program thinks, so only bytes that a comparison with data_end has proved may be touched.",
		unchecked: "no comparison with the packet's end on this path",
		suggest: packetCheck,
	},
	{
		id: "packet-moved",
		pattern: /^R(\d+) invalid mem access 'scalar'$/,
		when: (facts) => /packet/.test(voided(facts)?.words ?? ""),
		category: "Memory Safety",
		title: "Packet pointer used after the packet may have moved",
		why: "A helper that resizes or copies the packet may put it somewhere else; every pointer into it is void from then on.",
		suggest(facts) {
			const { data, end } = packetNames(facts);
			const call = voided(facts);
			return {
				suggestion: {
					text: `Read ${data} and ${end} from the context again behind the call, and check the length again`,
					code: `${data} = (void *)(long)ctx->data; ${end} = (void *)(long)ctx->data_end;`,
					behind: true,
					...(call?.source === undefined ? {} : { source: call.source }),
				},
			};
		},
	},
	{
		id: "released",
		pattern: /^R(\d+) invalid mem access 'scalar'$/,
		when: (facts) => /it was/.test(voided(facts)?.words ?? ""),
		category: "Resource Lifetime",
		title: "Pointer used after it was given back",
		why: "Once a reference is released, the kernel may free or reuse what it points to.",
		suggest: (facts) =>
			before(
				facts,
				"Move this access before the call that releases it, or copy what is needed to a variable first",
			),
	},
	{
		id: "null-constant",
		pattern: /^R(\d+) invalid mem access 'scalar'$/,
		when: ({ subject }) => subject?.umin === 0n && subject.umax === 0n,
		category: "Memory Safety",
		title: "Access through a null pointer",
		why: "On this path the pointer is NULL for certain.",
		suggest: (facts) => before(facts, "Leave the program, or skip this access, where the pointer is NULL"),
	},
	{
		id: "number-as-pointer",
		pattern: /^R(\d+) invalid mem access 'scalar'$/,
		category: "Memory Safety",
		title: "Memory access through a number",
		why: "The verifier lets a program use only addresses that it has seen come from the context, a map, the stack or a helper; anything else is a number to it.",
		suggest: (facts) =>
			before(
				facts,
				"Use the pointer as it was given: no detour through integers, 32-bit variables or memory that doesn't keep pointers; kernel addresses are read with bpf_probe_read_kernel",
			),
	},
	{
		id: "null-check",
		pattern: OR_NULL,
		category: "Memory Safety",
		title: "Pointer that may be NULL",
		why: "What the helper returned may be NULL; the pointer may be used only where a comparison has ruled that out.",
		unchecked: "no comparison with NULL on this path",
		suggest: nullCheck,
	},
	{
		id: "null-check",
		pattern: /^Possibly NULL pointer passed to (?:helper|trusted) arg(\d+)$/,
		reg: ({ match, messages }) => Number(match[1]) + (messages.at(-1)?.includes("trusted") ? 1 : 0),
		category: "Memory Safety",
		title: "Argument that may be NULL",
		why: "The called function takes no NULL here; the pointer must have been compared with it.",
		suggest: nullCheck,
	},
	{
		id: "map-bounds",
		pattern: OUTSIDE,
		when: (facts) => constant(facts),
		category: "Memory Safety",
		title: "Access outside of the object",
		why: "The access doesn't lie wholly within the memory that the pointer is for.",
		suggest(facts) {
			const [start, size, room] = accessOf(facts);
			if (start === undefined || size === undefined || room === undefined)
				return advice("Check offset and size of this access");
			const what = facts.subject?.map?.name;
			const owner = what === undefined || what === "" ? "the memory" : `a value of ${what}`;
			return before(
				facts,
				`This touches bytes ${start} to ${start + size - 1}, and ${owner} has ${plural(room, "byte")} (0 to ${room - 1}): change the offset, or make it larger`,
			);
		},
	},
	{
		id: "index-bounds",
		pattern: OUTSIDE,
		follow: "offset",
		category: "Memory Safety",
		title: "Variable offset without sufficient bounds",
		why: "The verifier must know the least and the greatest value that the offset can have, and both must lie within the memory.",
		unchecked: "no comparison on this path bounds it",
		suggest: indexCheck,
	},
	{
		id: "pointer-math",
		pattern: /^math between (\w+) pointer and register with unbounded min value is not allowed$/,
		reg: numberRegister,
		category: "Memory Safety",
		title: "Pointer arithmetic with a number of unknown size",
		why: "A number that is added to a pointer must have a known least value, or the sum could point anywhere.",
		unchecked: "no comparison on this path bounds it",
		suggest: indexCheck,
	},
	{
		id: "pointer-math",
		pattern:
			/^(?:math between (\w+) pointer and (-?\d+) is not allowed|value (-?\d+) makes (\w+) pointer be out of bounds|(\w+) pointer offset (-?\d+) is not allowed)$/,
		reg: numberRegister,
		category: "Memory Safety",
		title: "Pointer arithmetic that goes too far",
		why: "An offset from a pointer must stay below 2^29 in both directions, whatever is done with the sum.",
		suggest: (facts) => before(facts, "Bound the number before it is added to the pointer"),
	},
	{
		id: "helper-size",
		pattern:
			/^R(\d+) (?:min value is negative, either use unsigned or 'var &= const'|unbounded memory access, use 'var &= const' or 'if \(var < const\)')$/,
		category: "Memory Safety",
		title: "Size argument without bounds",
		why: "The helper touches as many bytes as this argument says, so the verifier must know how many they can be, and that it is not negative.",
		unchecked: "no comparison on this path bounds it",
		suggest(facts) {
			return before(facts, "Bound the size on both sides, as an unsigned number", sizeCheck(facts, false));
		},
	},
	{
		id: "helper-size-zero",
		pattern: /^R(\d+) invalid zero-sized read: u64=\[(\d+),(\d+)\]$/,
		category: "Memory Safety",
		title: "Size argument that may be 0",
		why: "This helper takes at least one byte.",
		unchecked: "no comparison on this path bounds it",
		suggest: (facts) => before(facts, "Rule 0 out, and bound the size", sizeCheck(facts, true)),
	},
	{
		id: "stack-read",
		pattern: /^invalid read from stack (?:R(\d+) )?off (-?\d+)\+(\d+) size (\d+)$/,
		category: "Memory Safety",
		title: "Read of stack that was never written",
		why: "Bytes of the stack may hold what other programs or the kernel left there, so a program may read, and hand to helpers, only what it has written on every path.",
		suggest: ({ match }) =>
			advice(
				`Initialise all of it before use, padding too (= {} or __builtin_memset); byte ${Number(match[2]) + Number(match[3])} from the frame pointer is not written on this path`,
			),
	},
	{
		id: "stack-bounds",
		pattern:
			/^invalid (write to|read from|(?:unbounded )?variable-offset \w+ (?:to|from)(?: indirect access to)?) stack R(\d+)(.*)$/,
		reg: ({ match }) => Number(match[2]),
		follow: "offset",
		category: "Memory Safety",
		title: "Stack access outside of the frame",
		why: "A function has the 512 bytes below its frame pointer (fp-512 to fp-1), and a variable index must be proved to stay within the variable.",
		suggest(facts) {
			const off = Number(/off=(-?\d+)/.exec(facts.match[3] ?? "")?.[1] ?? 0);
			if (/variable/.test(facts.match[1]!)) return indexCheck(facts);
			return before(
				facts,
				`The access begins at fp${off >= 0 ? "+" : ""}${off}: keep large buffers in a per-CPU array map, and check indexes`,
			);
		},
	},
	{
		id: "context-access",
		pattern: /^invalid bpf_context access off=(-?\d+) size=(\d+)$/,
		category: "Program Type Rules",
		title: "Context field that may not be accessed like this",
		why: "Programs see a context of named fields: each can be read or written only whole or in the widths it allows, and some not at all.",
		suggest(facts) {
			const off = Number(facts.match[1]);
			const context = CONTEXTS[facts.program.type];
			const row = context?.rows.find((each) => each.offset <= off && off < each.offset + each.size);
			if (context === undefined || row === undefined)
				return advice("There is no field at this offset for this program type");
			const writes = facts.insn !== undefined && (facts.insn.opcode & 7) !== 1;
			if (writes && !row.write)
				return before(facts, `${row.name} of struct ${context.name} is read-only for this program type`);
			const size = row.size / (row.count ?? 1);
			return before(
				facts,
				`${row.name} of struct ${context.name} is at byte ${row.offset} and has ${plural(size, "byte")}: access it whole`,
			);
		},
	},
	{
		id: "context-pointer",
		pattern:
			/^(?:dereference of modified (\w+) ptr R(\d+) off=(-?\d+) disallowed|variable (\w+) access var_off=.*|negative offset (\w+) ptr R(\d+) off=(-?\d+) disallowed)$/,
		reg: ({ match }) => ((match[2] ?? match[6]) === undefined ? undefined : Number(match[2] ?? match[6])),
		category: "Memory Safety",
		title: "Context pointer that was moved",
		why: "The kernel rewrites each access to the context, so the offset must stand in the instruction itself and the pointer must be the one the program was given.",
		suggest: (facts) =>
			before(
				facts,
				"Access fields through the unchanged context pointer (barrier_var(ctx), or volatile, keeps the compiler from moving it)",
			),
	},
	{
		id: "opaque-pointer",
		pattern: /^R(\d+) invalid (?:mem access '(\w+)'|(\w+) access off=(-?\d+) size=(\d+))$/,
		category: "Memory Safety",
		title: "Pointer that may not be read or written like this",
		why: "Some pointers only stand for something (the packet's end, a function), and of kernel objects only the documented fields may be read.",
		suggest: (facts) =>
			before(
				facts,
				"Use the pointer that the memory belongs to, or a field that programs may read, at its size",
			),
	},
	{
		id: "atomic",
		pattern: /^BPF_ATOMIC (?:stores into|loads from) R(\d+) (\w+) is not allowed$/,
		category: "Memory Safety",
		title: "Atomic operation on the wrong memory",
		why: "Atomic operations work on map values and the stack; the context and packets are rewritten or moved by the kernel.",
		suggest: (facts) => before(facts, "Count in a map's value, or load, change and store"),
	},
	{
		id: "write-forbidden",
		pattern:
			/^(?:write into map forbidden.*|R(\d+) cannot write into (\w+)|cannot write into packet|read from map forbidden.*|only read .*is supported)$/,
		category: "Memory Safety",
		title: "Memory that this program may not change",
		why: "Some memory is read-only for programs: frozen maps and .rodata, sockets, keys, packets of some program types.",
		suggest: (facts) =>
			before(
				facts,
				"Work on a copy, or use the helper that is meant for it (bpf_skb_store_bytes, bpf_map_update_elem)",
			),
	},
	{
		id: "misaligned",
		pattern: /^misaligned (\w* ?)access off (.*) size (\d+)$/,
		category: "Memory Safety",
		title: "Misaligned access",
		why: "This memory may be accessed only at multiples of the access's own size.",
		suggest: ({ match }) =>
			advice(
				`Align the field to ${match[3]} bytes (a packed struct undoes that), or copy it with __builtin_memcpy byte by byte`,
			),
	},
];

/** `if (data + 14 > data_end)`, with the bytes that this access needs. */
function packetCheck(facts: Facts): Answer {
	const { data, end } = packetNames(facts);
	const off = numberIn(facts, PACKET, "off");
	const size = numberIn(facts, PACKET, "size");
	if (off === undefined || size === undefined) {
		return before(
			facts,
			"Compare the pointer with the packet's end first",
			`if (${data} + sizeof(header) > ${end}) ${leaveOf(facts)}`,
		);
	}
	const range = numberIn(facts, PACKET, "r") ?? 0;
	const id = numberIn(facts, PACKET, "id") ?? 0;
	const need = off + size;
	if (id === 0) {
		const have =
			range === 0 ? "no check has proved any byte" : `the check before proves only ${plural(range, "byte")}`;
		return before(
			facts,
			`This access needs ${plural(need, "byte")} of the packet; ${have}`,
			`if (${data} + ${need} > ${end}) ${leaveOf(facts)}`,
		);
	}
	const added = facts.origin.events.findLast(({ kind, words }) => kind === "computed" && /where/.test(words));
	const name = assignedName(added?.source) ?? "ptr";
	return before(
		facts,
		`A variable number was added to the pointer, so checks from before don't count: compare the sum itself (${plural(need, "byte")} from it)`,
		`if ((void *)${name} + ${need} > ${end}) ${leaveOf(facts)}`,
	);
}

function nullCheck(facts: Facts): Answer {
	const { source, name } = made(facts);
	const suggestion = {
		text: `Compare it with NULL ${source === undefined ? "before it is used" : "right behind the call"}`,
		code: `if (!${name ?? "pointer"}) ${leaveOf(facts)}`,
		...(source === undefined ? {} : { source, behind: true }),
	};
	return { suggestion };
}

/** First byte, size and room of an access that is refused. */
function accessOf(facts: Facts): (number | undefined)[] {
	const access = /^invalid access to (map value|map key|packet|memory|context)/;
	const room = numberIn(facts, access, "(?:value_size|mem_size|key_size|ctx_size|r)");
	return [numberIn(facts, access, "off"), numberIn(facts, access, "size"), room];
}

/** The number that varies has to be below how many elements fit. */
function indexCheck(facts: Facts): Answer {
	const { origin, subject, insn } = facts;
	const name = indexName(facts);
	const number = origin.number;
	const pointer = pointerOf(facts) ?? subject;
	const map = pointer?.map;
	if (map !== undefined && pointer !== undefined && number !== undefined && insn !== undefined) {
		const loads = [1, 2, 3].includes(insn.opcode & 7);
		const size = loads ? sizeOf(insn.opcode) : 1;
		const room = map.valueSize - pointer.off - (loads ? insn.off : 0) - size;
		const count = Math.floor(room / origin.scale) + 1;
		if (room >= 0 && count >= 1) {
			const mask = 2 ** Math.floor(Math.log2(count)) - 1;
			const of = origin.scale > 1 ? ` of ${origin.scale} bytes` : "";
			const whose = map.name === "" ? "the value" : `a value of ${map.name}`;
			return before(
				facts,
				`${plural(count, "element")}${of} fit in ${whose}: bound the number before it is used (with an unsigned type)${mask > 0 ? `, or mask it (${name} &= 0x${mask.toString(16)})` : ""}`,
				`if (${name} >= ${count}) ${leaveOf(facts)}`,
			);
		}
	}
	const negative = number !== undefined && number.smin < 0n ? "make it unsigned, and " : "";
	return before(
		facts,
		`${negative}compare it with the number of elements before it is used`.replace(/^./, (c) =>
			c.toUpperCase(),
		),
		`if (${name} >= COUNT) ${leaveOf(facts)}`,
	);
}

/** Of `pointer += number`: the pointer. */
function pointerOf({ step, insn }: Facts): RegView | undefined {
	if (step === undefined || insn === undefined || (insn.opcode & 7) !== 7) return undefined;
	return [insn.dst, insn.src]
		.map((n) => step.regs[n])
		.find((view) => view !== undefined && view.kind !== "scalar");
}

function sizeCheck(facts: Facts, notZero: boolean): string {
	const name = made(facts).name ?? "size";
	const limit = bufferRoom(facts) ?? "sizeof(buffer)";
	return `if (${notZero ? `${name} == 0 || ` : ""}${name} > ${limit}) ${leaveOf(facts)}`;
}

/** Of `pointer += number`: the register with the number. */
function numberRegister({ step, insn }: Facts): number | undefined {
	if (step === undefined || insn === undefined) return undefined;
	return (insn.opcode & 8) !== 0 && step.regs[insn.src]?.kind === "scalar" ? insn.src : insn.dst;
}

/** Bytes behind the pointer argument that a size argument belongs to. */
function bufferRoom({ step, reg }: Facts): number | undefined {
	const buffer = reg === undefined ? undefined : step?.regs[reg - 1];
	if (buffer?.kind === "fp" && buffer.umin === buffer.umax) return -buffer.off - Number(buffer.smin);
	return buffer?.map === undefined ? undefined : buffer.map.valueSize - buffer.off;
}
