/**
 * Native code beside the engines: a program's .c compiled by gcc -O2 with native/harness.c into a shared object, and
 * called through koffi. Only programs that use no map and no helper.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Why there is no native code here; undefined where there is. */
export async function nativeProblem() {
	if (process.platform !== "linux" || process.arch !== "x64") return "only built for x86-64 Linux";
	if (spawnSync("gcc", ["--version"]).status !== 0) return "no gcc";
	return import("koffi").then(
		() => undefined,
		() => "no koffi",
	);
}

/** Compiles rows' programs; a function from a row's object to the path of its shared object, and one that removes them. */
export function buildNative(objects) {
	const folder = mkdtempSync(join(tmpdir(), "bench-native-"));
	const paths = {};
	for (const object of objects) {
		const out = join(folder, `${object}.so`);
		const sources = [here("native/harness.c"), here(`programs/${object}.c`)];
		const flags = ["-O2", "-w", "-fPIC", "-shared", "-Wl,-Bsymbolic", "-o", out];
		const { status, stderr } = spawnSync("gcc", [...flags, ...sources], { encoding: "utf8" });
		if (status !== 0) throw new Error(`gcc does not compile ${object}.c:\n${stderr}`);
		paths[object] = out;
	}
	return { paths, remove: () => rmSync(folder, { recursive: true }) };
}

/** Loads one of them: runs `times` times over the packet as it is; ns of CPU time, result, packet. */
export async function loadNative(path, packet) {
	const { default: koffi } = await import("koffi");
	const library = koffi.load(path);
	const begin = library.func("int bench_begin(const uint8_t *packet, uint32_t length)");
	const repeat = library.func("double bench_repeat(uint32_t times, uint32_t *result, uint8_t *packet)");
	if (begin(packet, packet.length) !== 0) throw new Error("no memory below 4 GiB");
	const result = new Uint32Array(1);
	const left = new Uint8Array(packet.length);
	return (times) => ({ ns: repeat(times, result, left), code: result[0], packet: left.slice() });
}
