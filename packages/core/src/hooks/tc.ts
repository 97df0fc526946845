import { skbHook } from "./skb.ts";
import { tcFields } from "./skb-fields.ts";

/** TC_ACT_*, from -1 on. */
const TC_ACT = [
	"TC_ACT_UNSPEC",
	"TC_ACT_OK",
	"TC_ACT_RECLASSIFY",
	"TC_ACT_SHOT",
	"TC_ACT_PIPE",
	"TC_ACT_STOLEN",
	"TC_ACT_QUEUED",
	"TC_ACT_REPEAT",
	"TC_ACT_REDIRECT",
	"TC_ACT_TRAP",
];

/** tcx and netkit know four of those numbers, by other names; prefix by expected attach type (BPF_TCX_*, BPF_NETKIT_*). */
const PREFIX = new Map([
	[46, "TCX"],
	[47, "TCX"],
	[54, "NETKIT"],
	[55, "NETKIT"],
]);
const SHORT = new Map([
	[-1, "NEXT"],
	[0, "PASS"],
	[2, "DROP"],
	[7, "REDIRECT"],
]);

function verdictName(code: number, expectedAttachType: number): string | undefined {
	const signed = code | 0;
	const prefix = PREFIX.get(expectedAttachType);
	if (prefix === undefined) return TC_ACT[signed + 1];
	const name = SHORT.get(signed);
	return name === undefined ? undefined : `${prefix}_${name}`;
}

export const schedClsHook = /* @__PURE__ */ skbHook({
	name: "sched_cls",
	programType: 3,
	fields: tcFields,
	verdictName,
	layer: 2,
});

export const schedActHook = /* @__PURE__ */ skbHook({
	name: "sched_act",
	programType: 4,
	fields: tcFields,
	verdictName,
	layer: 2,
});
