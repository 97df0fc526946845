import { ATTACH_TYPE, PROG_TYPE } from "../../isa/index.ts";
import { FLAG } from "../state/types.ts";
import { ARG, btf, DYNPTR_TYPE, type FuncArg, type FuncProto, fixed, RET } from "./types.ts";

const { CONST_MAP_PTR, CONST_SIZE, CONST_SIZE_OR_ZERO, ANYTHING, CONST_ALLOC_SIZE_OR_ZERO, KPTR_XCHG_DEST } =
	ARG;
const { INTEGER, VOID } = RET;
const { MAYBE_NULL, RDONLY, RINGBUF, UNINIT, WRITE, ALIGNED, TRUSTED, RELEASE } = FLAG;
const CTX = ARG.PTR_TO_CTX;
const MAP_KEY = ARG.PTR_TO_MAP_KEY;
const MAP_VALUE = ARG.PTR_TO_MAP_VALUE;
const MAP_VALUE_OUT = MAP_VALUE | UNINIT | WRITE;
const MEM_IN = ARG.PTR_TO_MEM | RDONLY;
const MEM_OUT = ARG.PTR_TO_MEM | UNINIT | WRITE;
const MEM_INOUT = ARG.PTR_TO_MEM | WRITE;
const LONG = fixed(MEM_OUT | ALIGNED, 8);
const BTF_ID = ARG.PTR_TO_BTF_ID;
const SOCKET = ARG.PTR_TO_SOCKET;
const SOCK_COMMON = ARG.PTR_TO_SOCK_COMMON;
const BTF_ID_SOCK_COMMON = ARG.PTR_TO_BTF_ID_SOCK_COMMON;
const PERCPU_BTF_ID = ARG.PTR_TO_PERCPU_BTF_ID;
const RINGBUF_MEM = ARG.PTR_TO_RINGBUF_MEM;
const SPIN_LOCK = ARG.PTR_TO_SPIN_LOCK;
const TIMER = ARG.PTR_TO_TIMER;
const FUNC = ARG.PTR_TO_FUNC;
const STACK = ARG.PTR_TO_STACK;
const CONST_STR = ARG.PTR_TO_CONST_STR;
const DYNPTR = ARG.PTR_TO_DYNPTR;
const DYNPTR_OUT = DYNPTR | UNINIT | WRITE;
const RET_MAP_VALUE = RET.PTR_TO_MAP_VALUE;
const RET_MEM = RET.PTR_TO_MEM;
const RET_SOCKET = RET.PTR_TO_SOCKET;
const RET_SOCK_COMMON = RET.PTR_TO_SOCK_COMMON;
const RET_TCP_SOCK = RET.PTR_TO_TCP_SOCK;
const RET_BTF_ID = RET.PTR_TO_BTF_ID;
const RET_MEM_OR_BTF_ID = RET.PTR_TO_MEM_OR_BTF_ID;

/** gplOnly, pktAccess, mightSleep, allowFastcall. */
const [GPL, PKT, SLEEP, FASTCALL] = [1, 2, 4, 8];

type Row = readonly [
	id: number,
	name: string,
	args: readonly (number | FuncArg)[],
	ret: number | FuncArg,
	flags?: number,
];

/**
 * The helpers of 6.18, as most program types have them. Read out of the running kernel's struct bpf_func_proto; those
 * that the probed kernel was built without (probe_write_user, override_return, rc_*) stand as its documentation has them.
 */
// biome-ignore format: one helper, one line
const ROWS: readonly Row[] = [
	[1, "map_lookup_elem", [CONST_MAP_PTR, MAP_KEY], RET_MAP_VALUE | MAYBE_NULL, PKT],
	[2, "map_update_elem", [CONST_MAP_PTR, MAP_KEY, MAP_VALUE, ANYTHING], INTEGER, PKT],
	[3, "map_delete_elem", [CONST_MAP_PTR, MAP_KEY], INTEGER, PKT],
	[4, "probe_read", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[5, "ktime_get_ns", [], INTEGER],
	[6, "trace_printk", [MEM_IN, CONST_SIZE], INTEGER, GPL],
	[7, "get_prandom_u32", [], INTEGER],
	[8, "get_smp_processor_id", [], INTEGER, FASTCALL],
	[9, "skb_store_bytes", [CTX, ANYTHING, MEM_IN, CONST_SIZE, ANYTHING], INTEGER],
	[10, "l3_csum_replace", [CTX, ANYTHING, ANYTHING, ANYTHING, ANYTHING], INTEGER],
	[11, "l4_csum_replace", [CTX, ANYTHING, ANYTHING, ANYTHING, ANYTHING], INTEGER],
	[12, "tail_call", [CTX, CONST_MAP_PTR, ANYTHING], VOID],
	[13, "clone_redirect", [CTX, ANYTHING, ANYTHING], INTEGER],
	[14, "get_current_pid_tgid", [], INTEGER],
	[15, "get_current_uid_gid", [], INTEGER],
	[16, "get_current_comm", [MEM_OUT, CONST_SIZE], INTEGER],
	[17, "get_cgroup_classid", [CTX], INTEGER],
	[18, "skb_vlan_push", [CTX, ANYTHING, ANYTHING], INTEGER],
	[19, "skb_vlan_pop", [CTX], INTEGER],
	[20, "skb_get_tunnel_key", [CTX, MEM_OUT, CONST_SIZE, ANYTHING], INTEGER],
	[21, "skb_set_tunnel_key", [CTX, MEM_IN, CONST_SIZE, ANYTHING], INTEGER],
	[22, "perf_event_read", [CONST_MAP_PTR, ANYTHING], INTEGER, GPL],
	[23, "redirect", [ANYTHING, ANYTHING], INTEGER],
	[24, "get_route_realm", [CTX], INTEGER],
	[25, "perf_event_output", [CTX, CONST_MAP_PTR, ANYTHING, MEM_IN, CONST_SIZE_OR_ZERO], INTEGER, GPL],
	[26, "skb_load_bytes", [CTX, ANYTHING, MEM_OUT, CONST_SIZE], INTEGER],
	[27, "get_stackid", [CTX, CONST_MAP_PTR, ANYTHING], INTEGER, GPL],
	[28, "csum_diff", [MEM_IN | MAYBE_NULL, CONST_SIZE_OR_ZERO, MEM_IN | MAYBE_NULL, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, PKT],
	[29, "skb_get_tunnel_opt", [CTX, MEM_OUT, CONST_SIZE], INTEGER],
	[30, "skb_set_tunnel_opt", [CTX, MEM_IN, CONST_SIZE], INTEGER],
	[31, "skb_change_proto", [CTX, ANYTHING, ANYTHING], INTEGER],
	[32, "skb_change_type", [CTX, ANYTHING], INTEGER],
	[33, "skb_under_cgroup", [CTX, CONST_MAP_PTR, ANYTHING], INTEGER],
	[34, "get_hash_recalc", [CTX], INTEGER],
	[35, "get_current_task", [], INTEGER, GPL],
	[36, "probe_write_user", [ANYTHING, MEM_IN, CONST_SIZE], INTEGER, GPL],
	[37, "current_task_under_cgroup", [CONST_MAP_PTR, ANYTHING], INTEGER],
	[38, "skb_change_tail", [CTX, ANYTHING, ANYTHING], INTEGER],
	[39, "skb_pull_data", [CTX, ANYTHING], INTEGER],
	[40, "csum_update", [CTX, ANYTHING], INTEGER],
	[41, "set_hash_invalid", [CTX], INTEGER],
	[42, "get_numa_node_id", [], INTEGER],
	[43, "skb_change_head", [CTX, ANYTHING, ANYTHING], INTEGER],
	[44, "xdp_adjust_head", [CTX, ANYTHING], INTEGER],
	[45, "probe_read_str", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[46, "get_socket_cookie", [CTX], INTEGER],
	[47, "get_socket_uid", [CTX], INTEGER],
	[48, "set_hash", [CTX, ANYTHING], INTEGER],
	[49, "setsockopt", [CTX, ANYTHING, ANYTHING, MEM_IN, CONST_SIZE], INTEGER],
	[50, "skb_adjust_room", [CTX, ANYTHING, ANYTHING, ANYTHING], INTEGER],
	[51, "redirect_map", [CONST_MAP_PTR, ANYTHING, ANYTHING], INTEGER],
	[52, "sk_redirect_map", [CTX, CONST_MAP_PTR, ANYTHING, ANYTHING], INTEGER],
	[53, "sock_map_update", [CTX, CONST_MAP_PTR, MAP_KEY, ANYTHING], INTEGER, PKT],
	[54, "xdp_adjust_meta", [CTX, ANYTHING], INTEGER],
	[55, "perf_event_read_value", [CONST_MAP_PTR, ANYTHING, MEM_OUT, CONST_SIZE], INTEGER, GPL],
	[56, "perf_prog_read_value", [CTX, MEM_OUT, CONST_SIZE], INTEGER, GPL],
	[57, "getsockopt", [CTX, ANYTHING, ANYTHING, MEM_OUT, CONST_SIZE], INTEGER],
	[58, "override_return", [CTX, ANYTHING], INTEGER, GPL],
	[59, "sock_ops_cb_flags_set", [CTX, ANYTHING], INTEGER],
	[60, "msg_redirect_map", [CTX, CONST_MAP_PTR, ANYTHING, ANYTHING], INTEGER],
	[61, "msg_apply_bytes", [CTX, ANYTHING], INTEGER],
	[62, "msg_cork_bytes", [CTX, ANYTHING], INTEGER],
	[63, "msg_pull_data", [CTX, ANYTHING, ANYTHING, ANYTHING], INTEGER],
	[64, "bind", [CTX, MEM_IN, CONST_SIZE], INTEGER],
	[65, "xdp_adjust_tail", [CTX, ANYTHING], INTEGER],
	[66, "skb_get_xfrm_state", [CTX, ANYTHING, MEM_OUT, CONST_SIZE, ANYTHING], INTEGER],
	[67, "get_stack", [CTX, MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[68, "skb_load_bytes_relative", [CTX, ANYTHING, MEM_OUT, CONST_SIZE, ANYTHING], INTEGER],
	[69, "fib_lookup", [CTX, MEM_INOUT, CONST_SIZE, ANYTHING], INTEGER, GPL],
	[70, "sock_hash_update", [CTX, CONST_MAP_PTR, MAP_KEY, ANYTHING], INTEGER, PKT],
	[71, "msg_redirect_hash", [CTX, CONST_MAP_PTR, MAP_KEY, ANYTHING], INTEGER],
	[72, "sk_redirect_hash", [CTX, CONST_MAP_PTR, MAP_KEY, ANYTHING], INTEGER],
	[73, "lwt_push_encap", [CTX, ANYTHING, MEM_IN, CONST_SIZE], INTEGER],
	[74, "lwt_seg6_store_bytes", [CTX, ANYTHING, MEM_IN, CONST_SIZE], INTEGER],
	[75, "lwt_seg6_adjust_srh", [CTX, ANYTHING, ANYTHING], INTEGER],
	[76, "lwt_seg6_action", [CTX, ANYTHING, MEM_IN, CONST_SIZE], INTEGER],
	[77, "rc_repeat", [CTX], INTEGER, GPL],
	[78, "rc_keydown", [CTX, ANYTHING, ANYTHING, ANYTHING], INTEGER, GPL],
	[79, "skb_cgroup_id", [CTX], INTEGER],
	[80, "get_current_cgroup_id", [], INTEGER],
	[81, "get_local_storage", [CONST_MAP_PTR, ANYTHING], RET_MAP_VALUE],
	[82, "sk_select_reuseport", [CTX, CONST_MAP_PTR, MAP_KEY, ANYTHING], INTEGER],
	[83, "skb_ancestor_cgroup_id", [CTX, ANYTHING], INTEGER],
	[84, "sk_lookup_tcp", [CTX, MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING, ANYTHING], RET_SOCKET | MAYBE_NULL, PKT],
	[85, "sk_lookup_udp", [CTX, MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING, ANYTHING], RET_SOCKET | MAYBE_NULL, PKT],
	[86, "sk_release", [BTF_ID_SOCK_COMMON | RELEASE], INTEGER],
	[87, "map_push_elem", [CONST_MAP_PTR, MAP_VALUE, ANYTHING], INTEGER, PKT],
	[88, "map_pop_elem", [CONST_MAP_PTR, MAP_VALUE_OUT], INTEGER],
	[89, "map_peek_elem", [CONST_MAP_PTR, MAP_VALUE_OUT], INTEGER],
	[90, "msg_push_data", [CTX, ANYTHING, ANYTHING, ANYTHING], INTEGER],
	[91, "msg_pop_data", [CTX, ANYTHING, ANYTHING, ANYTHING], INTEGER],
	[92, "rc_pointer_rel", [CTX, ANYTHING, ANYTHING], INTEGER, GPL],
	[93, "spin_lock", [SPIN_LOCK], VOID],
	[94, "spin_unlock", [SPIN_LOCK], VOID],
	[95, "sk_fullsock", [SOCK_COMMON], RET_SOCKET | MAYBE_NULL],
	[96, "tcp_sock", [SOCK_COMMON], RET_TCP_SOCK | MAYBE_NULL],
	[97, "skb_ecn_set_ce", [CTX], INTEGER],
	[98, "get_listener_sock", [SOCK_COMMON], RET_SOCKET | MAYBE_NULL],
	[99, "skc_lookup_tcp", [CTX, MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING, ANYTHING], RET_SOCK_COMMON | MAYBE_NULL, PKT],
	[100, "tcp_check_syncookie", [BTF_ID_SOCK_COMMON, MEM_IN, CONST_SIZE, MEM_IN, CONST_SIZE], INTEGER, GPL | PKT],
	[101, "sysctl_get_name", [CTX, MEM_INOUT, CONST_SIZE, ANYTHING], INTEGER],
	[102, "sysctl_get_current_value", [CTX, MEM_OUT, CONST_SIZE], INTEGER],
	[103, "sysctl_get_new_value", [CTX, MEM_OUT, CONST_SIZE], INTEGER],
	[104, "sysctl_set_new_value", [CTX, MEM_IN, CONST_SIZE], INTEGER],
	[105, "strtol", [MEM_IN, CONST_SIZE, ANYTHING, LONG], INTEGER],
	[106, "strtoul", [MEM_IN, CONST_SIZE, ANYTHING, LONG], INTEGER],
	[107, "sk_storage_get", [CONST_MAP_PTR, BTF_ID_SOCK_COMMON, MAP_VALUE | MAYBE_NULL, ANYTHING], RET_MAP_VALUE | MAYBE_NULL],
	[108, "sk_storage_delete", [CONST_MAP_PTR, BTF_ID_SOCK_COMMON], INTEGER],
	[109, "send_signal", [ANYTHING], INTEGER],
	[110, "tcp_gen_syncookie", [BTF_ID_SOCK_COMMON, MEM_IN, CONST_SIZE, MEM_IN, CONST_SIZE], INTEGER, GPL | PKT],
	[111, "skb_output", [btf(BTF_ID, "sk_buff"), CONST_MAP_PTR, ANYTHING, MEM_IN, CONST_SIZE_OR_ZERO], INTEGER, GPL],
	[112, "probe_read_user", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[113, "probe_read_kernel", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[114, "probe_read_user_str", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[115, "probe_read_kernel_str", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[116, "tcp_send_ack", [btf(BTF_ID, "tcp_sock"), ANYTHING], INTEGER],
	[117, "send_signal_thread", [ANYTHING], INTEGER],
	[118, "jiffies64", [], INTEGER],
	[119, "read_branch_records", [CTX, MEM_INOUT | MAYBE_NULL, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[120, "get_ns_current_pid_tgid", [ANYTHING, ANYTHING, MEM_OUT, CONST_SIZE], INTEGER],
	[121, "xdp_output", [btf(BTF_ID, "xdp_buff"), CONST_MAP_PTR, ANYTHING, MEM_IN, CONST_SIZE_OR_ZERO], INTEGER, GPL],
	[122, "get_netns_cookie", [CTX | MAYBE_NULL], INTEGER],
	[123, "get_current_ancestor_cgroup_id", [ANYTHING], INTEGER],
	[124, "sk_assign", [CTX, BTF_ID_SOCK_COMMON, ANYTHING], INTEGER],
	[125, "ktime_get_boot_ns", [], INTEGER],
	[126, "seq_printf", [btf(BTF_ID, "seq_file"), MEM_IN, CONST_SIZE, MEM_IN | MAYBE_NULL, CONST_SIZE_OR_ZERO], INTEGER, GPL],
	[127, "seq_write", [btf(BTF_ID, "seq_file"), MEM_IN, CONST_SIZE_OR_ZERO], INTEGER, GPL],
	[128, "sk_cgroup_id", [BTF_ID_SOCK_COMMON], INTEGER],
	[129, "sk_ancestor_cgroup_id", [BTF_ID_SOCK_COMMON, ANYTHING], INTEGER],
	[130, "ringbuf_output", [CONST_MAP_PTR, MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER],
	[131, "ringbuf_reserve", [CONST_MAP_PTR, CONST_ALLOC_SIZE_OR_ZERO, ANYTHING], RET_MEM | MAYBE_NULL | RINGBUF],
	[132, "ringbuf_submit", [RINGBUF_MEM | RELEASE, ANYTHING], VOID],
	[133, "ringbuf_discard", [RINGBUF_MEM | RELEASE, ANYTHING], VOID],
	[134, "ringbuf_query", [CONST_MAP_PTR, ANYTHING], INTEGER],
	[135, "csum_level", [CTX, ANYTHING], INTEGER],
	[136, "skc_to_tcp6_sock", [BTF_ID_SOCK_COMMON], btf(RET_BTF_ID | MAYBE_NULL, "tcp6_sock")],
	[137, "skc_to_tcp_sock", [BTF_ID_SOCK_COMMON], btf(RET_BTF_ID | MAYBE_NULL, "tcp_sock")],
	[138, "skc_to_tcp_timewait_sock", [BTF_ID_SOCK_COMMON], btf(RET_BTF_ID | MAYBE_NULL, "tcp_timewait_sock")],
	[139, "skc_to_tcp_request_sock", [BTF_ID_SOCK_COMMON], btf(RET_BTF_ID | MAYBE_NULL, "tcp_request_sock")],
	[140, "skc_to_udp6_sock", [BTF_ID_SOCK_COMMON], btf(RET_BTF_ID | MAYBE_NULL, "udp6_sock")],
	[141, "get_task_stack", [btf(BTF_ID, "task_struct"), MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER],
	[142, "load_hdr_opt", [CTX, MEM_INOUT, CONST_SIZE, ANYTHING], INTEGER],
	[143, "store_hdr_opt", [CTX, MEM_IN, CONST_SIZE, ANYTHING], INTEGER],
	[144, "reserve_hdr_opt", [CTX, ANYTHING, ANYTHING], INTEGER],
	[145, "inode_storage_get", [CONST_MAP_PTR, btf(BTF_ID | MAYBE_NULL, "inode"), MAP_VALUE | MAYBE_NULL, ANYTHING], RET_MAP_VALUE | MAYBE_NULL],
	[146, "inode_storage_delete", [CONST_MAP_PTR, btf(BTF_ID | MAYBE_NULL, "inode")], INTEGER],
	[147, "d_path", [btf(BTF_ID, "path"), MEM_INOUT, CONST_SIZE_OR_ZERO], INTEGER],
	[148, "copy_from_user", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, SLEEP],
	[149, "snprintf_btf", [MEM_INOUT, CONST_SIZE, MEM_IN, CONST_SIZE, ANYTHING], INTEGER],
	[150, "seq_printf_btf", [btf(BTF_ID, "seq_file"), MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER, GPL],
	[151, "skb_cgroup_classid", [CTX], INTEGER],
	[152, "redirect_neigh", [ANYTHING, MEM_IN | MAYBE_NULL, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER],
	[153, "per_cpu_ptr", [PERCPU_BTF_ID, ANYTHING], RET_MEM_OR_BTF_ID | MAYBE_NULL | RDONLY],
	[154, "this_cpu_ptr", [PERCPU_BTF_ID], RET_MEM_OR_BTF_ID | RDONLY],
	[155, "redirect_peer", [ANYTHING, ANYTHING], INTEGER],
	[156, "task_storage_get", [CONST_MAP_PTR, btf(BTF_ID | MAYBE_NULL, "task_struct"), MAP_VALUE | MAYBE_NULL, ANYTHING], RET_MAP_VALUE | MAYBE_NULL],
	[157, "task_storage_delete", [CONST_MAP_PTR, btf(BTF_ID | MAYBE_NULL, "task_struct")], INTEGER],
	[158, "get_current_task_btf", [], btf(RET_BTF_ID | TRUSTED, "task_struct"), GPL],
	[159, "bprm_opts_set", [btf(BTF_ID, "linux_binprm"), ANYTHING], INTEGER],
	[160, "ktime_get_coarse_ns", [], INTEGER],
	[161, "ima_inode_hash", [btf(BTF_ID, "inode"), MEM_OUT, CONST_SIZE], INTEGER, SLEEP],
	[162, "sock_from_file", [btf(BTF_ID, "file")], btf(RET_BTF_ID | MAYBE_NULL, "socket")],
	[163, "check_mtu", [CTX, ANYTHING, fixed(MEM_INOUT | ALIGNED, 4), ANYTHING, ANYTHING], INTEGER, GPL],
	[164, "for_each_map_elem", [CONST_MAP_PTR, FUNC, STACK | MAYBE_NULL, ANYTHING], INTEGER],
	[165, "snprintf", [MEM_INOUT | MAYBE_NULL, CONST_SIZE_OR_ZERO, CONST_STR, MEM_IN | MAYBE_NULL, CONST_SIZE_OR_ZERO], INTEGER, GPL],
	[166, "sys_bpf", [ANYTHING, MEM_IN, CONST_SIZE], INTEGER],
	[167, "btf_find_by_name_kind", [MEM_IN, CONST_SIZE, ANYTHING, ANYTHING], INTEGER],
	[168, "sys_close", [ANYTHING], INTEGER],
	[169, "timer_init", [TIMER, CONST_MAP_PTR, ANYTHING], INTEGER, GPL],
	[170, "timer_set_callback", [TIMER, FUNC], INTEGER, GPL],
	[171, "timer_start", [TIMER, ANYTHING, ANYTHING], INTEGER, GPL],
	[172, "timer_cancel", [TIMER], INTEGER, GPL],
	[173, "get_func_ip", [CTX], INTEGER, GPL],
	[174, "get_attach_cookie", [CTX], INTEGER],
	[175, "task_pt_regs", [btf(BTF_ID, "task_struct")], btf(RET_BTF_ID, "pt_regs"), GPL],
	[176, "get_branch_snapshot", [MEM_OUT, CONST_SIZE_OR_ZERO], INTEGER, GPL],
	[177, "trace_vprintk", [MEM_IN, CONST_SIZE, MEM_IN | MAYBE_NULL, CONST_SIZE_OR_ZERO], INTEGER, GPL],
	[178, "skc_to_unix_sock", [BTF_ID_SOCK_COMMON], btf(RET_BTF_ID | MAYBE_NULL, "unix_sock")],
	[179, "kallsyms_lookup_name", [MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING, LONG], INTEGER],
	[180, "find_vma", [btf(BTF_ID, "task_struct"), ANYTHING, FUNC, STACK | MAYBE_NULL, ANYTHING], INTEGER],
	[181, "loop", [ANYTHING, FUNC, STACK | MAYBE_NULL, ANYTHING], INTEGER],
	[182, "strncmp", [MEM_IN, CONST_SIZE, CONST_STR], INTEGER],
	[183, "get_func_arg", [CTX, ANYTHING, LONG], INTEGER],
	[184, "get_func_ret", [CTX, LONG], INTEGER],
	[185, "get_func_arg_cnt", [CTX], INTEGER],
	[186, "get_retval", [], INTEGER],
	[187, "set_retval", [ANYTHING], INTEGER],
	[188, "xdp_get_buff_len", [CTX], INTEGER],
	[189, "xdp_load_bytes", [CTX, ANYTHING, MEM_OUT, CONST_SIZE], INTEGER],
	[190, "xdp_store_bytes", [CTX, ANYTHING, MEM_IN, CONST_SIZE], INTEGER],
	[191, "copy_from_user_task", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING, btf(BTF_ID, "task_struct"), ANYTHING], INTEGER, GPL | SLEEP],
	[192, "skb_set_tstamp", [CTX, ANYTHING, ANYTHING], INTEGER],
	[193, "ima_file_hash", [btf(BTF_ID, "file"), MEM_OUT, CONST_SIZE], INTEGER, SLEEP],
	[194, "kptr_xchg", [KPTR_XCHG_DEST, BTF_ID | MAYBE_NULL | RELEASE], RET_BTF_ID | MAYBE_NULL],
	[195, "map_lookup_percpu_elem", [CONST_MAP_PTR, MAP_KEY, ANYTHING], RET_MAP_VALUE | MAYBE_NULL, PKT],
	[196, "skc_to_mptcp_sock", [SOCK_COMMON], btf(RET_BTF_ID | MAYBE_NULL, "mptcp_sock")],
	[197, "dynptr_from_mem", [MEM_OUT, CONST_SIZE_OR_ZERO, ANYTHING, DYNPTR_OUT | DYNPTR_TYPE.LOCAL], INTEGER],
	[198, "ringbuf_reserve_dynptr", [CONST_MAP_PTR, ANYTHING, ANYTHING, DYNPTR_OUT | DYNPTR_TYPE.RINGBUF], INTEGER],
	[199, "ringbuf_submit_dynptr", [DYNPTR | RELEASE | DYNPTR_TYPE.RINGBUF, ANYTHING], VOID],
	[200, "ringbuf_discard_dynptr", [DYNPTR | RELEASE | DYNPTR_TYPE.RINGBUF, ANYTHING], VOID],
	[201, "dynptr_read", [MEM_OUT, CONST_SIZE_OR_ZERO, DYNPTR | RDONLY, ANYTHING, ANYTHING], INTEGER],
	[202, "dynptr_write", [DYNPTR | RDONLY, ANYTHING, MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING], INTEGER],
	[203, "dynptr_data", [DYNPTR | RDONLY, ANYTHING, CONST_ALLOC_SIZE_OR_ZERO], RET_MEM | MAYBE_NULL],
	[204, "tcp_raw_gen_syncookie_ipv4", [fixed(MEM_IN, 20), MEM_IN, CONST_SIZE_OR_ZERO], INTEGER, GPL | PKT],
	[205, "tcp_raw_gen_syncookie_ipv6", [fixed(MEM_IN, 40), MEM_IN, CONST_SIZE_OR_ZERO], INTEGER, GPL | PKT],
	[206, "tcp_raw_check_syncookie_ipv4", [fixed(MEM_IN, 20), fixed(MEM_IN, 20)], INTEGER, GPL | PKT],
	[207, "tcp_raw_check_syncookie_ipv6", [fixed(MEM_IN, 40), fixed(MEM_IN, 20)], INTEGER, GPL | PKT],
	[208, "ktime_get_tai_ns", [], INTEGER],
	[209, "user_ringbuf_drain", [CONST_MAP_PTR, FUNC, STACK | MAYBE_NULL, ANYTHING], INTEGER],
	[210, "cgrp_storage_get", [CONST_MAP_PTR, btf(BTF_ID | MAYBE_NULL, "cgroup"), MAP_VALUE | MAYBE_NULL, ANYTHING], RET_MAP_VALUE | MAYBE_NULL],
	[211, "cgrp_storage_delete", [CONST_MAP_PTR, btf(BTF_ID | MAYBE_NULL, "cgroup")], INTEGER],
];

const T = PROG_TYPE;
const A = ATTACH_TYPE;
/** Programs of the networking layers that are given an skb of the traffic control layer or of a route. */
const OF_SKB: readonly number[] = [
	T.SCHED_CLS,
	T.SCHED_ACT,
	T.LWT_IN,
	T.LWT_OUT,
	T.LWT_XMIT,
	T.LWT_SEG6LOCAL,
];
const PROBES: readonly number[] = [
	T.KPROBE,
	T.TRACEPOINT,
	T.PERF_EVENT,
	T.RAW_TRACEPOINT,
	T.RAW_TRACEPOINT_WRITABLE,
	T.TRACING,
];
/** Those whose bpf_get_smp_processor_id is the one that is inlined, and the others. */
const BY_CPU: readonly number[] = [...OF_SKB, ...PROBES, T.XDP, T.SYSCALL];
const MULTI: readonly number[] = [
	A.TRACE_KPROBE_MULTI,
	A.TRACE_KPROBE_SESSION,
	A.TRACE_UPROBE_MULTI,
	A.TRACE_UPROBE_SESSION,
];

/** What a helper is in some program types; the first that fits. */
// biome-ignore format: one helper, one line
const VARIANTS: readonly { readonly in: (type: number, attachType: number) => boolean; readonly row: Row }[] = [
	{ in: (type) => !BY_CPU.includes(type), row: [8, "get_smp_processor_id", [], INTEGER] },
	// of the current task
	{ in: (type) => !OF_SKB.includes(type), row: [17, "get_cgroup_classid", [], INTEGER] },
	// of the sample that it gets
	{ in: (type) => type === T.PERF_EVENT, row: [27, "get_stackid", [CTX, CONST_MAP_PTR, ANYTHING], INTEGER] },
	// of a socket that the program was given
	{ in: (type) => type === T.SK_REUSEPORT || type === T.SYSCALL || type === T.TRACING, row: [46, "get_socket_cookie", [BTF_ID_SOCK_COMMON | MAYBE_NULL], INTEGER] },
	{ in: takesSocket, row: [49, "setsockopt", [BTF_ID_SOCK_COMMON, ANYTHING, ANYTHING, MEM_IN, CONST_SIZE], INTEGER] },
	{ in: takesSocket, row: [57, "getsockopt", [BTF_ID_SOCK_COMMON, ANYTHING, ANYTHING, MEM_OUT, CONST_SIZE], INTEGER] },
	// no packet, so none to give as memory
	{ in: (type) => type === T.CGROUP_SOCK_ADDR, row: [84, "sk_lookup_tcp", [CTX, MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING, ANYTHING], RET_SOCKET | MAYBE_NULL] },
	{ in: (type) => type === T.CGROUP_SOCK_ADDR, row: [85, "sk_lookup_udp", [CTX, MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING, ANYTHING], RET_SOCKET | MAYBE_NULL] },
	{ in: (type) => type === T.CGROUP_SOCK_ADDR, row: [99, "skc_lookup_tcp", [CTX, MEM_IN, CONST_SIZE_OR_ZERO, ANYTHING, ANYTHING], RET_SOCK_COMMON | MAYBE_NULL] },
	// the context is the socket
	{ in: (type) => type === T.CGROUP_SOCK, row: [107, "sk_storage_get", [CONST_MAP_PTR, CTX, MAP_VALUE | MAYBE_NULL, ANYTHING], RET_MAP_VALUE | MAYBE_NULL] },
	{ in: (type) => type === T.TRACING, row: [107, "sk_storage_get", [CONST_MAP_PTR, btf(BTF_ID | MAYBE_NULL, "sock_common"), MAP_VALUE | MAYBE_NULL, ANYTHING], RET_MAP_VALUE | MAYBE_NULL] },
	{ in: (type) => type === T.TRACING, row: [108, "sk_storage_delete", [CONST_MAP_PTR, btf(BTF_ID | MAYBE_NULL, "sock_common")], INTEGER] },
	// NULL takes the choice back
	{ in: (type) => type === T.SK_LOOKUP, row: [124, "sk_assign", [CTX, SOCKET | MAYBE_NULL, ANYTHING], INTEGER] },
	{ in: (_type, attachType) => MULTI.includes(attachType), row: [173, "get_func_ip", [CTX], INTEGER] },
	// of what a kernel function gave
	{ in: (type) => type === T.SYSCALL || type === T.TRACING, row: [188, "xdp_get_buff_len", [btf(BTF_ID, "xdp_buff")], INTEGER] },
];

function takesSocket(type: number): boolean {
	return type === T.CGROUP_SOCKOPT || type === T.TRACING || type === T.STRUCT_OPS || type === T.LSM;
}

function protoOf([id, name, args, ret, flags = 0]: Row): FuncProto {
	return {
		id,
		name,
		args: args.map((arg) => (typeof arg === "number" ? { type: arg } : arg)),
		ret: typeof ret === "number" ? { type: ret } : ret,
		gplOnly: (flags & GPL) !== 0,
		pktAccess: (flags & PKT) !== 0,
		mightSleep: (flags & SLEEP) !== 0,
		allowFastcall: (flags & FASTCALL) !== 0,
	};
}

/** Prototypes by helper id, as most types have them. */
export const FUNC_PROTOS: ReadonlyMap<number, FuncProto> = /* @__PURE__ */ new Map(
	/* @__PURE__ */ ROWS.map((row) => [row[0], protoOf(row)]),
);

/** What differs by program type, in the order of preference. */
export const FUNC_PROTO_VARIANTS = /* @__PURE__ */ VARIANTS.map((variant) => ({
	in: variant.in,
	proto: protoOf(variant.row),
}));

/**
 * The prototype of helper `id` for a program of this type and expected attach type. Whether such a program may call
 * it at all is another question: helpersAllowed.
 */
export function funcProto(id: number, programType: number, attachType = 0): FuncProto | undefined {
	for (const variant of FUNC_PROTO_VARIANTS)
		if (variant.proto.id === id && variant.in(programType, attachType)) return variant.proto;
	return FUNC_PROTOS.get(id);
}
