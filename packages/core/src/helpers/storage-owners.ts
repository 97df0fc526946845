import { EINVAL, ENOENT } from "./errno.ts";
import { implement } from "./implement.ts";
import { mapAt } from "./map-ops.ts";
import { taskPrototypes } from "./tasks.ts";
import type { HelperRuntime } from "./types.ts";

/**
 * What storage of tasks and declared sockets hangs on: numbers in page 0, where nothing lies. Behind an address in
 * the data area storage goes when a run begins, as that of a test run's own socket does (maps/storage.ts).
 */
export const FIRST_SOCKET = 0x8000;
/** The current task, as a pointer: nothing can be read there. */
export const CURRENT_TASK = 0x7fff;

/** BPF_LOCAL_STORAGE_GET_F_CREATE. */
const CREATE = 1;

/** bpf_{sk,task,cgrp}_storage_get; flags are r4. */
export function storageGet(
	rt: HelperRuntime,
	helper: string,
	map: number,
	owner: number,
	value: number,
	flags: number,
): number {
	if (rt.argHi[3] !== 0 || flags >>> 0 > CREATE || owner === 0) return 0;
	return mapAt(rt, map, helper).storage?.of(owner >>> 0, value >>> 0, flags !== 0) ?? 0;
}

export function storageDelete(rt: HelperRuntime, helper: string, map: number, owner: number): number {
	if (owner === 0) return EINVAL;
	return mapAt(rt, map, helper).storage?.remove(owner >>> 0) ?? ENOENT;
}

export const storageHelpers = /* @__PURE__ */ implement(taskPrototypes, {
	156: (rt, map, task, value, flags) => storageGet(rt, "task_storage_get", map, task, value, flags),
	157: (rt, map, task) => storageDelete(rt, "task_storage_delete", map, task),
	158: () => CURRENT_TASK,
	210: (rt, map, cgroup, value, flags) => storageGet(rt, "cgrp_storage_get", map, cgroup, value, flags),
	211: (rt, map, cgroup) => storageDelete(rt, "cgrp_storage_delete", map, cgroup),
});
