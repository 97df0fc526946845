import { type Insn, LDDW, MAP_TYPE, rowsOf } from "../../isa/index.ts";
import type { SpecialField } from "../../maps/index.ts";
import type { LinkedMap } from "../../spec/index.ts";
import { DIRECT_VALUE_MAPS, MAX_USED_MAPS, SLEEPABLE_MAPS, specialFieldRefusal } from "../data/index.ts";
import type { Log } from "../log/log.ts";
import type { InsnAux } from "./aux.ts";

/** 1 << 29: offsets beyond could overflow sums. */
const MAX_VAR_OFF = 1 << 29;

/** A map that the program names, with what its BTF says of its values. */
export interface UsedMap {
	readonly index: number;
	readonly map: LinkedMap;
	readonly fields: readonly SpecialField[];
}

export interface ReferenceInput {
	readonly insns: readonly Insn[];
	readonly aux: InsnAux;
	readonly type: number;
	readonly sleepable: boolean;
	readonly fdArray: boolean;
	readonly log: Log;
	map(index: number): UsedMap | undefined;
	btfId(insn: number): void;
}

/** Every lddw in its form, every opcode known; maps in the order of their first use (kernel: resolve_pseudo_ldimm64). */
export function resolveReferences(input: ReferenceInput): UsedMap[] {
	const { insns, log } = input;
	const used: UsedMap[] = [];
	for (let i = 0; i < insns.length; i++) {
		const insn = insns[i]!;
		const mode = insn.opcode & 0xe0;
		if ((insn.opcode & 7) === 1 && ((mode !== 0x60 && mode !== 0x80) || insn.imm !== 0))
			log.reject("EINVAL", "BPF_LDX uses reserved fields");
		if (insn.opcode !== 0x18) {
			if (!known(insn.opcode)) log.reject("EINVAL", `unknown opcode ${hex(insn.opcode)}`);
			continue;
		}
		const second = insns[i + 1];
		if (
			second === undefined ||
			second.opcode !== 0 ||
			second.dst !== 0 ||
			second.src !== 0 ||
			second.off !== 0
		)
			log.reject("EINVAL", "invalid bpf_ld_imm64 insn");
		if (insn.src === LDDW.BTF_ID) input.btfId(i);
		if (insn.src !== LDDW.IMM && insn.src !== LDDW.FUNC && insn.src !== LDDW.BTF_ID)
			reference(input, i, insn, second!, used);
		i++;
	}
	return used;
}

function reference(input: ReferenceInput, at: number, insn: Insn, second: Insn, used: UsedMap[]): void {
	const { log, aux } = input;
	const value = insn.src === LDDW.MAP_VALUE || insn.src === LDDW.MAP_IDX_VALUE;
	const byIndex = insn.src === LDDW.MAP_IDX || insn.src === LDDW.MAP_IDX_VALUE;
	const whole = insn.src === LDDW.MAP_FD || insn.src === LDDW.MAP_IDX;
	if (!value && !(whole && second.imm === 0)) log.reject("EINVAL", "unrecognized bpf_ld_imm64 insn");
	if (byIndex && !input.fdArray) log.reject("EPROTO", "fd_idx without fd_array is invalid");
	const found =
		(byIndex ? input.map(insn.imm) : undefined) ??
		log.reject("EBADF", `fd ${insn.imm} is not pointing to valid bpf_map`);
	if (!used.includes(found)) {
		if (used.length >= MAX_USED_MAPS)
			log.reject("E2BIG", `The total number of maps per program has reached the limit of ${MAX_USED_MAPS}`);
		checkMap(input, found);
		used.push(found);
	}
	aux.mapIndex[at] = found.index;
	if (value) {
		const off = second.imm >>> 0;
		if (off >= MAX_VAR_OFF) log.reject("EINVAL", `direct value offset of ${off} is not allowed`);
		checkDirect(found.map, off, log);
		aux.mapOffset[at] = off;
	}
}

/** check_map_prog_compatibility. */
function checkMap({ type, sleepable, log }: ReferenceInput, { map, fields }: UsedMap): void {
	for (const struct of [
		"bpf_list_head",
		"bpf_rb_root",
		"bpf_spin_lock",
		"bpf_res_spin_lock",
		"bpf_timer",
		"bpf_wq",
	] as const) {
		if (!fields.some(({ name }) => name === struct)) continue;
		const refusal = specialFieldRefusal(struct, type);
		if (refusal !== undefined) log.reject("EINVAL", refusal);
	}
	if (map.type === MAP_TYPE.STRUCT_OPS) log.reject("EINVAL", "bpf_struct_ops map cannot be used in prog");
	if (sleepable && !SLEEPABLE_MAPS.has(map.type))
		log.reject("EINVAL", "Sleepable programs can only use array, hash, ringbuf and local storage maps");
}

/** map_direct_value_addr: which maps have addresses for their values, and up to where. */
function checkDirect(map: LinkedMap, off: number, log: Log): void {
	const outside = (errno: "EINVAL" | "ENOTSUPP"): never =>
		log.reject(errno, `invalid access to map value pointer, value_size=${map.valueSize} off=${off}`);
	if (!DIRECT_VALUE_MAPS.has(map.type))
		log.reject("EINVAL", "no direct value access support for this map type");
	if (map.type !== MAP_TYPE.ARRAY) return;
	if (map.maxEntries !== 1) outside("ENOTSUPP");
	if (off >= map.valueSize) outside("EINVAL");
}

const known = (opcode: number): boolean =>
	rowsOf(opcode).some(({ row }) => !("dialect" in row)) && opcode !== 0x8d;
/** `%02x`. */
const hex = (opcode: number): string => opcode.toString(16).padStart(2, "0");
