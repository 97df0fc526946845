/**
 * Who may use a prog array, and who may be in it (Linux 6.18: __bpf_prog_map_compatible). Not here: a load that the
 * verifier rejects leaves no owner (needs a verifier); attach_func_proto of TRACING, LSM, EXT and STRUCT_OPS, and cgroup
 * storage (no such programs here); `jited` (the JIT is always on); sleepable users (the verifier's rule).
 */
import { buildObject, checkLoad, checkObject, type ObjectCase, type Step } from "@tailhop/testing";
import { describe, expect, it, test } from "vitest";
import { Machine } from "../index.ts";

const EINVAL = -22;
const BPF_XDP = 37;
const BPF_XDP_DEVMAP = 38;
const XDP_HAS_FRAGS = 1 << 5;

type Kind = Pick<ObjectCase, "type" | "expectedAttachType" | "flags">;

const jump = (map: string) => `r6 = r1; r2 = ${map} ll; r3 = 0; call bpf_tail_call; r0 = 7; exit`;
const uses = jump("jumps");
/** Names the array and makes no tail call. */
const mentions = "r1 = jumps ll; r0 = 1; exit";
const plain = "r0 = 55; exit";

/** Programs of several kinds over two prog arrays. */
function object(programs: Readonly<Record<string, readonly [code: string, kind: Kind]>>) {
	const maps = ["jumps", "others"].map((name) => ({ name, type: "prog_array", maxEntries: 2 }));
	const built = Object.entries(programs).map(([name, [code, kind]]) =>
		buildObject({ ...kind, maps, programs: { [name]: code } }),
	);
	return { ...built[0]!, programs: built.flatMap((each) => each.programs) };
}

const strangers: readonly (readonly [string, Kind])[] = [
	["another type", { type: "socket" }],
	["the attach type BPF_XDP instead of 0", { expectedAttachType: BPF_XDP }],
	["the attach type BPF_XDP_DEVMAP", { expectedAttachType: BPF_XDP_DEVMAP }],
	["XDP_HAS_FRAGS", { flags: XDP_HAS_FRAGS }],
];

describe.each(strangers)("a program with %s", (_what, kind) => {
	it("may not be put in", async () => {
		await checkObject(object({ main: [uses, {}], stranger: [plain, kind] }), [
			{ slot: ["jumps", 0, "stranger"], result: EINVAL },
			{ run: "main", expect: { r0: 7, hops: ["0 empty"] } },
		]);
	});
	it("may not use the array", () => checkLoad(object({ main: [uses, {}], stranger: [uses, kind] }), EINVAL));
	it("may not even mention it", () =>
		checkLoad(object({ main: [uses, {}], stranger: [mentions, kind] }), EINVAL));
	it("is excluded by an owner that only mentions it", async () => {
		await checkLoad(object({ main: [mentions, {}], stranger: [uses, kind] }), EINVAL);
		await checkObject(object({ main: [mentions, {}], stranger: [plain, kind] }), [
			{ slot: ["jumps", 0, "stranger"], result: EINVAL },
		]);
	});
	it("excludes the others when it comes first", async () => {
		await checkLoad(object({ stranger: [mentions, kind], main: [uses, {}] }), EINVAL);
		await checkObject(object({ stranger: [mentions, kind], target: [plain, {}] }), [
			{ slot: ["jumps", 0, "target"], result: EINVAL },
			{ slot: ["jumps", 0, "stranger"] },
		]);
	});
	it("is welcome among its like", () => checkLoad(object({ a: [uses, kind], b: [uses, kind] }), 0));
});

/** Steps over an array that nobody uses yet: `xdp` and `socket` only want to be in it. */
const unused = object({
	main: [plain, {}],
	socket: [plain, { type: "socket" }],
	user: [uses, {}],
	socketUser: [uses, { type: "socket" }],
	jumpsThenOthers: [`r8 = jumps ll; r9 = others ll; ${plain}`, { type: "socket" }],
	othersThenJumps: [`r8 = others ll; r9 = jumps ll; ${plain}`, { type: "socket" }],
});

test.each<[string, readonly Step[]]>([
	[
		"the first program that is put in a slot is the owner",
		[
			{ slot: ["jumps", 1, "socket"] },
			{ slot: ["jumps", 0, "main"], result: EINVAL },
			{ load: "user", result: EINVAL },
			{ load: "socketUser" },
		],
	],
	[
		"the first program that is loaded is the owner, also after a slot was refused",
		[
			{ load: "socketUser" },
			{ slot: ["jumps", 0, "main"], result: EINVAL },
			{ load: "user", result: EINVAL },
			{ slot: ["jumps", 0, "socket"] },
		],
	],
	[
		"an update that failed leaves no owner",
		[
			{ slot: ["jumps", 2, "socket"], result: -7 },
			{ slot: ["jumps", 0, "socket"], mode: "exist", result: EINVAL },
			{ slot: ["jumps", 0, "main"] },
			{ slot: ["jumps", 1, "socket"], result: EINVAL },
		],
	],
	[
		"an owner outlives its slot and its program",
		[
			{ slot: ["jumps", 0, "socket"] },
			{ slot: ["jumps", 0, undefined] },
			{ slot: ["jumps", 0, "main"], result: EINVAL },
			{ closeProgram: "socket" },
			{ exists: "socket", is: false },
			{ slot: ["jumps", 0, "main"], result: EINVAL },
			{ load: "user", result: EINVAL },
			{ load: "socketUser" },
		],
	],
	[
		"an owner that was loaded outlives its end too",
		[
			{ load: "socketUser" },
			{ closeProgram: "socketUser" },
			{ exists: "socketUser", is: false },
			{ slot: ["jumps", 0, "main"], result: EINVAL },
		],
	],
	[
		"a load refused for its second array owns the first one",
		[
			{ slot: ["others", 0, "main"] },
			{ load: "jumpsThenOthers", result: EINVAL },
			{ slot: ["jumps", 0, "main"], result: EINVAL },
			{ slot: ["jumps", 0, "socket"] },
		],
	],
	[
		"a load refused for its first array leaves the second alone",
		[
			{ slot: ["others", 0, "main"] },
			{ load: "othersThenJumps", result: EINVAL },
			{ slot: ["jumps", 0, "main"] },
		],
	],
])("%s", async (_what, steps) => {
	await checkObject(unused, steps, { later: ["user", "socketUser", "jumpsThenOthers", "othersThenJumps"] });
});

it("a machine says why", async () => {
	const mixed = object({ main: [uses, {}], stranger: [uses, { type: "socket" }] });
	await expect(Machine.create(mixed)).rejects.toMatchObject({
		code: "machine/owner",
		message: expect.stringContaining("its program type is SOCKET_FILTER, the owner's XDP"),
		where: { map: "jumps", program: "stranger" },
		detail: { errno: 22 },
	});
});
