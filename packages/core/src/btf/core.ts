/**
 * CO-RE: relocations of clang's `__builtin_preserve_access_index` and its kin, with libbpf's rules (relo_core.c;
 * Documentation/bpf/llvm_reloc.rst, "CO-RE Relocations").
 */
import { TailhopError } from "../errors/index.ts";
import { helperId, type Insn } from "../isa/index.ts";
import { BTF_INT } from "./constants.ts";
import { CoreBudget, essentialName, isComposite, isEnum, type TypePair } from "./core-compat.ts";
import { findCandidates, matchCoreSpec, parseCoreSpec } from "./core-spec.ts";
import { isStableType } from "./core-stable.ts";
import { CORE, CORE_KINDS, type CoreResolution, type CoreSpec, type CoreTarget } from "./core-types.ts";
import type { CoreRelo } from "./ext.ts";
import { btfName, resolveType, sizeOf, skipModifiers, typeById } from "./query.ts";
import { typeName } from "./text.ts";
import type { Btf } from "./types.ts";

/** imm of the call that a poisoned instruction becomes: "invalid func unknown#195896080", 0xbad2310 = bad relo. */
export const POISON_IMM = 195896080;

function fail(local: Btf, relo: CoreRelo, message: string, hint: string): never {
	throw new TailhopError(
		"link/core-relo",
		`${describeRelo(local, relo)}: ${message}`,
		{},
		{
			hint,
			detail: { kind: CORE_KINDS[relo.kind]?.name ?? relo.kind, typeId: relo.typeId, access: relo.access },
		},
	);
}

/** `<byte_off> struct task_struct.mm (0:31)`, for messages. */
export function describeRelo(local: Btf, relo: CoreRelo): string {
	const spec = parseCoreSpec(local, relo);
	let path = "";
	for (const [i, step] of spec.accessors.entries()) {
		if (step.name !== undefined)
			path += isEnum(typeById(local, step.typeId)) ? `::${step.name}` : `.${step.name}`;
		else if (i > 0 || step.index > 0) path += `[${step.index}]`;
	}
	return `<${CORE_KINDS[relo.kind]!.name}> ${typeName(local, relo.typeId)}${path} (${relo.access})`;
}

/**
 * What a record's instruction has to become for the target; `applyCoreRelo` does it.
 *
 * Without `target.btf` it answers: ids of the object's own types, `enum bpf_func_id` from `target.helperIds`, and
 * types that are the same on every kernel (contexts, packet headers: see core-stable.ts) from the object itself.
 *
 * @throws TailhopError `link/core-relo` where libbpf fails the load (ambiguous target, bit field too wide for a
 * load, anonymous root) or where only a kernel's BTF could tell; `btf/invalid` for a record that contradicts `local`.
 */
export function resolveCoreRelo(local: Btf, relo: CoreRelo, target: CoreTarget): CoreResolution {
	const localSpec = parseCoreSpec(local, relo);
	const root = typeById(local, relo.typeId);
	const name = btfName(root);
	if (relo.kind === CORE.TYPE_ID_LOCAL) {
		const id = BigInt(relo.typeId);
		return { ...answer(relo, id, id), validate: false };
	}
	if (name === "")
		fail(local, relo, "the root type has no name", "Give the type a name, or ask about an outer one.");
	if (target.btf === undefined) return resolveWithoutBtf(local, relo, localSpec, target);

	const { pair, answers } = memoryOf(local, target.btf);
	const key = `${relo.kind} ${relo.typeId} ${relo.access}`;
	const known = answers.get(key) ?? attempt(() => resolveAgainst(pair, relo, localSpec));
	answers.set(key, known);
	if ("error" in known) throw known.error;
	return { ...known.resolution, relo };
}

/** What was found out about an object and a target: the same question is answered once, also when it has no answer. */
interface Memory {
	readonly pair: TypePair;
	readonly answers: Map<string, Outcome>;
}

type Outcome = { readonly resolution: CoreResolution } | { readonly error: unknown };

const memories = new WeakMap<Btf, WeakMap<Btf, Memory>>();

function memoryOf(local: Btf, target: Btf): Memory {
	const ofLocal = memories.get(local) ?? new WeakMap<Btf, Memory>();
	memories.set(local, ofLocal);
	const memory = ofLocal.get(target) ?? {
		pair: { local, target, budget: new CoreBudget() },
		answers: new Map(),
	};
	ofLocal.set(target, memory);
	return memory;
}

function attempt(resolve: () => CoreResolution): Outcome {
	try {
		return { resolution: resolve() };
	} catch (error) {
		return { error };
	}
}

function resolveAgainst(pair: TypePair, relo: CoreRelo, localSpec: CoreSpec): CoreResolution {
	let found: { spec: CoreSpec; resolution: CoreResolution } | undefined;
	for (const id of findCandidates(pair.target, typeById(pair.local, relo.typeId))) {
		pair.budget.spend();
		const spec = matchCoreSpec(pair, relo, localSpec, id);
		if (spec === undefined) continue;
		const resolution = compute(relo, localSpec, spec);
		if (found === undefined) {
			found = { spec, resolution };
		} else if (found.spec.bitOffset !== spec.bitOffset || !sameAnswer(found.resolution, resolution)) {
			fail(
				pair.local,
				relo,
				`types ${found.spec.rootId} and ${spec.rootId} of the target both match and differ`,
				"Rename the type with a flavor (name___flavor) that has only what the program needs.",
			);
		}
	}
	return found?.resolution ?? compute(relo, localSpec, undefined);
}

function sameAnswer(a: CoreResolution, b: CoreResolution): boolean {
	return a.poison === b.poison && a.value === b.value;
}

function resolveWithoutBtf(local: Btf, relo: CoreRelo, spec: CoreSpec, target: CoreTarget): CoreResolution {
	const root = resolveType(local, relo.typeId);
	const name = essentialName(btfName(root));
	if (isEnum(root) && name === "bpf_func_id" && spec.accessors.length === 1) {
		const { index } = spec.accessors[0]!;
		const helper = essentialName(spec.accessors[0]!.name!);
		// a flavored enum may give its values any number: the name decides
		const id = helper.startsWith("BPF_FUNC_") ? helperId(helper.slice("BPF_FUNC_".length)) : undefined;
		const exists = id !== undefined && target.helperIds.has(id);
		if (relo.kind === CORE.ENUMVAL_EXISTS) return answer(relo, 1n, exists ? 1n : 0n);
		const original = BigInt(root.values[index]!.value);
		return exists ? answer(relo, original, BigInt(id)) : poisoned(relo);
	}
	if (isStableType(name)) return compute(relo, spec, spec);
	return fail(
		local,
		relo,
		"only the kernel's BTF can answer",
		"Give the target's BTF (for instance /sys/kernel/btf/vmlinux).",
	);
}

function answer(relo: CoreRelo, original: bigint, value: bigint): CoreResolution {
	return { relo, poison: false, original, value, validate: true, originalSize: 0, size: 0, resizable: true };
}

function poisoned(relo: CoreRelo): CoreResolution {
	return { ...answer(relo, 0n, 0n), poison: true };
}

/** bpf_core_calc_relo: both values, or poison where the target has nothing and the kind needs it. */
function compute(relo: CoreRelo, local: CoreSpec, target: CoreSpec | undefined): CoreResolution {
	const withId = target === undefined ? {} : { targetId: target.rootId };
	switch (relo.kind) {
		case CORE.FIELD_EXISTS:
		case CORE.TYPE_EXISTS:
		case CORE.TYPE_MATCHES:
		case CORE.ENUMVAL_EXISTS:
			return { ...answer(relo, 1n, target === undefined ? 0n : 1n), ...withId };
		case CORE.TYPE_ID_TARGET:
			// an id inside an instruction changes when objects are linked: the old one proves nothing
			return {
				...answer(relo, BigInt(local.rootId), BigInt(target?.rootId ?? 0)),
				validate: false,
				...withId,
			};
		case CORE.TYPE_SIZE: {
			const size = (spec: CoreSpec) => BigInt(sizeOf(spec.btf, spec.rootId) ?? unsized(local.btf, relo));
			return { ...answer(relo, size(local), target === undefined ? 0n : size(target)), ...withId };
		}
		case CORE.ENUMVAL_VALUE:
			if (target === undefined) return poisoned(relo);
			return { ...answer(relo, enumValue(local), enumValue(target)), ...withId };
		default: {
			if (target === undefined) return poisoned(relo);
			const original = fieldAnswer(local.btf, relo, local);
			const wanted = fieldAnswer(local.btf, relo, target);
			return {
				relo,
				poison: false,
				original: BigInt(original.value),
				value: BigInt(wanted.value),
				validate: original.validate,
				originalSize: original.size,
				size: wanted.size,
				resizable:
					original.size === wanted.size || resizable(local.btf, original.typeId, target.btf, wanted.typeId),
				...withId,
			};
		}
	}
}

function unsized(local: Btf, relo: CoreRelo): never {
	return fail(local, relo, "the type has no size", "It is only declared, not defined.");
}

/** As libbpf reads it: the 32 bits of an enum are signed, whatever the enum says. */
function enumValue(spec: CoreSpec): bigint {
	const { typeId, index } = spec.accessors[0]!;
	const type = typeById(spec.btf, typeId);
	if (type.kind === "enum") return BigInt.asIntN(32, BigInt(type.values[index]!.value));
	return type.kind === "enum64" ? type.values[index]!.value : 0n;
}

interface FieldAnswer {
	readonly value: number;
	readonly validate: boolean;
	/** Bytes that a load of the field reads, and its type; 0 where it does not matter. */
	readonly size: number;
	readonly typeId: number;
}

/** bpf_core_calc_field_relo for one side; `local` is for messages. */
function fieldAnswer(local: Btf, relo: CoreRelo, spec: CoreSpec): FieldAnswer {
	const { btf, bitOffset } = spec;
	const last = spec.accessors.at(-1)!;
	if (last.name === undefined) {
		const size = sizeOf(btf, last.typeId) ?? unsized(local, relo);
		if (relo.kind === CORE.FIELD_BYTE_OFFSET)
			return { value: bitOffset / 8, validate: true, size, typeId: last.typeId };
		if (relo.kind === CORE.FIELD_BYTE_SIZE) return { value: size, validate: true, size: 0, typeId: 0 };
		return fail(local, relo, "an array element has no such property", "Ask about a member.");
	}
	const owner = typeById(btf, last.typeId);
	if (!isComposite(owner)) return unsized(local, relo);
	const member = owner.members[last.index]!;
	const fieldId = skipModifiers(btf, member.type);
	const field = typeById(btf, fieldId);
	const isBitField = member.bitSize > 0;
	const { byteOffset, byteSize } = isBitField
		? bitFieldBytes(local, relo, bitOffset, member.bitSize, sizeOf(btf, fieldId) ?? unsized(local, relo))
		: { byteOffset: Math.floor(bitOffset / 8), byteSize: sizeOf(btf, fieldId) ?? unsized(local, relo) };
	const bitSize = isBitField ? member.bitSize : byteSize * 8;
	const plain = (value: number, validate: boolean) => ({ value, validate, size: 0, typeId: 0 });
	switch (relo.kind) {
		case CORE.FIELD_BYTE_OFFSET: {
			if (isBitField) return plain(byteOffset, false);
			// a load from an array loads one element
			let elementId = fieldId;
			for (let type = field; type.kind === "array"; type = typeById(btf, elementId)) {
				elementId = skipModifiers(btf, type.type);
			}
			return { value: byteOffset, validate: true, size: sizeOf(btf, elementId) ?? 0, typeId: fieldId };
		}
		case CORE.FIELD_BYTE_SIZE:
			return plain(byteSize, !isBitField);
		case CORE.FIELD_SIGNED: {
			const signed = isEnum(field)
				? field.signed
				: field.kind === "int" && (field.encoding & BTF_INT.SIGNED) !== 0;
			return plain(signed ? 1 : 0, true);
		}
		case CORE.FIELD_LSHIFT_U64:
			return plain(64 - (bitOffset + bitSize - byteOffset * 8), !isBitField);
		default:
			return plain(64 - bitSize, true);
	}
}

/** The smallest aligned integer that holds the whole bit field. */
function bitFieldBytes(local: Btf, relo: CoreRelo, bitOffset: number, bitSize: number, typeSize: number) {
	for (let byteSize = typeSize; byteSize > 0; byteSize *= 2) {
		const byteOffset = Math.floor(bitOffset / 8 / byteSize) * byteSize;
		if (bitOffset + bitSize - byteOffset * 8 <= byteSize * 8) return { byteOffset, byteSize };
		if (byteSize >= 8) break;
	}
	return fail(
		local,
		relo,
		"no load of 64 bits holds the whole bit field",
		"Read the bytes around it by hand.",
	);
}

/** Pointers may be loaded with the other size, and integers that are not signed: the value is the same. */
function resizable(local: Btf, localId: number, target: Btf, targetId: number): boolean {
	const a = typeById(local, localId);
	const b = typeById(target, targetId);
	if (a.kind === "ptr") return b.kind === "ptr";
	return (
		a.kind === "int" && b.kind === "int" && a.encoding !== BTF_INT.SIGNED && b.encoding !== BTF_INT.SIGNED
	);
}

const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, ALU64: 7 } as const;
const LDDW_OPCODE = 0x18;
/** BPF_SIZE bits of an opcode by bytes. */
const SIZE_BITS: Readonly<Record<number, number>> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };
const BYTES_OF_SIZE: Readonly<Record<number, number>> = { 16: 1, 8: 2, 0: 4, 24: 8 };

const POISON: Insn = Object.freeze({ opcode: 0x85, dst: 0, src: 0, off: 0, imm: POISON_IMM });

/**
 * Patches the instruction at `index` (bpf_core_patch_insn): imm of an ALU instruction, offset and, where the field
 * is now wider or narrower, size of a load or store, both halves of a lddw. An instruction that has no answer
 * becomes a call of a helper that does not exist, so that only reaching it is an error.
 *
 * @throws TailhopError `link/core-relo` when the instruction is not what the record says.
 */
export function applyCoreRelo(insns: Insn[], index: number, resolution: CoreResolution): void {
	const { value, original } = resolution;
	const insn = insns[index] ?? refuse(index, resolution, "there is no instruction");
	const second = insn.opcode === LDDW_OPCODE ? insns[index + 1] : undefined;
	const expect = (got: bigint) => {
		if (resolution.validate && BigInt.asUintN(64, got) !== BigInt.asUintN(64, original))
			refuse(index, resolution, `it holds ${got}, not ${original}`);
	};
	const poison = () => {
		insns[index] = POISON;
		if (second !== undefined) insns[index + 1] = POISON;
	};
	if (resolution.poison) {
		poison();
		return;
	}
	switch (insn.opcode & 7) {
		case CLASS.ALU:
		case CLASS.ALU64:
			if ((insn.opcode & 8) !== 0) refuse(index, resolution, "it has no immediate operand");
			expect(BigInt(insn.imm));
			insns[index] = { ...insn, imm: Number(BigInt.asIntN(32, value)) };
			return;
		case CLASS.LDX:
		case CLASS.ST:
		case CLASS.STX: {
			expect(BigInt(insn.off));
			if (value > 0x7fffn) refuse(index, resolution, `offset ${value} does not fit in 16 bits`);
			// loading with the wrong size would read something else: wrong only if it is reached
			if (!resolution.resizable) {
				poison();
				return;
			}
			let { opcode } = insn;
			if (resolution.size !== resolution.originalSize) {
				const bytes = BYTES_OF_SIZE[opcode & 0x18];
				if (bytes !== resolution.originalSize) {
					refuse(index, resolution, `it accesses ${bytes} bytes of a field of ${resolution.originalSize}`);
				}
				const bits =
					SIZE_BITS[resolution.size] ?? refuse(index, resolution, `no load has ${resolution.size} bytes`);
				opcode = (opcode & ~0x18) | bits;
			}
			insns[index] = { ...insn, opcode, off: Number(value) };
			return;
		}
		default:
			if (second === undefined || insn.src !== 0 || insn.off !== 0 || second.opcode !== 0) {
				throw refuse(index, resolution, "it is no instruction that CO-RE relocates");
			}
			expect(BigInt.asUintN(32, BigInt(insn.imm)) | (BigInt.asUintN(32, BigInt(second.imm)) << 32n));
			insns[index] = { ...insn, imm: Number(BigInt.asIntN(32, value)) };
			insns[index + 1] = { ...second, imm: Number(BigInt.asIntN(32, value >> 32n)) };
	}
}

function refuse(insn: number, resolution: CoreResolution, why: string): never {
	const { relo } = resolution;
	throw new TailhopError(
		"link/core-relo",
		`instruction ${insn} does not fit its CO-RE record (${CORE_KINDS[relo.kind]?.name} ${relo.access}): ${why}`,
		{ insn },
		{ hint: "Compile the object again: code and BTF.ext do not belong together." },
	);
}
