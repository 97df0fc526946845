import { resolveType } from "../../btf/index.ts";
import type { Env } from "../env.ts";

/** What BTF says of the program's functions (kernel: check_btf_func, check_abnormal_return). */
export function checkFunctions(env: Env): void {
	const { subprograms, log, btf } = env;
	const known = subprograms.some(({ typeId }) => typeId !== 0);
	if (known) {
		const { functions } = env.program;
		if (functions.length !== subprograms.length)
			log.reject("EINVAL", "number of funcs in func_info doesn't match number of subprogs");
		if (subprograms.some(({ start }, i) => functions[i]!.start !== start))
			log.reject("EINVAL", "func_info BTF section doesn't match subprog layout in BPF program");
	}
	for (const [i, each] of subprograms.entries()) {
		if (i === 0) continue;
		if (!known) {
			if (each.hasLdAbs) log.reject("EINVAL", "LD_ABS is not allowed in subprogs without BTF");
			if (each.hasTailCall) log.reject("EINVAL", "tail_call is not allowed in subprogs without BTF");
			continue;
		}
		if (!each.hasLdAbs && !each.hasTailCall) continue;
		const func = btf?.types[each.typeId];
		const proto = func?.kind === "func" ? btf?.types[func.type] : undefined;
		const result =
			proto?.kind === "func_proto" && btf !== undefined ? resolveType(btf, proto.type) : undefined;
		const scalar = result?.kind === "int" || result?.kind === "enum" || result?.kind === "enum64";
		if (scalar) continue;
		if (each.hasLdAbs) log.reject("EINVAL", "LD_ABS is only allowed in functions that return 'int'.");
		log.reject("EINVAL", "tail_call is only allowed in functions that return 'int'.");
	}
}
