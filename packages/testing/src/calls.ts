/**
 * For tests: programs that call helpers one after the other and keep what came of each in a map, so that one run on
 * an engine and one in the kernel compare r0, the buffers, the context and the packet's bounds after every call.
 */

export type Argument =
	| "ctx"
	| "null"
	| number
	| bigint
	/** A pointer to these bytes, in the map. */
	| Uint8Array
	/** A pointer to as many bytes of 0xee. */
	| { readonly out: number };

/** A call: helper id and arguments. Or a store to the context: its width in bytes, offset and value. */
export type Call =
	| readonly [id: number, ...args: readonly Argument[]]
	| { readonly store: 1 | 2 | 4 | 8; readonly at: number; readonly value: number | bigint }
	/** LD_ABS of a width at an offset; when it fails, the program ends there. */
	| { readonly load: "u8" | "u16" | "u32"; readonly at: number };

export type Kind = "xdp" | "tc" | "tc_act" | "socket" | "cgroup_skb";

/** Fields of the context that are kept after each call; then length of packet and metadata, where they are seen. */
const SKB_FIELDS = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 64, 84, 164, 176];
const KEPT: Readonly<Record<Kind, readonly number[]>> = {
	xdp: [12, 16],
	tc: [...SKB_FIELDS, 72, 160],
	tc_act: [...SKB_FIELDS, 72, 160],
	socket: SKB_FIELDS,
	cgroup_skb: [...SKB_FIELDS.filter((offset) => offset !== 52), 88, 92, 96, 100, 112, 116, 128, 132, 136],
};
const BOUNDS: Readonly<Record<Kind, readonly [data: number, end: number, meta: number] | undefined>> = {
	xdp: [0, 4, 8],
	tc: [76, 80, 140],
	tc_act: [76, 80, 140],
	socket: undefined,
	cgroup_skb: [76, 80, 76],
};

/** The value of the map `kept` starts with a record of the context for each call; then come the buffers. */
const RECORD = 128;

/** Type, assembly and maps for `check`. */
export function callProgram(kind: Kind, calls: readonly Call[]) {
	const value = Array<number>(calls.length * RECORD).fill(0);
	/** Where the bytes lie: 8 bytes or more behind the last ones, aligned. */
	const place = (bytes: Uint8Array): number => {
		const at = value.length;
		value.push(...bytes, ...Array<number>(15 - ((bytes.length + 7) & 7)).fill(0));
		return at;
	};
	const pointer = (register: number, offset: number) => `r${register} = kept[0]+${offset} ll`;
	const argument = (register: number, arg: Argument): string => {
		if (arg === "ctx") return `r${register} = r6`;
		if (arg === "null") return `r${register} = 0`;
		if (arg instanceof Uint8Array) return pointer(register, place(arg));
		if (typeof arg === "object") return pointer(register, place(new Uint8Array(arg.out).fill(0xee)));
		return `r${register} = ${BigInt.asIntN(64, BigInt(arg))} ll`;
	};
	const one = (call: Call): string[] => {
		if ("store" in call)
			return [
				`r2 = ${BigInt.asIntN(64, BigInt(call.value))} ll`,
				`*(u${call.store * 8} *)(r6 + ${call.at}) = r2`,
				"r0 = 0",
			];
		if ("load" in call) return [`r0 = *(${call.load} *)skb[${call.at}]`];
		const [id, ...args] = call;
		return [...args.map((arg, index) => argument(index + 1, arg)), `call ${id}`];
	};
	const keep = (index: number): string[] => {
		const at = index * RECORD;
		const fields = KEPT[kind];
		const lines = fields.flatMap((offset, field) => [
			`r1 = *(u32 *)(r6 + ${offset})`,
			`*(u32 *)(r7 + ${at + 4 * field}) = r1`,
		]);
		const bounds = BOUNDS[kind];
		if (bounds === undefined) return lines;
		const [data, end, meta] = bounds.map((offset) => `*(u32 *)(r6 + ${offset})`);
		lines.push(`r1 = ${data}`, `r2 = ${end}`, `r3 = ${meta}`, "r2 -= r1", "r1 -= r3");
		lines.push(`*(u32 *)(r7 + ${at + 4 * fields.length}) = r2`);
		lines.push(`*(u32 *)(r7 + ${at + 4 * fields.length + 4}) = r1`);
		return lines;
	};
	const body = calls.flatMap((call, index) => [
		...one(call),
		`r7 = answers[0]+${8 * index} ll`,
		"*(u64 *)(r7 + 0) = r0",
		pointer(7, 0),
		...keep(index),
	]);
	return {
		type: kind,
		asm: ["r6 = r1", ...body, "r0 = 0", "exit"].join("\n"),
		maps: [
			{ name: "answers", type: "array", valueSize: 8 * calls.length },
			{
				name: "kept",
				type: "array",
				valueSize: value.length,
				entries: [[0, Uint8Array.from(value)]] as [number, Uint8Array][],
			},
		],
	};
}

/** For `check`: what the calls must answer. */
export function answering(...answers: readonly (number | bigint)[]) {
	const value = new BigInt64Array(answers.map((answer) => BigInt.asIntN(64, BigInt(answer))));
	return { maps: { answers: [[0, new Uint8Array(value.buffer)]] as [number, Uint8Array][] } };
}
