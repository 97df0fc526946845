/**
 * Our verifier and the kernel's over whole objects: verdict, instructions walked, and the time of ours.
 *
 *   node scripts/run-ts.mjs scripts/verify-objects.ts FILE.o…
 */
import { readFileSync } from "node:fs";
import { type LinkedObject, link, parse, readBtf, verify } from "@tailhop/core";
import { KernelObject, lastLine } from "@tailhop/kernel";

const VMLINUX = "/sys/kernel/btf/vmlinux";
const btf = readBtf(new Uint8Array(readFileSync(VMLINUX)));
/** bpf_get_smp_processor_id is less than so many. */
const cpus = Number(readFileSync("/sys/devices/system/cpu/possible", "utf8").trim().split("-").at(-1)) + 1;
let [programs, agree, equal] = [0, 0, 0];
for (const file of process.argv.slice(2)) {
	let linked: LinkedObject;
	let object: KernelObject;
	try {
		linked = link(parse(new Uint8Array(readFileSync(file)), { file }), { btf, cpus });
		object = await KernelObject.load(linked, { keepGoing: true, log: 4 });
	} catch (error) {
		console.log(`${file}: ${(error as Error).message.split("\n")[0]}`);
		continue;
	}
	for (const program of linked.programs) {
		programs++;
		const refused = object.rejections.get(program.name);
		const log = object.logs.get(program.name) ?? "";
		const insns = Number(/^processed (\d+) insns/m.exec(log)?.[1] ?? 0);
		const start = Date.now();
		const ours = verify(linked, program);
		const time = Date.now() - start;
		const same = ours.unsupported === undefined && ours.accepted === (refused === undefined);
		if (same) agree++;
		if (ours.stats.insnsProcessed === insns) equal++;
		if (same && (refused !== undefined || ours.stats.insnsProcessed === insns)) continue;
		const kernel = refused === undefined ? `accepted, ${insns} insns` : lastLine(log);
		const us =
			ours.unsupported ?? (ours.accepted ? `accepted, ${ours.stats.insnsProcessed} insns` : ours.lastLine);
		console.log(`${file} ${program.name}\n  kernel: ${kernel}\n  ours:   ${us} (${time} ms)`);
	}
	object.close();
}
console.log(`${programs} programs: ${agree} same verdicts, ${equal} with as many instructions walked`);
