import { type Btf, type BtfType, findBtfType, resolveType, sizeOf, skipModifiers } from "../../btf/index.ts";
import { offsetText } from "../log/print-state.ts";
import { REG_STATE } from "../state/layout.ts";
import { FLAG } from "../state/types.ts";
import type { Walk } from "./walk.ts";

type Struct = Extract<BtfType, { kind: "struct" | "union" }>;

/** A load from one of the kernel's structures, by its BTF (check_ptr_to_btf_access). Only numbers may be loaded yet. */
export function checkBtfAccess(
	w: Walk,
	regno: number,
	reg: number,
	off: number,
	size: number,
	write: boolean,
	value: number,
): void {
	const { core, env } = w;
	const { log, privileges } = env;
	const name = w.btfName(core.get(reg, REG_STATE.AUX));
	if (!privileges.ptrLeaks)
		log.reject("EPERM", `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
	if (!env.gpl) log.reject("EINVAL", `Cannot access kernel 'struct ${name}' from non-GPL compatible program`);
	if (off < 0) log.reject("EACCES", `R${regno} is ptr_${name} invalid negative access: off=${off}`);
	if (!core.isConst(reg) || core.constLow(reg) !== 0)
		log.reject(
			"EACCES",
			`R${regno} is ptr_${name} invalid variable offset: off=${off}, var_off=${offsetText(w, reg)}`,
		);
	const type = core.type(reg);
	if (type & (FLAG.USER | FLAG.PERCPU | FLAG.ALLOC))
		env.notModelled("access through a BTF pointer of this kind");
	if (write) log.reject("EACCES", "only read is supported");
	const btf =
		env.object.target.btf ?? env.notModelled("access to kernel structures without the kernel's BTF");
	const found = findBtfType(btf, name, "struct") ?? env.notModelled(`access to struct ${name}`);
	walkStruct(w, btf, found.id, off, size, (type & FLAG.UNTRUSTED) !== 0);
	if (value >= 0) w.markUnknown(value);
}

/** btf_struct_walk: what lies there must be a number, whole or in part. */
function walkStruct(w: Walk, btf: Btf, id: number, at: number, size: number, untrusted: boolean): void {
	const { log } = w.env;
	let struct = resolveType(btf, id) as Struct;
	let off = at;
	for (let again = true; again; ) {
		again = false;
		if (off + size > struct.size)
			log.reject("EACCES", `access beyond struct ${struct.name} at off ${off} size ${size}`);
		for (const member of struct.members) {
			const start = member.bitOffset >>> 3;
			if (off + size <= start) break;
			if (member.bitSize > 0) {
				const end = Math.ceil((member.bitOffset + member.bitSize) / 8);
				if (off <= start && end <= off + size) return;
				continue;
			}
			if (off < start) break;
			const end = start + (sizeOf(btf, member.type) ?? 0);
			if (off >= end) continue;
			let inner = skipModifiers(btf, member.type);
			let begin = start;
			for (let type = btf.types[inner]!; type.kind === "array"; type = btf.types[inner]!) {
				inner = skipModifiers(btf, type.type);
				const step = sizeOf(btf, inner) ?? 1;
				begin += Math.floor((off - begin) / step) * step;
			}
			const type = btf.types[inner]!;
			if (type.kind === "struct" || type.kind === "union") {
				struct = type;
				off -= begin;
				again = true;
				break;
			}
			if (type.kind === "ptr") {
				if (size !== 8 || off !== begin)
					log.reject(
						"EACCES",
						`cannot access ptr member ${member.name} with moff ${begin} in struct ${struct.name} with off ${off} size ${size}`,
					);
				w.env.notModelled("loads of pointers through BTF pointers");
			}
			if (off + size > end && !untrusted)
				log.reject(
					"EACCES",
					`access beyond the end of member ${member.name} (mend:${end}) in struct ${struct.name} with off ${off} size ${size}`,
				);
			return;
		}
		if (!again) log.reject("EINVAL", `struct ${struct.name} doesn't have field at offset ${off}`);
	}
}
