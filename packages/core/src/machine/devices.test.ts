import { buildObject } from "@tailhop/testing";
import { expect, test } from "vitest";
import { Machine } from "./machine.ts";

const [XDP, XDP_DEVMAP] = [6, 33];

/** struct bpf_devmap_val, which bpf_cpumap_val is like. */
const pair = (first: number, program: number) => new Uint8Array(Uint32Array.of(first, program).buffer);

test("values name devices of the Environment and programs of the right attach type", async () => {
	const maps = [
		{ name: "devices", type: "devmap", valueSize: 8, maxEntries: 4 },
		{ name: "cpus", type: "cpumap", valueSize: 8, maxEntries: 4 },
	];
	const object = buildObject({ maps, programs: { main: "r0 = 2\nexit", there: "r0 = 2\nexit" } });
	const programs = object.programs.map((program) =>
		program.name === "there" ? { ...program, type: XDP, expectedAttachType: XDP_DEVMAP } : program,
	);
	const machine = await Machine.create(
		{ ...object, programs },
		{ environment: { cpus: 2, interfaces: [{ ifindex: 7, mac: "02:00:00:00:00:07" }] } },
	);
	const devices = machine.map("devices");
	const key = new Uint8Array(4);
	const id = machine.program("there").id;
	devices.update(key, pair(7, id));
	expect(devices.lookup(key)).toEqual(pair(7, id));
	expect(() => devices.update(key, pair(7, machine.program("main").id))).toThrow(/EINVAL/);
	expect(() => devices.update(key, pair(8, 0))).toThrow(
		expect.objectContaining({ hint: expect.stringContaining("interfaces") }),
	);
	// a program for device maps is none for CPU maps
	expect(() => machine.map("cpus").update(key, pair(64, id))).toThrow(/ENOMEM/);
	expect(() => machine.map("cpus").update(Uint8Array.of(2, 0, 0, 0), pair(64, 0))).toThrow(/ENODEV/);
	devices.remove(key);
	expect(devices.lookup(key)).toBeUndefined();
});
