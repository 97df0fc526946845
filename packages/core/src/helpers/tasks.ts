import { E2BIG, EAGAIN, EINVAL, ENOENT, EPERM } from "./errno.ts";
import { implement } from "./implement.ts";
import { mapAt } from "./map-ops.ts";
import { returnU64 } from "./time.ts";
import type { HelperPrototype, HelperRuntime, Task } from "./types.ts";

/** The current task, its memory and its cgroup (kernel/bpf/helpers.c, kernel/trace/bpf_trace.c). */
export const taskPrototypes = [
	{ id: 14, name: "get_current_pid_tgid", args: [], returns: "u64" },
	{ id: 15, name: "get_current_uid_gid", args: [], returns: "u64" },
	{ id: 16, name: "get_current_comm", args: ["mem_out", "size"], returns: "int" },
	{ id: 22, name: "perf_event_read", args: ["map", "anything"], returns: "u64", gplOnly: true },
	{ id: 35, name: "get_current_task", args: [], returns: "u64", gplOnly: true },
	{ id: 37, name: "current_task_under_cgroup", args: ["map", "anything"], returns: "int" },
	{
		id: 55,
		name: "perf_event_read_value",
		args: ["map", "anything", "mem_out", "size"],
		returns: "int",
		gplOnly: true,
	},
	{ id: 80, name: "get_current_cgroup_id", args: [], returns: "u64" },
	{ id: 109, name: "send_signal", args: ["anything"], returns: "int" },
	{
		id: 112,
		name: "probe_read_user",
		args: ["mem_out", "size_or_zero", "anything"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 113,
		name: "probe_read_kernel",
		args: ["mem_out", "size_or_zero", "anything"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 114,
		name: "probe_read_user_str",
		args: ["mem_out", "size_or_zero", "anything"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 115,
		name: "probe_read_kernel_str",
		args: ["mem_out", "size_or_zero", "anything"],
		returns: "int",
		gplOnly: true,
	},
	{ id: 117, name: "send_signal_thread", args: ["anything"], returns: "int" },
	{
		id: 120,
		name: "get_ns_current_pid_tgid",
		args: ["anything", "anything", "mem_out", "size"],
		returns: "int",
	},
	{ id: 123, name: "get_current_ancestor_cgroup_id", args: ["anything"], returns: "u64" },
	{
		id: 141,
		name: "get_task_stack",
		args: ["btf_ptr", "mem_out", "size_or_zero", "anything"],
		returns: "int",
	},
	{
		id: 148,
		name: "copy_from_user",
		args: ["mem_out", "size_or_zero", "anything"],
		returns: "int",
		mightSleep: true,
	},
	{ id: 149, name: "snprintf_btf", args: ["mem_out", "size", "mem_in", "size", "anything"], returns: "int" },
	{ id: 153, name: "per_cpu_ptr", args: ["percpu_btf_ptr", "anything"], returns: "percpu_or_null" },
	{ id: 154, name: "this_cpu_ptr", args: ["percpu_btf_ptr"], returns: "percpu" },
	{
		id: 156,
		name: "task_storage_get",
		args: ["map", "btf_ptr_or_null", "map_value_or_null", "anything"],
		returns: "map_value_or_null",
	},
	{ id: 157, name: "task_storage_delete", args: ["map", "btf_ptr_or_null"], returns: "int" },
	{ id: 158, name: "get_current_task_btf", args: [], returns: "btf_id", gplOnly: true },
	{ id: 175, name: "task_pt_regs", args: ["btf_ptr"], returns: "btf_id", gplOnly: true },
	{
		id: 176,
		name: "get_branch_snapshot",
		args: ["mem_out", "size_or_zero"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 180,
		name: "find_vma",
		args: ["btf_ptr", "anything", "func", "stack_or_null", "anything"],
		returns: "int",
	},
	{
		id: 191,
		name: "copy_from_user_task",
		args: ["mem_out", "size_or_zero", "anything", "btf_ptr", "anything"],
		returns: "int",
		gplOnly: true,
		mightSleep: true,
	},
	{
		id: 210,
		name: "cgrp_storage_get",
		args: ["map", "btf_ptr_or_null", "map_value_or_null", "anything"],
		returns: "map_value_or_null",
	},
	{ id: 211, name: "cgrp_storage_delete", args: ["map", "btf_ptr_or_null"], returns: "int" },
] as const satisfies readonly HelperPrototype[];

/** Who runs the program: in a test run of the kernel, the process that asked for it. */
const DEFAULT_TASK: Task = { pid: 1, tgid: 1, uid: 0, gid: 0, comm: "tailhop" };
/** The only cgroup of the modelled machine is the root, whose id is 1. */
const ROOT_CGROUP = 1n;

const task = (rt: HelperRuntime) => rt.environment.task ?? DEFAULT_TASK;
const pair = (rt: HelperRuntime, high: number, low: number) =>
	returnU64(rt, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));

/** Whether the root is below the cgroup in a slot of a cgroup array: all of these are the root. */
export function underCgroup(rt: HelperRuntime, helper: string, array: number, slot: number): number {
	const map = mapAt(rt, array, helper);
	if (slot >>> 0 >= map.def.maxEntries) return E2BIG;
	return map.slots?.word(slot >>> 0) ? 1 : EAGAIN;
}

/** Somewhere in the kernel: what stands there cannot be read. */
const TASK_ADDRESS = 0xffff_8880_0100_0000n;
/** _NSIG. */
const LAST_SIGNAL = 64;

function sendSignal(rt: HelperRuntime, signal: number): number {
	if (task(rt).tgid === 1) return EPERM;
	return signal >>> 0 > LAST_SIGNAL ? EINVAL : 0;
}

export const taskHelpers = /* @__PURE__ */ implement(taskPrototypes, {
	14: (rt) => pair(rt, task(rt).tgid, task(rt).pid),
	15: (rt) => pair(rt, task(rt).gid, task(rt).uid),
	/** Cut to TASK_COMM_LEN and to the buffer, with a NUL and zeros behind. */
	16(rt, address, size) {
		const buffer = new Uint8Array(size >>> 0);
		const room = Math.min(buffer.length, 16) - 1;
		buffer.set(new TextEncoder().encode(task(rt).comm).subarray(0, Math.max(0, room)));
		rt.memory.write(address >>> 0, buffer);
		return 0;
	},
	35: (rt) => returnU64(rt, TASK_ADDRESS),
	37: (rt, map, slot) => underCgroup(rt, "current_task_under_cgroup", map, slot),
	80: (rt) => returnU64(rt, ROOT_CGROUP),
	/** The signal goes nowhere. */
	109: sendSignal,
	117: sendSignal,
	/** No file stands for a namespace of the modelled machine, so that none is the task's. */
	120(rt, _device, _inode, buffer, size) {
		rt.memory.u8.fill(0, buffer >>> 0, (buffer >>> 0) + size);
		return EINVAL;
	},
	123: (rt, level) => returnU64(rt, level === 0 ? ROOT_CGROUP : 0n),
	/** No branches are recorded. The flags, r3, are not in the kernel's prototype, and nobody sees them here. */
	176: () => ENOENT,
});
