import type { Btf } from "../btf/index.ts";
import type { FunctionSpec } from "./object.ts";
import { invalid } from "./source.ts";

const TAG = "exception_callback:";

/**
 * The functions with what the tag `exception_callback:<name>` (bpf_experimental.h __exception_cb) on a program names:
 * a global function that the program does not call, but that goes with it (libbpf: bpf_prog_assign_exc_cb). Where
 * there are several, the verifier has its say; none is appended.
 */
export function assignExceptionCallbacks(
	btf: Btf | undefined,
	functions: readonly FunctionSpec[],
): readonly FunctionSpec[] {
	const tagged = new Map<number, string[]>();
	for (const tag of btf?.types ?? [])
		if (tag.kind === "decl_tag" && tag.component === -1 && tag.name.startsWith(TAG)) {
			const names = tagged.get(tag.type) ?? [];
			names.push(tag.name.slice(TAG.length));
			tagged.set(tag.type, names);
		}
	if (tagged.size === 0) return functions;
	const subprograms = new Map(
		functions.flatMap((one, index) => (one.program ? [] : [[one.name, index] as const])),
	);
	return functions.map((one) => {
		const names = one.program && one.typeId !== 0 ? (tagged.get(one.typeId) ?? []) : [];
		if (names.length !== 1) return one;
		const index = subprograms.get(names[0]!);
		if (index === undefined || functions[index]!.linkage !== "global")
			invalid(`the exception callback ${names[0]} of ${one.name} is no global function`, {
				program: one.name,
			});
		return { ...one, exceptionCallback: index };
	});
}
