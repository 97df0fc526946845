/**
 * Our verifier and the kernel's over whole objects: verdict, instructions walked, and the time of ours.
 *
 *   node scripts/run-ts.mjs scripts/verify-objects.ts FILE.o…
 */
import { readFileSync } from "node:fs";
import { link, parse, readBtf, verify } from "@tailhop/core";
import { KernelObject, lastLine } from "@tailhop/kernel";

const VMLINUX = "/sys/kernel/btf/vmlinux";
const btf = readBtf(new Uint8Array(readFileSync(VMLINUX)));
let [programs, agree, equal] = [0, 0, 0];
for (const file of process.argv.slice(2)) {
	const linked = link(parse(new Uint8Array(readFileSync(file)), { file }), { btf });
	const object = await KernelObject.load(linked, { keepGoing: true, log: 4 });
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
