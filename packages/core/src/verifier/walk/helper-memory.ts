import { markChainPrecision } from "../prune/precision.ts";
import { REG_STATE } from "../state/layout.ts";
import { FLAG, kindOf, REG, typeName } from "../state/types.ts";
import { checkMapAccessType, checkMapValue, checkPacket, checkRegion } from "./memory.ts";
import { type Access, checkStackRange, MAX_VAR_OFF, type RawMode } from "./stack.ts";
import type { Walk } from "./walk.ts";

/** A helper reads or writes `size` bytes through r`regno` (check_helper_mem_access). */
export function checkHelperMemory(
	w: Walk,
	regno: number,
	size: number,
	access: Access,
	zeroAllowed: boolean,
	meta: RawMode | undefined,
): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	const type = core.type(reg);
	const off = core.getSigned(reg, REG_STATE.OFF);
	const readOnly = (): void => {
		if (access === "write") log.reject("EACCES", `R${regno} cannot write into ${typeName(type)}`);
	};
	switch (kindOf(type)) {
		case REG.PACKET:
		case REG.PACKET_META:
			checkPacket(w, regno, off, size, zeroAllowed);
			return;
		case REG.MAP_KEY:
			readOnly();
			checkRegion(w, regno, off, size, w.mapOf(reg).map.keySize, false);
			return;
		case REG.MAP_VALUE:
			checkMapAccessType(w, regno, off, size, access);
			checkMapValue(w, regno, off, size, zeroAllowed, false);
			return;
		case REG.MEM:
			if (type & FLAG.RDONLY) readOnly();
			checkRegion(w, regno, off, size, core.get(reg, REG_STATE.AUX), zeroAllowed);
			return;
		case REG.BUF:
			w.env.notModelled("a buffer given to a helper");
			return;
		case REG.STACK:
			checkStackRange(w, regno, off, size, zeroAllowed, access, meta);
			return;
		case REG.BTF_ID:
			w.env.notModelled("a BTF pointer given to a helper as memory");
			return;
		default:
			if (zeroAllowed && size === 0 && core.isNull(reg)) return;
			log.reject("EACCES", `R${regno} type=${typeName(type)} expected=${typeName(REG.STACK)}`);
	}
}

/** The size in r`regno` of the memory in the register before (check_mem_size_reg). */
export function checkMemorySize(
	w: Walk,
	regno: number,
	access: Access,
	zeroAllowed: boolean,
	meta: (RawMode & { sizeMax: number }) | undefined,
): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	if (meta !== undefined) meta.sizeMax = core.unsignedNumber(reg, REG_STATE.UMAX);
	if (core.signedNumber(reg, REG_STATE.SMIN) < 0)
		log.reject("EACCES", `R${regno} min value is negative, either use unsigned or 'var &= const'`);
	if (core.umin(reg) === 0n && !zeroAllowed)
		log.reject(
			"EACCES",
			`R${regno} invalid zero-sized read: u64=[${core.umin(reg)},${BigInt.asIntN(64, core.umax(reg))}]`,
		);
	const umax = core.unsignedNumber(reg, REG_STATE.UMAX);
	if (umax >= MAX_VAR_OFF)
		log.reject("EACCES", `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
	checkHelperMemory(w, regno - 1, umax, access, zeroAllowed, core.isConst(reg) ? meta : undefined);
	markChainPrecision(w, regno);
}
