import { type Btf, sizeOf } from "../btf/index.ts";
import type { SpecialField } from "./kind.ts";

/** Structures that the kernel keeps in map values (btf_parse_fields), with their sizes. */
const SPECIAL: Readonly<Record<string, number>> = {
	bpf_spin_lock: 4,
	bpf_res_spin_lock: 4,
	bpf_timer: 16,
	bpf_wq: 16,
	bpf_task_work: 8,
	bpf_list_head: 16,
	bpf_list_node: 24,
	bpf_rb_root: 16,
	bpf_rb_node: 32,
	bpf_refcount: 4,
};
/** Tags of pointers to the kernel's objects (BTF_FIELDS with a kptr). */
export const POINTER_TAGS: readonly string[] = ["kptr", "kptr_untrusted", "percpu_kptr", "uptr"];
/** Elements of one array, and levels, that are looked at: the kernel knows fewer fields in all (BTF_FIELDS_MAX, 11). */
const [MAX_ELEMENTS, MAX_DEPTH] = [16, 4];

/**
 * Fields of a map's value type that are the kernel's, by offset: no copy of a value touches them, and programs may not
 * as memory: locks, timers, kernel pointers.
 */
export function specialFields(btf: Btf | undefined, typeId: number): readonly SpecialField[] {
	const fields: SpecialField[] = [];
	if (btf !== undefined && typeId !== 0) collect(btf, typeId, 0, 0, fields);
	return fields.sort((a, b) => a.offset - b.offset);
}

function collect(btf: Btf, id: number, offset: number, depth: number, into: SpecialField[]): void {
	const type = btf.types[id];
	if (type === undefined || depth > MAX_DEPTH) return;
	switch (type.kind) {
		case "struct": {
			const size = SPECIAL[type.name];
			if (size !== undefined) into.push({ name: type.name, offset, size });
			else
				for (const member of type.members)
					collect(btf, member.type, offset + (member.bitOffset >>> 3), depth + 1, into);
			break;
		}
		case "array": {
			const before = into.length;
			collect(btf, type.type, 0, depth + 1, into);
			const one = into.splice(before);
			if (one.length === 0) break;
			const stride = sizeOf(btf, type.type) ?? 0;
			for (let i = 0; i < Math.min(type.count, MAX_ELEMENTS); i++)
				for (const field of one) into.push({ ...field, offset: offset + i * stride + field.offset });
			break;
		}
		case "typedef":
		case "const":
		case "volatile":
			collect(btf, type.type, offset, depth, into);
			break;
		case "ptr": {
			const tag = btf.types[type.type];
			if (tag?.kind === "type_tag" && POINTER_TAGS.includes(tag.name))
				into.push({ name: tag.name, offset, size: 8 });
		}
	}
}
