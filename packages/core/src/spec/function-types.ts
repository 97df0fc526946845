import { BTF_FUNC, BTF_INT, type BtfType } from "../btf/index.ts";
import type { FunctionInfo, LinkedObject } from "./types.ts";

/**
 * The object as a loader hands it to the kernel: functions that its BTF does not know (assembled ones) get
 * `int name(void)`, since without func_info the kernel refuses a tail call in a subprogram and every callback. An
 * object without BTF whose programs are one function each stays as it is.
 */
export function withFunctionTypes(linked: LinkedObject): LinkedObject {
	const untyped = linked.programs.some(({ functions }) => functions.some(({ typeId }) => typeId === 0));
	const needed = linked.btf !== undefined || linked.programs.some(({ functions }) => functions.length > 1);
	if (!untyped || !needed) return linked;
	const types: BtfType[] = [...(linked.btf?.types ?? [{ kind: "void" }])];
	const add = (type: BtfType): number => types.push(type) - 1;
	const int = add({
		kind: "int",
		name: "int",
		size: 4,
		bits: 32,
		bitOffset: 0,
		encoding: BTF_INT.SIGNED,
	});
	const prototype = add({ kind: "func_proto", type: int, params: [] });
	const typed = (info: FunctionInfo): FunctionInfo => {
		if (info.typeId !== 0) return info;
		const name = info.name.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
		// a global function is verified by its prototype alone, and this one is invented
		return { ...info, typeId: add({ kind: "func", name, type: prototype, linkage: BTF_FUNC.STATIC }) };
	};
	const programs = linked.programs.map((program) => ({
		...program,
		functions: program.functions.map(typed),
	}));
	return { ...linked, programs, btf: { types } };
}
