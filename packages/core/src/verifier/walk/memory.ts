import { MAP_TYPE } from "../../isa/index.ts";
import { POINTER_TAGS, programAccess } from "../../maps/index.ts";
import { FLOW_KEYS_SIZE } from "../data/index.ts";
import { offsetText } from "../log/print-state.ts";
import { REG_STATE } from "../state/layout.ts";
import { FLAG, kindOf, REG, typeName } from "../state/types.ts";
import { checkBtfAccess, loadMapStruct, needsPerfmon } from "./btf-access.ts";
import { checkContext, checkSocket, mayAccessPacket } from "./context.ts";
import { type Access, checkStackBounds, checkStackRead, checkStackWrite, MAX_VAR_OFF } from "./stack.ts";
import { maybeNull, type Walk } from "./walk.ts";

/** What the log calls a kind of memory where an access is misaligned. */
const DESCRIPTIONS: Readonly<Record<number, string>> = {
	[REG.FLOW_KEYS]: "flow keys ",
	[REG.MAP_KEY]: "key ",
	[REG.MAP_VALUE]: "value ",
	[REG.CTX]: "context ",
	[REG.STACK]: "stack ",
	[REG.SOCKET]: "sock ",
	[REG.SOCK_COMMON]: "sock_common ",
	[REG.TCP_SOCK]: "tcp_sock ",
	[REG.XDP_SOCK]: "xdp_sock ",
};

/** check_ptr_alignment. */
function checkAlignment(w: Walk, reg: number, off: number, size: number, strictOnce: boolean): void {
	const { core } = w;
	const type = core.type(reg);
	const strict = w.env.strictAlignment || strictOnce || type === REG.STACK;
	if (!strict || size === 1 || type === REG.ARENA) return;
	const packet = type === REG.PACKET || type === REG.PACKET_META;
	const own = core.getSigned(reg, REG_STATE.OFF);
	// packets start 2 behind a multiple of 4 (NET_IP_ALIGN)
	const low = (core.constLow(reg) + own + off + (packet ? 2 : 0)) | 0;
	const unknown = core.get(reg, REG_STATE.TNUM_MASK);
	if (((low | unknown) & (size - 1)) === 0) return;
	w.env.log.reject(
		"EACCES",
		packet
			? `misaligned packet access off 2+${offsetText(w, reg)}+${own}+${off} size ${size}`
			: `misaligned ${DESCRIPTIONS[type] ?? ""}access off ${offsetText(w, reg)}+${own}+${off} size ${size}`,
	);
}

/** Memory that a helper needs aligned. */
export function checkAlignmentOf(w: Walk, reg: number, off: number, size: number): void {
	checkAlignment(w, reg, off, size, true);
}

/** Two's complement of a 64-bit number, to 32 bits: what the kernel's int arguments keep. */
const toInt = (value: number): number => Number(BigInt.asIntN(32, BigInt(value)));

/** __check_mem_access: [off, off + size) lies within `limit` bytes. */
function checkInside(
	w: Walk,
	regno: number,
	off: number,
	size: number,
	limit: number,
	zeroAllowed: boolean,
): boolean {
	if (off >= 0 && (size > 0 || (size === 0 && zeroAllowed)) && off + size <= limit) return true;
	const reg = w.reg(regno);
	const { log } = w.env;
	switch (w.core.type(reg)) {
		case REG.MAP_KEY:
			log.write(`invalid access to map key, key_size=${limit} off=${off} size=${size}\n`);
			break;
		case REG.MAP_VALUE:
			log.write(`invalid access to map value, value_size=${limit} off=${off} size=${size}\n`);
			break;
		case REG.PACKET:
		case REG.PACKET_META:
		case REG.PACKET_END:
			log.write(
				`invalid access to packet, off=${off} size=${size}, R${regno}(id=${w.core.get(reg, REG_STATE.ID)},off=${off},r=${limit})\n`,
			);
			break;
		case REG.CTX:
			log.write(`invalid access to context, ctx_size=${limit} off=${off} size=${size}\n`);
			break;
		default:
			log.write(`invalid access to memory, mem_size=${limit} off=${off} size=${size}\n`);
	}
	return false;
}

function rejectNegative(w: Walk, regno: number): never {
	w.env.log.reject(
		"EACCES",
		`R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
	);
}

/** check_mem_region_access: whatever the variable part of the offset is, the access is inside. */
export function checkRegion(
	w: Walk,
	regno: number,
	off: number,
	size: number,
	limit: number,
	zeroAllowed: boolean,
): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	const smin = core.signedNumber(reg, REG_STATE.SMIN);
	if (smin < 0 && (smin < -(2 ** 62) || smin + off < -(2 ** 31) || smin + off < 0)) rejectNegative(w, regno);
	if (!checkInside(w, regno, toInt(smin + off), size, limit, zeroAllowed))
		log.reject("EACCES", `R${regno} min value is outside of the allowed memory range`);
	const umax = core.unsignedNumber(reg, REG_STATE.UMAX);
	if (umax >= MAX_VAR_OFF)
		log.reject("EACCES", `R${regno} unbounded memory access, make sure to bounds check any such access`);
	if (!checkInside(w, regno, umax + off, size, limit, zeroAllowed))
		log.reject("EACCES", `R${regno} max value is outside of the allowed memory range`);
}

/** check_packet_access: within what a comparison with the packet's end has shown. */
export function checkPacket(w: Walk, regno: number, off: number, size: number, zeroAllowed: boolean): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	if (core.signedNumber(reg, REG_STATE.SMIN) < 0) rejectNegative(w, regno);
	const range = core.getSigned(reg, REG_STATE.RANGE);
	if (range < 0) log.reject("EINVAL", `R${regno} offset is outside of the packet`);
	if (!checkInside(w, regno, off, size, range, zeroAllowed))
		log.reject("EACCES", `R${regno} offset is outside of the packet`);
}

/** check_map_access_type. */
export function checkMapAccessType(w: Walk, regno: number, off: number, size: number, access: Access): void {
	const { map } = w.mapOf(w.reg(regno));
	const allowed = programAccess(map);
	if (access === "write" && allowed === "r")
		w.env.log.reject(
			"EACCES",
			`write into map forbidden, value_size=${map.valueSize} off=${off} size=${size}`,
		);
	if (access === "read" && allowed === "w")
		w.env.log.reject(
			"EACCES",
			`read from map forbidden, value_size=${map.valueSize} off=${off} size=${size}`,
		);
}

/** check_map_access: inside the value, and not in a field that is the kernel's. */
export function checkMapValue(
	w: Walk,
	regno: number,
	off: number,
	size: number,
	zeroAllowed: boolean,
	direct: boolean,
): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	const { map, fields } = w.mapOf(reg);
	checkRegion(w, regno, off, size, map.valueSize, zeroAllowed);
	if (fields.length === 0) return;
	const smin = core.signedNumber(reg, REG_STATE.SMIN);
	const umax = core.unsignedNumber(reg, REG_STATE.UMAX);
	for (const field of fields) {
		if (smin + off >= field.offset + field.size || field.offset >= umax + off + size) continue;
		if (!POINTER_TAGS.includes(field.name))
			log.reject("EACCES", `${field.name} cannot be accessed directly by load/store`);
		if (!direct) log.reject("EACCES", `${field.name} cannot be accessed indirectly by helper`);
		if (!core.isConst(reg)) log.reject("EACCES", `${field.name} access cannot have variable offset`);
		if (field.offset !== off + core.constLow(reg))
			log.reject(
				"EACCES",
				`${field.name} access misaligned expected=${field.offset} off=${off + core.constLow(reg)}`,
			);
		if (size !== 8) log.reject("EACCES", `${field.name} access size must be BPF_DW`);
		w.env.notModelled("kptr in a map value");
	}
}

/** Pointers of some kinds are used as they came, unmoved (__check_ptr_off_reg). */
export function checkPtrOff(w: Walk, reg: number, regno: number, fixedOk = false): void {
	const { core } = w;
	const { log } = w.env;
	const off = core.getSigned(reg, REG_STATE.OFF);
	const name = typeName(core.type(reg));
	if (off < 0) log.reject("EACCES", `negative offset ${name} ptr R${regno} off=${off} disallowed`);
	if (!fixedOk && off !== 0)
		log.reject("EACCES", `dereference of modified ${name} ptr R${regno} off=${off} disallowed`);
	if (!core.isConst(reg) || core.constLow(reg) !== 0 || core.constHigh(reg) !== 0)
		log.reject("EACCES", `variable ${name} access var_off=${offsetText(w, reg)} disallowed`);
}

/**
 * A load or store of `size` bytes at r`regno` + off. `value` is the register that is loaded or stored; -1: an
 * immediate is stored, or an atomic operation only asks (check_mem_access).
 */
export function checkMemory(
	w: Walk,
	regno: number,
	displacement: number,
	size: number,
	access: Access,
	value: number,
	strictOnce = false,
	signed = false,
): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	checkAlignment(w, reg, displacement, size, strictOnce);
	const off = displacement + core.getSigned(reg, REG_STATE.OFF);
	const type = core.type(reg);
	const kind = kindOf(type);
	const write = access === "write";
	const loads = !write && value >= 0;
	const leaks = (where: string): void => {
		if (write && value >= 0 && w.isPointerValue(value))
			log.reject("EACCES", `R${value} leaks addr into ${where}`);
	};
	if (type === REG.MAP_KEY) {
		if (write) log.reject("EACCES", `write to change key R${regno} not allowed`);
		checkRegion(w, regno, off, size, w.mapOf(reg).map.keySize, false);
		if (value >= 0) w.markUnknown(value);
	} else if (type === REG.MAP_VALUE) {
		leaks("map");
		checkMapAccessType(w, regno, off, size, access);
		checkMapValue(w, regno, off, size, false, true);
		if (loads) loadMapValue(w, reg, off, size, value, signed);
	} else if (kind === REG.MEM) {
		const rdonly = (type & FLAG.RDONLY) !== 0;
		if (maybeNull(type)) log.reject("EACCES", `R${regno} invalid mem access '${typeName(type)}'`);
		if (write && rdonly) log.reject("EACCES", `R${regno} cannot write into ${typeName(type)}`);
		leaks("mem");
		if (!(rdonly && (type & FLAG.UNTRUSTED) !== 0))
			checkRegion(w, regno, off, size, core.get(reg, REG_STATE.AUX), false);
		if (value >= 0 && (loads || rdonly)) w.markUnknown(value);
	} else if (type === REG.CTX) {
		leaks("ctx");
		checkPtrOff(w, reg, regno);
		const info = checkContext(w, off, size, access, signed);
		if (loads) {
			const dst = w.reg(value);
			if (info.type === REG.SCALAR) w.markUnknown(value);
			else {
				core.clearReg(dst);
				core.markPointer(dst, info.type);
				if (maybeNull(info.type)) core.set(dst, REG_STATE.ID, w.newId());
				if (info.aux !== undefined) core.set(dst, REG_STATE.AUX, info.aux);
			}
		}
	} else if (type === REG.STACK) {
		checkStackBounds(w, regno, off, size, access);
		if (write) checkStackWrite(w, regno, off, size, value);
		else checkStackRead(w, regno, off, size, value);
	} else if (type === REG.PACKET || type === REG.PACKET_META) {
		if (write && !mayAccessPacket(w, "write")) log.reject("EACCES", "cannot write into packet");
		leaks("packet");
		checkPacket(w, regno, off, size, false);
		if (loads) w.markUnknown(value);
	} else if (type === REG.FLOW_KEYS) {
		leaks("flow keys");
		if (off < 0 || off + size > FLOW_KEYS_SIZE)
			log.reject("EACCES", `invalid access to flow keys off=${off} size=${size}`);
		if (loads) w.markUnknown(value);
	} else if (
		type === REG.SOCKET ||
		type === REG.SOCK_COMMON ||
		type === REG.TCP_SOCK ||
		type === REG.XDP_SOCK
	) {
		if (write) log.reject("EACCES", `R${regno} cannot write into ${typeName(type)}`);
		if (core.signedNumber(reg, REG_STATE.SMIN) < 0)
			log.reject(
				"EACCES",
				`R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
			);
		checkSocket(w, regno, type, off, size);
		if (value >= 0) w.markUnknown(value);
	} else if (type === REG.TP_BUFFER) {
		checkBuffer(w, regno, reg, off, size, "tracepoint");
		if (loads) w.markUnknown(value);
	} else if (kind === REG.BTF_ID && !maybeNull(type)) {
		checkBtfAccess(w, regno, reg, off, size, write, value);
	} else if (type === REG.MAP_PTR) {
		checkMapStruct(w, regno, reg, off, size, write, value);
	} else if (kind === REG.BUF && !maybeNull(type)) {
		if (write && type & FLAG.RDONLY) log.reject("EACCES", `R${regno} cannot write into ${typeName(type)}`);
		checkBuffer(w, regno, reg, off, size, type & FLAG.RDONLY ? "rdonly" : "rdwr");
		if (value >= 0 && (type & FLAG.RDONLY || loads)) w.markUnknown(value);
	} else if (type === REG.ARENA) {
		if (loads) w.markUnknown(value);
	} else log.reject("EACCES", `R${regno} invalid mem access '${typeName(type)}'`);

	if (size < 8 && loads && core.isScalar(w.reg(value))) {
		if (signed) core.coerceToSizeSx(w.reg(value), size);
		else core.coerceToSize(w.reg(value), size);
	}
}

/** What a program loads from a map that it may not change, and nobody else any more, is known (bpf_map_direct_read). */
function loadMapValue(w: Walk, reg: number, off: number, size: number, dst: number, signed: boolean): void {
	const { core } = w;
	const { map } = w.mapOf(reg);
	const readonly = map.frozen && programAccess(map) === "r" && map.type === MAP_TYPE.ARRAY;
	if (!readonly || !core.isConst(reg) || map.initial === undefined || map.maxEntries !== 1) {
		w.markUnknown(dst);
		return;
	}
	const at = off + core.constLow(reg);
	let value = 0n;
	for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(map.initial[at + i] ?? 0);
	if (signed) value = BigInt.asUintN(64, BigInt.asIntN(size * 8, value));
	core.markConst(w.reg(dst), Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** __check_buffer_access. */
function checkBuffer(w: Walk, regno: number, reg: number, off: number, size: number, name: string): void {
	if (off < 0)
		w.env.log.reject("EACCES", `R${regno} invalid ${name} buffer access: off=${off}, size=${size}`);
	if (!w.core.isConst(reg) || w.core.constLow(reg) !== 0)
		w.env.log.reject(
			"EACCES",
			`R${regno} invalid variable buffer offset: off=${off}, var_off=${offsetText(w, reg)}`,
		);
}

/** Programs may read the kernel's struct bpf_map (check_ptr_to_map_access). */
function checkMapStruct(
	w: Walk,
	regno: number,
	reg: number,
	off: number,
	size: number,
	write: boolean,
	value: number,
): void {
	const { log } = w.env;
	const { map } = w.mapOf(reg);
	const name = MAP_STRUCTS[map.type] ?? "bpf_map";
	needsPerfmon(w, name);
	if (off < 0) log.reject("EACCES", `R${regno} is ${name} invalid negative access: off=${off}`);
	if (write) log.reject("EACCES", `only read from ${name} is supported`);
	loadMapStruct(w, name, off, size, value);
}

const MAP_STRUCTS: Readonly<Record<number, string>> = {
	[MAP_TYPE.HASH]: "bpf_htab",
	[MAP_TYPE.ARRAY]: "bpf_array",
	[MAP_TYPE.PROG_ARRAY]: "bpf_array",
	[MAP_TYPE.PERF_EVENT_ARRAY]: "bpf_array",
	[MAP_TYPE.PERCPU_HASH]: "bpf_htab",
	[MAP_TYPE.PERCPU_ARRAY]: "bpf_array",
	[MAP_TYPE.CGROUP_ARRAY]: "bpf_array",
	[MAP_TYPE.LRU_HASH]: "bpf_htab",
	[MAP_TYPE.LRU_PERCPU_HASH]: "bpf_htab",
	[MAP_TYPE.ARRAY_OF_MAPS]: "bpf_array",
	[MAP_TYPE.HASH_OF_MAPS]: "bpf_htab",
	[MAP_TYPE.LPM_TRIE]: "lpm_trie",
	[MAP_TYPE.STACK_TRACE]: "bpf_stack_map",
	[MAP_TYPE.QUEUE]: "bpf_queue_stack",
	[MAP_TYPE.STACK]: "bpf_queue_stack",
	[MAP_TYPE.RINGBUF]: "bpf_ringbuf_map",
};
