import { skbHook } from "./skb.ts";
import { cgroupSkbFields } from "./skb-fields.ts";

/**
 * Bit 0 lets the packet go on; egress programs say in bit 1 that TCP shall slow down (NET_XMIT_CN). The numbers have
 * no names of their own: these are the first two's of other types (kernel: BPF_PROG_CGROUP_INET_EGRESS_RUN_ARRAY).
 */
const VERDICTS = ["SK_DROP", "SK_PASS", "SK_DROP+CN", "SK_PASS+CN"];
/** Verdicts by expected attach type: BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS. */
const KNOWN = [2, 4];

export const cgroupSkbHook = /* @__PURE__ */ skbHook({
	name: "cgroup_skb",
	programType: 8,
	fields: cgroupSkbFields,
	verdictName: (code, expectedAttachType) =>
		code < (KNOWN[expectedAttachType] ?? 0) ? VERDICTS[code] : undefined,
	layer: 3,
	packetAccess: "r",
});
