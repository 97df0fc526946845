import type { RegView, Source } from "./types.ts";

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const U32_MAX = (1n << 32n) - 1n;

/** Kinds of pointers in words; what they point to, so that "to the packet" and the like can stand behind. */
const POINTERS: Readonly<Record<string, string>> = {
	ctx: "the context",
	pkt: "a pointer into the packet",
	pkt_meta: "a pointer into the packet's metadata",
	pkt_end: "the packet's end (data_end)",
	fp: "a pointer to the stack",
	map_ptr: "a map",
	map_value: "a pointer into a map's value",
	map_key: "a pointer to a map's key",
	mem: "a pointer to memory",
	ringbuf_mem: "a record of the ring buffer",
	sock: "a socket",
	sock_common: "a socket",
	tcp_sock: "a TCP socket",
	func: "a function",
};

/** What a register holds, in words. */
export function valueWords(view: RegView | undefined): string {
	if (view === undefined) return "nothing: never written";
	if (view.kind === "scalar") return rangeWords(view);
	const nullable = view.kind.replace(/_?or_null_?$/, "");
	const base = POINTERS[nullable] ?? `a pointer of the kind ${nullable.replace(/_$/, "")}`;
	const whose = view.map === undefined || view.map.name === "" ? base : `${base} (${view.map.name})`;
	const proved = nullable === "pkt" && view.range > 0 ? `, ${plural(view.range, "byte")} proved` : "";
	return `${whose}${offsetWords(view, nullable)}${proved}${nullable === view.kind ? "" : ", or NULL"}`;
}

/** Where a pointer points to, from the start of what it is for. */
function offsetWords(view: RegView, kind: string): string {
	const { off, umin, umax, smin } = view;
	if (kind === "fp")
		return umin === umax ? ` (fp${off + Number(smin)})` : `, ${rangeWords(view)} from fp${off}`;
	if (umin !== umax)
		return off === 0 ? `, at ${rangeWords(view)}` : `, ${off} more than ${rangeWords(view)} into it`;
	return off === 0 ? "" : `, at ${off}`;
}

/** Bounds of a number: "0 to 255". */
export function rangeWords({ smin, smax, umin, umax }: RegView): string {
	if (umin === umax) return `${smin}`;
	if (smin >= 0n) {
		if (umax === U32_MAX && umin === 0n) return "any 32-bit number";
		if (umax === S64_MAX) return umin === 0n ? "any number that is not negative" : `${umin} or more`;
		return `${umin} to ${umax}`;
	}
	if (smin === S64_MIN && smax === S64_MAX)
		return umin > 0n ? `any number but 0 to ${umin - 1n}` : "any number";
	if (smin === S64_MIN) return `at most ${smax}, perhaps negative`;
	if (smax === S64_MAX) return `${smin} or more`;
	return `${smin} to ${smax}`;
}

/** Nothing says how large it is. */
export const isUnbounded = ({ umax }: RegView): boolean => umax >= U32_MAX;

export const plural = (count: number | bigint, noun: string): string =>
	`${count} ${noun}${count === 1 || count === 1n ? "" : "s"}`;

/** `value = bpf_map_lookup_elem(…)` → "value". */
export const assignedName = (source: Source | undefined): string | undefined =>
	/([A-Za-z_]\w*)\s*=(?![=])/.exec(source?.text ?? "")?.[1];
