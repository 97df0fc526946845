import { type Btf, sizeOf } from "../../btf/index.ts";

/** A structure of the kernel's in a map's value (kernel: struct btf_field). */
export interface MapField {
	/** "bpf_spin_lock", "bpf_timer", …; "kptr" and its like for pointers. */
	readonly name: string;
	readonly offset: number;
	readonly size: number;
}

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
const POINTER_TAGS: readonly string[] = ["kptr", "kptr_untrusted", "percpu_kptr", "uptr"];
const MAX_DEPTH = 4;
const MAX_ELEMENTS = 16;

/** The fields of a value type that programs may not touch as memory (btf_parse_fields), by offset. */
export function mapFields(btf: Btf | undefined, typeId: number): readonly MapField[] {
	const fields: MapField[] = [];
	if (btf !== undefined && typeId !== 0) collect(btf, typeId, 0, 0, fields);
	return fields.sort((a, b) => a.offset - b.offset);
}

function collect(btf: Btf, id: number, offset: number, depth: number, into: MapField[]): void {
	const type = btf.types[id];
	if (type === undefined || depth > MAX_DEPTH) return;
	switch (type.kind) {
		case "struct": {
			const size = SPECIAL[type.name];
			if (size !== undefined) into.push({ name: type.name, offset, size });
			else
				for (const { type: member, bitOffset } of type.members)
					collect(btf, member, offset + (bitOffset >>> 3), depth + 1, into);
			break;
		}
		case "array": {
			const stride = sizeOf(btf, type.type) ?? 0;
			for (let i = 0; i < Math.min(type.count, MAX_ELEMENTS) && stride > 0; i++)
				collect(btf, type.type, offset + i * stride, depth + 1, into);
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
