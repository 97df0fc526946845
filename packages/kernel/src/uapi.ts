import { struct } from "./attr.ts";

/** enum bpf_cmd, those that the bridge uses. */
export const CMD = {
	MAP_CREATE: 0,
	MAP_LOOKUP_ELEM: 1,
	MAP_UPDATE_ELEM: 2,
	MAP_DELETE_ELEM: 3,
	MAP_GET_NEXT_KEY: 4,
	PROG_LOAD: 5,
	OBJ_PIN: 6,
	OBJ_GET: 7,
	PROG_TEST_RUN: 10,
	PROG_GET_FD_BY_ID: 13,
	MAP_GET_FD_BY_ID: 14,
	OBJ_GET_INFO_BY_FD: 15,
	BTF_LOAD: 18,
	MAP_LOOKUP_AND_DELETE_ELEM: 21,
	MAP_FREEZE: 22,
	MAP_LOOKUP_BATCH: 24,
	MAP_LOOKUP_AND_DELETE_BATCH: 25,
	MAP_UPDATE_BATCH: 26,
	MAP_DELETE_BATCH: 27,
} as const;

// The members of union bpf_attr and the info structures, as linux/bpf.h of 6.18 has them.

export const MAP_CREATE = struct({
	map_type: "u32",
	key_size: "u32",
	value_size: "u32",
	max_entries: "u32",
	map_flags: "u32",
	inner_map_fd: "u32",
	numa_node: "u32",
	map_name: 16,
	map_ifindex: "u32",
	btf_fd: "u32",
	btf_key_type_id: "u32",
	btf_value_type_id: "u32",
	btf_vmlinux_value_type_id: "u32",
	map_extra: "u64",
});

export const MAP_ELEM = struct({ map_fd: "u32", key: "u64", value: "u64", flags: "u64" });

export const MAP_BATCH = struct({
	in_batch: "u64",
	out_batch: "u64",
	keys: "u64",
	values: "u64",
	/** In: how many fit; out: how many were done. */
	count: "u32",
	map_fd: "u32",
	elem_flags: "u64",
	flags: "u64",
});

export const OBJ = struct({ pathname: "u64", bpf_fd: "u32", file_flags: "u32" });

export const PROG_LOAD = struct({
	prog_type: "u32",
	insn_cnt: "u32",
	insns: "u64",
	license: "u64",
	log_level: "u32",
	log_size: "u32",
	log_buf: "u64",
	kern_version: "u32",
	prog_flags: "u32",
	prog_name: 16,
	prog_ifindex: "u32",
	expected_attach_type: "u32",
	prog_btf_fd: "u32",
	func_info_rec_size: "u32",
	func_info: "u64",
	func_info_cnt: "u32",
	line_info_rec_size: "u32",
	line_info: "u64",
	line_info_cnt: "u32",
	attach_btf_id: "u32",
	/** Or attach_btf_obj_fd. */
	attach_prog_fd: "u32",
	core_relo_cnt: "u32",
	fd_array: "u64",
	core_relos: "u64",
	core_relo_rec_size: "u32",
	/** Output since 6.4: bytes of the whole log with its NUL. */
	log_true_size: "u32",
});

export const TEST_RUN = struct({
	prog_fd: "u32",
	retval: "u32",
	data_size_in: "u32",
	data_size_out: "u32",
	data_in: "u64",
	data_out: "u64",
	repeat: "u32",
	duration: "u32",
	ctx_size_in: "u32",
	ctx_size_out: "u32",
	ctx_in: "u64",
	ctx_out: "u64",
	flags: "u32",
	cpu: "u32",
	batch_size: "u32",
});

export const BTF_LOAD = struct({
	btf: "u64",
	btf_log_buf: "u64",
	btf_size: "u32",
	btf_log_size: "u32",
	btf_log_level: "u32",
	/** Output since 6.4. */
	btf_log_true_size: "u32",
});

export const GET_ID = struct({ id: "u32", next_id: "u32", open_flags: "u32" });

export const GET_INFO = struct({ bpf_fd: "u32", info_len: "u32", info: "u64" });

export const PROG_INFO = struct({
	type: "u32",
	id: "u32",
	tag: 8,
	jited_prog_len: "u32",
	xlated_prog_len: "u32",
	jited_prog_insns: "u64",
	xlated_prog_insns: "u64",
	load_time: "u64",
	created_by_uid: "u32",
	nr_map_ids: "u32",
	map_ids: "u64",
	name: 16,
	ifindex: "u32",
	gpl_compatible: "u32",
	netns_dev: "u64",
	netns_ino: "u64",
	nr_jited_ksyms: "u32",
	nr_jited_func_lens: "u32",
	jited_ksyms: "u64",
	jited_func_lens: "u64",
	btf_id: "u32",
	func_info_rec_size: "u32",
	func_info: "u64",
	nr_func_info: "u32",
	nr_line_info: "u32",
	line_info: "u64",
	jited_line_info: "u64",
	nr_jited_line_info: "u32",
	line_info_rec_size: "u32",
	jited_line_info_rec_size: "u32",
	nr_prog_tags: "u32",
	prog_tags: "u64",
	run_time_ns: "u64",
	run_cnt: "u64",
	recursion_misses: "u64",
	verified_insns: "u32",
});

export const MAP_INFO = struct({
	type: "u32",
	id: "u32",
	key_size: "u32",
	value_size: "u32",
	max_entries: "u32",
	map_flags: "u32",
	name: 16,
	ifindex: "u32",
	btf_vmlinux_value_type_id: "u32",
	netns_dev: "u64",
	netns_ino: "u64",
	btf_id: "u32",
	btf_key_type_id: "u32",
	btf_value_type_id: "u32",
	btf_vmlinux_id: "u32",
	map_extra: "u64",
});

export const BTF_INFO = struct({
	btf: "u64",
	btf_size: "u32",
	id: "u32",
	name: "u64",
	name_len: "u32",
	kernel_btf: "u32",
});

/** struct perf_event_attr (linux/perf_event.h) up to `wakeup_events`: PERF_ATTR_SIZE_VER0. */
export const PERF_ATTR = struct({
	type: "u32",
	size: "u32",
	config: "u64",
	sample_period: "u64",
	sample_type: "u64",
	read_format: "u64",
	flags: "u64",
	wakeup_events: "u32",
	bp_type: "u32",
	config1: "u64",
});
