import { check, eth, packet, payload } from "@tailhop/testing";
import { describe, it } from "vitest";

const EINVAL = -22;
const EFAULT = -14;
const ERANGE = -34;
const E2BIG = -7;
const EAGAIN = -11;

const PACKET = packet(eth(), payload(50));
const MAPS = [
	{
		name: "data",
		type: "array",
		valueSize: 16,
		entries: [[0, `616263646566000102${"00".repeat(7)}`] as [number, string]],
	},
	{ name: "groups", type: "cgroup_array", valueSize: 4, maxEntries: 2 },
	{ name: "events", type: "perf_event_array", valueSize: 4, maxEntries: 2 },
];
/** Another process than init, as the one that runs the test; and another CPU, where no kernel says how many there are. */
const environment = { cpus: 2, task: { pid: 7, tgid: 7, uid: 0, gid: 0, comm: "test" } };

const run = (asm: string, expect?: number | bigint) =>
	check({
		type: "tc",
		asm: `r6 = r1\n${asm}\nexit`,
		maps: MAPS,
		ignoreMaps: ["events", "groups"],
		packet: PACKET,
		environment,
		...(expect === undefined ? {} : { expect }),
	});

const fill = "r1 = 0x7777777777777777 ll\n*(u64 *)(r10 - 8) = r1\n*(u64 *)(r10 - 16) = r1";
const probe = (id: number, size: number, from: string) =>
	`${fill}\nr1 = r10\nr1 += -16\nr2 = ${size}\n${from}\ncall ${id}`;
const left = "r0 = *(u64 *)(r10 - 16)";
const VALUE = "r3 = data[0]+0 ll";

describe("probe_read", () => {
	it.each([
		["kernel", probe(113, 8, VALUE), 0],
		["kernel: the bytes", `${probe(113, 8, VALUE)}\n${left}`, 0x0100666564636261n],
		["kernel: null", probe(113, 8, "r3 = 0"), ERANGE],
		["kernel: zeros after null", `${probe(113, 4, "r3 = 0")}\n${left}`, 0x7777777700000000n],
		["kernel: nothing", probe(113, 0, VALUE), 0],
		["kernel: not canonical", probe(113, 8, "r3 = 0x1234567800000000 ll"), ERANGE],
		["kernel text", probe(115, 16, VALUE), 7],
		["kernel text: the bytes", `${probe(115, 16, VALUE)}\n${left}`, 0x7700666564636261n],
		["kernel text: cut", `${probe(115, 4, VALUE)}\n${left}`, 0x7777777700636261n],
		["kernel text: cut, its length", probe(115, 4, VALUE), 4],
		["kernel text: null", probe(115, 4, "r3 = 0"), ERANGE],
		["kernel text: nothing", probe(115, 0, "r3 = 0"), 0],
		["user: null", probe(112, 8, "r3 = 0"), EFAULT],
		["user: zeros", `${probe(112, 4, "r3 = 0")}\n${left}`, 0x7777777700000000n],
		["user text: null", probe(114, 8, "r3 = 0"), EFAULT],
	])("%s", async (_name, asm, r0) => {
		await run(asm, r0);
	});
});

describe("counters of perf events", () => {
	const value = (slot: number, size: number) =>
		`${fill}\nr1 = 0\n*(u64 *)(r10 - 24) = r1\nr1 = events ll\nr2 = ${slot}\nr3 = r10\nr3 += -24\nr4 = ${size}\ncall 55`;
	it.each([
		["perf_event_read: this CPU", "r1 = events ll\nr2 = 0xffffffff ll\ncall 22", 0],
		["perf_event_read: by number", "r1 = events ll\nr2 = 0\ncall 22", 0],
		["perf_event_read: another CPU", "r1 = events ll\nr2 = 1\ncall 22", EINVAL],
		["perf_event_read: beyond", "r1 = events ll\nr2 = 2\ncall 22", E2BIG],
		["perf_event_read: a flag", "r1 = events ll\nr2 = 0x100000000 ll\ncall 22", EINVAL],
		["perf_event_read_value", value(0, 24), 0],
		["perf_event_read_value: the counter", `${value(0, 24)}\nr0 = *(u64 *)(r10 - 24)`, 0],
		["perf_event_read_value: another size", value(0, 16), EINVAL],
		["perf_event_read_value: beyond", value(2, 24), E2BIG],
		["perf_event_read_value: zeros", `${value(2, 16)}\n${left}`, 0],
	])("%s", async (_name, asm, r0) => {
		await run(asm, r0);
	});
});

describe("cgroups, signals, namespaces, transformations", () => {
	it.each([
		["current_task_under_cgroup: an empty slot", "r1 = groups ll\nr2 = 1\ncall 37", EAGAIN],
		["current_task_under_cgroup: beyond", "r1 = groups ll\nr2 = 2\ncall 37", E2BIG],
		["skb_under_cgroup: an empty slot", "r2 = groups ll\nr3 = 1\ncall 33", EAGAIN],
		["skb_under_cgroup: beyond", "r2 = groups ll\nr3 = 2\ncall 33", E2BIG],
		["send_signal: none", "r1 = 0\ncall 109", 0],
		["send_signal: no signal", "r1 = 65\ncall 109", EINVAL],
		["send_signal_thread: no signal", "r1 = 65\ncall 117", EINVAL],
		["get_ns_current_pid_tgid", `${fill}\nr1 = 1\nr2 = 1\nr3 = r10\nr3 += -16\nr4 = 8\ncall 120`, EINVAL],
		[
			"get_ns_current_pid_tgid: zeros",
			`${fill}\nr1 = 1\nr2 = 1\nr3 = r10\nr3 += -16\nr4 = 4\ncall 120\n${left}`,
			0x7777777700000000n,
		],
		["skb_get_xfrm_state", `${fill}\nr1 = r6\nr2 = 0\nr3 = r10\nr3 += -16\nr4 = 8\nr5 = 0\ncall 66`, EINVAL],
		[
			"skb_get_xfrm_state: zeros",
			`${fill}\nr1 = r6\nr2 = 0\nr3 = r10\nr3 += -16\nr4 = 4\nr5 = 0\ncall 66\n${left}`,
			0x7777777700000000n,
		],
		["get_branch_snapshot", `${fill}\nr1 = r10\nr1 += -16\nr2 = 8\nr3 = 0\ncall 176`, -2],
	])("%s", async (_name, asm, r0) => {
		await run(asm, r0);
	});

	it("get_current_task is a pointer", async () => {
		await run("call 35\nr0 >>= 56", 0xff);
	});
});
