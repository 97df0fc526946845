import type { Helper, HelperPrototype } from "./types.ts";

/** Spin locks in map values (kernel/bpf/helpers.c). Nothing else runs while a program does: they are always free. */
export const lockPrototypes = [
	{ id: 93, name: "spin_lock", args: ["spin_lock"], returns: "void" },
	{ id: 94, name: "spin_unlock", args: ["spin_lock"], returns: "void" },
] as const satisfies readonly HelperPrototype[];

export const lockHelpers: readonly Helper[] = /* @__PURE__ */ lockPrototypes.map((prototype) => ({
	prototype,
	run: () => 0,
}));
