import {
	BPF_ADD_CONST,
	FUNC_STATE,
	REF_STATE,
	REG_STATE,
	STACK_DYNPTR,
	STACK_ITER,
	STACK_SPILL,
} from "../state/layout.ts";
import { printScalar, scalarRanges } from "../state/print-scalar.ts";
import { FLAG, kindOf, REG, typeName } from "../state/types.ts";

/** What of the walk the printer looks at. */
type Walk = Pick<
	import("../walk/walk.ts").Walk,
	"core" | "scratchedRegs" | "scratchedLow" | "scratchedHigh" | "mapOf" | "btfName" | "iterName"
>;

const SLOT_CHARS = "?rm0dif";
const DYNPTR_NAMES: Readonly<Record<number, string>> = {
	1: "local",
	2: "ringbuf",
	3: "skb",
	4: "xdp",
	5: "skb_meta",
};
const U64 = (1n << 64n) - 1n;

/** `%#llx` of 64 bits. */
const hex = (value: bigint): string => `0x${(value & U64).toString(16)}`;
/** Small numbers are decimal, as the log has them. */
const snum = (value: bigint): string => (value >= -32768n && value <= 32767n ? `${value}` : hex(value));
const unum = (value: bigint): string => (value <= 65535n ? `${value}` : hex(value));

/** `(0x0; 0xff)`. */
export function tnumText(w: Walk, reg: number): string {
	return `(${hex(w.core.tnumValue(reg))}; ${hex(w.core.tnumMask(reg))})`;
}

/** The variable part of an offset: a number where it is known (tnum_strn). */
export function offsetText(w: Walk, reg: number): string {
	return w.core.isConst(reg) ? unum(w.core.tnumValue(reg)) : tnumText(w, reg);
}

/** ` frame1: R1=ctx() R10=fp0 fp-8=mmmmmmmm`; `changed`: only what was touched since it was last printed. */
export function printState(w: Walk, state: number, frameIndex: number, changed = false): string {
	const { core } = w;
	const frame = core.frame(state, frameIndex);
	const frameno = core.get(frame, FUNC_STATE.FRAMENO);
	let text = frameno > 0 ? ` frame${frameno}:` : "";
	for (let i = 0; i < 11; i++) {
		const reg = core.frameReg(frame, i);
		if (core.type(reg) === REG.NOT_INIT) continue;
		if (changed && (w.scratchedRegs & (1 << i)) === 0) continue;
		text += ` R${i}=${printReg(w, reg, frameno)}`;
	}
	for (let i = 0; i < core.slots(frame); i++) {
		if (changed && ((i < 32 ? w.scratchedLow >>> i : w.scratchedHigh >>> (i - 32)) & 1) === 0) continue;
		const at = core.slot(frame, i);
		let types = "";
		let valid = false;
		for (let j = 0; j < 8; j++) {
			const type = core.u8[at + j]!;
			if (type !== 0) valid = true;
			types += SLOT_CHARS[type];
		}
		if (!valid) continue;
		const reg = core.slotReg(frame, i);
		const place = ` fp${-(i + 1) * 8}=`;
		switch (core.u8[at + 7]) {
			case STACK_SPILL:
				text += `${place}${types.slice(0, types.indexOf("r"))}${printReg(w, reg, frameno)}`;
				break;
			case STACK_DYNPTR: {
				i++;
				const main = core.slotReg(frame, i);
				const parts: string[] = [];
				const id = core.get(main, REG_STATE.ID);
				const ref = core.get(main, REG_STATE.REF_OBJ_ID);
				if (id) parts.push(`id=${id}`);
				if (ref) parts.push(`ref_id=${ref}`);
				// the kernel prints a word that it shares with first_slot
				parts.push("dynptr_id=1");
				text += ` fp${-(i + 1) * 8}=dynptr_${DYNPTR_NAMES[core.get(main, REG_STATE.AUX)] ?? "<unknown>"}(${parts.join(",")})`;
				break;
			}
			case STACK_ITER: {
				const ref = core.get(reg, REG_STATE.REF_OBJ_ID);
				if (ref === 0) break;
				const state = ["<invalid>", "active", "drained"][core.get(reg, REG_STATE.AUX2)] ?? "<unknown>";
				text += `${place}iter_${w.iterName(core.get(reg, REG_STATE.AUX))}(ref_id=${ref},state=${state},depth=${core.get(reg, REG_STATE.RANGE)})`;
				break;
			}
			default:
				text += place + types;
		}
	}
	const refs: number[] = [];
	for (let i = 0; i < core.refCount(state); i++) {
		const id = core.get(core.ref(state, i), REF_STATE.ID);
		if (id) refs.push(id);
	}
	if (refs.length > 0) text += ` refs=${refs.join(",")}`;
	if (core.get(frame, FUNC_STATE.IN_CALLBACK_FN)) text += " cb";
	if (core.get(frame, FUNC_STATE.IN_ASYNC_CALLBACK_FN)) text += " async_cb";
	return text;
}

export function printReg(w: Walk, reg: number, frameno: number): string {
	const { core } = w;
	const type = core.type(reg);
	const kind = kindOf(type);
	const scalar = type === REG.SCALAR;
	if (scalar) return printScalar(core, reg);
	let text = typeName(type);
	if (kind === REG.ARENA) return text;
	const off = core.getSigned(reg, REG_STATE.OFF);
	if (type === REG.STACK) {
		const of = core.get(reg, REG_STATE.FRAMENO);
		if (of !== frameno) text += `[${of}]`;
		if (core.isConst(reg)) return text + snum(BigInt.asIntN(64, core.tnumValue(reg)) + BigInt(off));
	}
	if (kind === REG.BTF_ID) text += w.btfName(core.get(reg, REG_STATE.AUX));
	const parts: string[] = [];
	const id = core.get(reg, REG_STATE.ID);
	if (id)
		parts.push(`id=${(id & ~BPF_ADD_CONST) >>> 0}${id & BPF_ADD_CONST ? (off < 0 ? off : `+${off}`) : ""}`);
	const ref = core.get(reg, REG_STATE.REF_OBJ_ID);
	if (ref) parts.push(`ref_obj_id=${ref}`);
	if (type & FLAG.NON_OWN_REF) parts.push("non_own_ref");
	if (kind === REG.MAP_PTR || kind === REG.MAP_VALUE || kind === REG.MAP_KEY) {
		const { map } = w.mapOf(reg);
		if (map.name !== "") parts.push(`map=${map.name.slice(0, 15)}`);
		parts.push(`ks=${map.keySize},vs=${map.valueSize}`);
	}
	if (!scalar && off) parts.push(`off=${snum(BigInt(off))}`);
	if (kind === REG.PACKET || kind === REG.PACKET_META)
		parts.push(`r=${unum(BigInt.asUintN(64, BigInt(core.getSigned(reg, REG_STATE.RANGE))))}`);
	if (kind === REG.MEM) parts.push(`sz=${unum(BigInt(core.get(reg, REG_STATE.AUX)))}`);
	if (kind === REG.DYNPTR) parts.push(`type=${DYNPTR_NAMES[core.get(reg, REG_STATE.AUX)] ?? "<unknown>"}`);
	if (core.isConst(reg)) {
		const value = BigInt.asIntN(64, core.tnumValue(reg));
		if (value !== 0n) parts.push(`imm=${snum(value)}`);
	} else {
		parts.push(...scalarRanges(core, reg));
	}
	return `${text}(${parts.join(",")})`;
}
