/**
 * Our verifier and the kernel's over whole objects: verdict, errno and last line, instructions walked, and both sides'
 * time for the ten programs that take the kernel longest.
 *
 *   node scripts/run-ts.mjs scripts/verify-objects.ts FILE.o…
 *
 * Programs whose section doesn't say their type are asked as each of UNTYPED.
 */
import { readFileSync } from "node:fs";
import { type LinkedObject, link, type ObjectSpec, parse, readBtf, verify } from "@tailhop/core";
import { KernelObject, lastLine } from "@tailhop/kernel";

const VMLINUX = "/sys/kernel/btf/vmlinux";
const btf = readBtf(new Uint8Array(readFileSync(VMLINUX)));
/** bpf_get_smp_processor_id is less than so many. */
const cpus = Number(readFileSync("/sys/devices/system/cpu/possible", "utf8").trim().split("-").at(-1)) + 1;
const UNTYPED = ["xdp", "tc", "socket", "cgroup_skb/ingress", "kprobe/x"];

let [programs, agree, words, equal, walked, theirs] = [0, 0, 0, 0, 0, 0];
const times: {
	readonly name: string;
	readonly insns: number;
	readonly kernel: number;
	readonly ours: number;
}[] = [];

for (const file of process.argv.slice(2)) {
	try {
		const spec = parse(new Uint8Array(readFileSync(file)), { file });
		const untyped = spec.functions.filter((one) => one.program && one.kind === undefined);
		for (const like of untyped.length === 0 ? [""] : UNTYPED)
			await compare(spec, Object.fromEntries(untyped.map(({ name }) => [name, like])), like);
	} catch (error) {
		console.log(`${file}: ${(error as Error).message.split("\n")[0]}`);
	}
}
const percent = (part: number) => `${part} (${((100 * part) / programs).toFixed(1)} %)`;
console.log(
	`${programs} programs: verdict and errno of ${percent(agree)} the same, last line of ${percent(words)}; ` +
		`${equal} with as many instructions walked, ${walked} against ${theirs} in sum`,
);
times.sort((a, b) => b.kernel - a.kernel);
const ten = times.slice(0, 10);
for (const { name, insns, kernel, ours } of ten)
	console.log(
		`  ${name}: ${insns} insns, kernel ${kernel.toFixed(0)} ms, ours ${ours.toFixed(0)} ms (${(ours / kernel).toFixed(2)})`,
	);
const sum = (of: "kernel" | "ours") => ten.reduce((total, each) => total + each[of], 0);
if (ten.length > 0)
	console.log(
		`the ten: kernel ${sum("kernel").toFixed(0)} ms, ours ${sum("ours").toFixed(0)} ms (${(sum("ours") / sum("kernel")).toFixed(2)})`,
	);

/** CPU time of this process, in ms: what other processes do doesn't count. */
function cpu(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1000;
}

async function compare(spec: ObjectSpec, programTypes: Record<string, string>, like: string): Promise<void> {
	const linked: LinkedObject = link(spec, { btf, cpus, programTypes });
	const object = await KernelObject.load(linked, { keepGoing: true, log: 4 });
	for (const program of linked.programs) {
		programs++;
		const name = `${spec.file} ${program.name}${like === "" ? "" : ` as ${like}`}`;
		const refused = object.rejections.get(program.name);
		const log = object.logs.get(program.name) ?? "";
		const insns = Number(/^processed (\d+) insns/m.exec(log)?.[1] ?? 0);
		const start = cpu();
		const ours = verify(linked, program);
		times.push({
			name,
			insns,
			kernel: Number(/^verification time (\d+) usec/m.exec(log)?.[1] ?? 0) / 1000,
			ours: cpu() - start,
		});
		const errno = refused?.detail?.name;
		const same = ours.unsupported === undefined && ours.errno === errno;
		const line = refused === undefined ? "" : (lastLine(log) ?? "");
		if (same) agree++;
		if (same && ours.lastLine === line) words++;
		if (ours.stats.insnsProcessed === insns) equal++;
		walked += ours.stats.insnsProcessed;
		theirs += insns;
		if (same && ours.lastLine === line && ours.stats.insnsProcessed === insns) continue;
		const us = ours.unsupported ?? `${ours.errno ?? "accepted"} ${ours.lastLine}`;
		console.log(
			`${name}\n  kernel: ${errno ?? "accepted"} ${line}, ${insns} insns\n  ours:   ${us}, ${ours.stats.insnsProcessed} insns`,
		);
	}
	object.close();
}
