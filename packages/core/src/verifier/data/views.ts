/**
 * What may be read and written behind the pointers that are neither memory nor a socket (for those: SOCKET_VIEWS of the
 * hooks), nor a structure of the kernel's by BTF.
 */

/** Bytes of struct bpf_flow_keys: loads and stores of any width, aligned or not ("invalid access to flow keys off=%d size=%d"). */
export const FLOW_KEYS_SIZE = 56;

/** struct bpf_xdp_sock: its one field, queue_id, read whole ("R%d invalid xdp_sock access off=%d size=%d"). */
export const XDP_SOCK_FIELD = { offset: 0, size: 4 } as const;
