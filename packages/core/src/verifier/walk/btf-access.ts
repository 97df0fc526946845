import { type Btf, type BtfType, findBtfType, resolveType, sizeOf, skipModifiers } from "../../btf/index.ts";
import { offsetText } from "../log/print-state.ts";
import { REG_STATE, STATE } from "../state/layout.ts";
import { FLAG, REG } from "../state/types.ts";
import type { Walk } from "./walk.ts";

type Struct = Extract<BtfType, { kind: "struct" | "union" }>;

/** Fields whose pointers keep a trust of their own (BTF_TYPE_SAFE_…): what that is isn't modelled. */
const SAFE_FIELDS: readonly string[] = [
	...["task_struct.cpus_ptr", "task_struct.cgroups", "task_struct.real_parent", "task_struct.group_leader"],
	...["cgroup.kn", "css_set.dfl_cgrp", "cgroup_subsys_state.cgroup", "mm_struct.exe_file", "sk_buff.sk"],
	...["request_sock.sk", "linux_binprm.file", "file.f_inode", "file.f_path", "dentry.d_inode", "socket.sk"],
	...["vm_area_struct.vm_mm", "vm_area_struct.vm_file", "bpf_iter_meta.seq"],
];

/** What the kernel keeps in its structures is an address to who may not see one. */
export function needsPerfmon({ env }: Walk, name: string): void {
	if (!env.privileges.ptrLeaks)
		env.log.reject("EPERM", `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
}

/** A load from one of the kernel's structures, by its BTF (check_ptr_to_btf_access). */
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
	const { log } = env;
	const name = w.btfName(core.get(reg, REG_STATE.AUX));
	needsPerfmon(w, name);
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
	const untrusted = (type & FLAG.UNTRUSTED) !== 0;
	const loaded = walkStruct(w, btf, found.id, off, size, untrusted);
	if (loaded !== undefined && !untrusted) {
		if (SAFE_FIELDS.includes(loaded.field) || w.word(STATE.IN_SLEEPABLE))
			env.notModelled("trust in pointers loaded through BTF pointers");
	}
	if (value >= 0) setLoaded(w, value, loaded, untrusted ? FLAG.UNTRUSTED : 0);
}

/** A load from a map's own structure (check_ptr_to_map_access, behind its refusals). */
export function loadMapStruct(w: Walk, name: string, off: number, size: number, value: number): void {
	const btf =
		w.env.object.target.btf ?? w.env.notModelled("access to kernel structures without the kernel's BTF");
	const found = findBtfType(btf, name, "struct") ?? w.env.notModelled(`access to struct ${name}`);
	const loaded = walkStruct(w, btf, found.id, off, size, false);
	if (value >= 0) setLoaded(w, value, loaded, 0);
}

/** A number, or another pointer (mark_btf_ld_reg). */
function setLoaded(w: Walk, value: number, loaded: LoadedPointer | undefined, flags: number): void {
	if (loaded === undefined) {
		w.markUnknown(value);
		return;
	}
	const reg = w.reg(value);
	w.core.clearReg(reg);
	w.core.markPointer(reg, REG.BTF_ID | flags);
	w.core.set(reg, REG_STATE.AUX, w.env.structId(loaded.struct));
}

/** A structure is another one, or has it at this offset (btf_struct_ids_match; arrays of structures are not looked into). */
export function beginsWith(w: Walk, name: string, expected: string, offset = 0): boolean {
	const btf = w.env.object.target.btf;
	for (let at = name, rest = offset; ; ) {
		if (rest === 0 && at === expected) return true;
		if (btf === undefined) return false;
		const members = findBtfType(btf, at, "struct")?.type.members ?? [];
		const member = rest === 0 ? members[0] : members.filter((each) => each.bitOffset <= 8 * rest).at(-1);
		const inner = member === undefined ? undefined : resolveType(btf, member.type);
		if (member === undefined || inner?.kind !== "struct") return false;
		rest -= member.bitOffset / 8;
		at = inner.name;
	}
}

/** A pointer to another structure, and the field that it is from. */
interface LoadedPointer {
	readonly struct: string;
	readonly field: string;
}

/** btf_struct_walk: a number, whole or in part (undefined), or a pointer to a structure. */
function walkStruct(
	w: Walk,
	btf: Btf,
	id: number,
	at: number,
	size: number,
	untrusted: boolean,
): LoadedPointer | undefined {
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
				if (off <= start && end <= off + size) return undefined;
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
				const pointed = resolveType(btf, type.type);
				if (btf.types[type.type]?.kind === "type_tag")
					w.env.notModelled("loads of tagged pointers through BTF pointers");
				if (pointed.kind === "struct")
					return { struct: pointed.name, field: `${struct.name}.${member.name}` };
				if (pointed.kind === "union") w.env.notModelled("a pointer to a union of the kernel");
			}
			if (off + size > end && !untrusted)
				log.reject(
					"EACCES",
					`access beyond the end of member ${member.name} (mend:${end}) in struct ${struct.name} with off ${off} size ${size}`,
				);
			return undefined;
		}
		if (!again) log.reject("EINVAL", `struct ${struct.name} doesn't have field at offset ${off}`);
	}
	return undefined;
}
