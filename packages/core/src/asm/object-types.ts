import { BTF_FUNC, BTF_INT, BTF_VAR, type BtfBuilder } from "../btf/index.ts";
import type { AssemblyFunction, AssemblyMap, Binding, Parameter } from "./assembly-file.ts";
import { type IntName, int, type ValueType } from "./value-types.ts";

/** C's names of the numbers, and how BTF encodes them. */
const C_INTS: Readonly<Record<IntName, readonly [name: string, size: number, encoding: number]>> = {
	u8: ["unsigned char", 1, BTF_INT.NONE],
	u16: ["unsigned short", 2, BTF_INT.NONE],
	u32: ["unsigned int", 4, BTF_INT.NONE],
	u64: ["unsigned long long", 8, BTF_INT.NONE],
	s8: ["signed char", 1, BTF_INT.SIGNED],
	s16: ["short", 2, BTF_INT.SIGNED],
	s32: ["int", 4, BTF_INT.SIGNED],
	s64: ["long long", 8, BTF_INT.SIGNED],
	char: ["char", 1, BTF_INT.SIGNED],
};

export const VAR_LINKAGE: Readonly<Record<Binding, number>> = {
	local: BTF_VAR.STATIC,
	global: BTF_VAR.GLOBAL,
	weak: BTF_VAR.GLOBAL,
};

/** Adds the BTF of an assembly file to a builder; named structs once. */
export class ObjectTypes {
	readonly #builder: BtfBuilder;
	readonly #structs = new Map<string, number>();

	constructor(builder: BtfBuilder) {
		this.#builder = builder;
	}

	value(type: ValueType): number {
		switch (type.kind) {
			case "int": {
				const id = this.#builder.int(...C_INTS[type.name]);
				return type.name === "char" ? id : this.#builder.typedef(`__${type.name}`, id);
			}
			case "array":
				return this.#builder.array(this.value(type.of), type.count);
			case "struct":
				return this.#struct(type.name, type.size, () =>
					type.members.map((member) => ({
						name: member.name,
						type: this.value(member.type),
						offset: member.offset,
					})),
				);
		}
	}

	#struct(
		name: string,
		size: number,
		members: () => { name: string; type: number; offset: number }[],
	): number {
		const known = this.#structs.get(name);
		if (known !== undefined) return known;
		const id = this.#builder.struct(name, size, members());
		if (name !== "") this.#structs.set(name, id);
		return id;
	}

	/** FUNC of a function that returns int. A program takes its context, whatever that is. */
	function(func: AssemblyFunction, isProgram: boolean): number {
		const returns = this.value(int("s32"));
		const parameters: (readonly [string, number])[] =
			func.parameters?.map((parameter, i) => [`arg${i + 1}`, this.#parameter(parameter)] as const) ??
			(isProgram ? [["ctx", this.#builder.ptr(0)]] : []);
		const linkage = func.binding === "local" ? BTF_FUNC.STATIC : BTF_FUNC.GLOBAL;
		return this.#builder.func(func.name, this.#builder.funcProto(returns, parameters), linkage);
	}

	#parameter(parameter: Parameter): number {
		if (parameter.kind === "value") return this.value(parameter.type);
		return this.#builder.ptr(this.#struct(parameter.struct, 0, () => []));
	}

	/** The struct that defines a map, and where its `values` start; its size has room for `values`. */
	map(
		map: AssemblyMap,
		inner: AssemblyMap | undefined,
	): { readonly id: number; readonly size: number; readonly values: number } {
		const fields = this.#mapFields(map);
		const values = fields.length * 8;
		const last = map.values.at(-1);
		if (inner !== undefined || last !== undefined) {
			const element = inner === undefined ? this.#slot() : this.#template(inner);
			fields.push({ name: "values", type: this.#builder.array(this.#builder.ptr(element), 0) });
		}
		const members = fields.map((field, i) => ({ ...field, offset: i * 8 }));
		const size = last === undefined ? values : values + (last.index + 1) * 8;
		return { id: this.#builder.struct("", values, members), size, values };
	}

	#template(map: AssemblyMap): number {
		const fields = this.#mapFields({ ...map, pinning: 0 });
		const members = fields.map((field, i) => ({ ...field, offset: i * 8 }));
		return this.#builder.struct("", fields.length * 8, members);
	}

	/** What a slot of a prog array points to: `int (void *)`. */
	#slot(): number {
		return this.#builder.funcProto(this.value(int("s32")), [["", this.#builder.ptr(0)]]);
	}

	#mapFields(map: AssemblyMap): { name: string; type: number }[] {
		const element = this.#builder.int(...C_INTS.s32);
		const number = (value: number) => this.#builder.ptr(this.#builder.array(element, value));
		const fields = [{ name: "type", type: number(map.type) }];
		const add = (name: string, value: number | undefined) => {
			if (value !== undefined) fields.push({ name, type: number(value) });
		};
		add("max_entries", map.maxEntries);
		add("map_flags", map.flags || undefined);
		add("pinning", map.pinning || undefined);
		add("map_extra", map.mapExtra || undefined);
		add("numa_node", map.numaNode);
		add("key_size", map.keySize);
		if (map.key !== undefined) fields.push({ name: "key", type: this.#builder.ptr(this.value(map.key)) });
		add("value_size", map.valueSize);
		if (map.value !== undefined)
			fields.push({ name: "value", type: this.#builder.ptr(this.value(map.value)) });
		return fields;
	}
}
