/**
 * What it costs the host to put another program into a slot: MapHandle.setSlot against bpf(2)'s
 * BPF_MAP_UPDATE_ELEM on a slot that is used dynamically, less what koffi takes for a call that does nothing.
 */
import { Machine } from "@tailhop/core";
import { cpu } from "./engines.mjs";

const UPDATES = 4000;

/** CPU ns of one call. */
function timed(times, action) {
	const start = cpu();
	for (let i = 0; i < times; i++) action(i);
	return (cpu() - start) / times;
}

/** As an engine of the rows, each with `time()`. */
export async function slotEngines(linked, kernel) {
	const machine = await Machine.create(linked, { engine: "wasm", verify: "off", checked: false });
	const map = machine.map("hops");
	const programs = [machine.program("p1"), machine.program("p2")];
	const engines = [
		{
			name: "wasm-unchecked",
			time: () => timed(UPDATES * 100, (i) => map.setSlot(0, programs[i & 1])),
			close: () => machine.close(),
		},
	];
	if (kernel) engines.push(await inKernel(linked));
	return engines;
}

async function inKernel(linked) {
	const { KernelObject, openKernel } = await import("@tailhop/kernel");
	const { native } = await openKernel();
	const { default: koffi } = await import("koffi");
	const object = await KernelObject.load(linked);
	const map = object.maps[linked.maps.findIndex((each) => each.name === "hops")];
	const nothing = koffi.load(null).func("long labs(long)");
	const key = Uint8Array.of(0, 0, 0, 0);
	// union bpf_attr: map_fd, key at 8, value at 16, flags at 24
	const attrs = ["p1", "p2"].map((name) => {
		const value = new Uint8Array(Uint32Array.of(object.program(name).fd).buffer);
		const bytes = new Uint8Array(32);
		const view = new DataView(bytes.buffer);
		view.setUint32(0, map.fd, true);
		view.setBigUint64(8, native.address(key), true);
		view.setBigUint64(16, native.address(value), true);
		return { bytes, value };
	});
	return {
		name: "kernel",
		time() {
			const update = timed(UPDATES, (i) => {
				if (native.bpf(2, attrs[i & 1].bytes, 32) !== 0) throw new Error("bpf(2) refused a slot's update");
			});
			return update - timed(UPDATES, () => nothing(1));
		},
		close: () => object.close(),
	};
}
