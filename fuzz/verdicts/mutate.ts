/**
 * Recorded programs with a few instructions changed at random: our verifier against the running kernel's.
 *
 *   node scripts/run-ts.mjs fuzz/verdicts/mutate.ts COUNT [SEED]
 *
 * Prints what differs (verdict, errno, last line, instructions walked) by kind, with one program each.
 */
import { type Insn, printInsns } from "@tailhop/core";
import { KernelObject, lastLine, openKernel } from "@tailhop/kernel";
import { readTheme, themeNames } from "./files.ts";
import { LOAD_FLAGS } from "./format.ts";
import { CAP_BPF_ONLY } from "./oracle.ts";
import { OurVerifier } from "./ours.ts";

const [count = "1000", seed = "1"] = process.argv.slice(2);
const SLOW = ["loops", "limits"];
const MAX_INSNS = 20_000;

let state = Number(seed) * 2_654_435_761;
/** xorshift: the same programs for the same seed. */
function random(below: number): number {
	state ^= state << 13;
	state ^= state >>> 17;
	state ^= state << 5;
	return (state >>> 0) % below;
}
const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;

const NUMBERS = [
	0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 47, 48, 63, 64, 255, 256, 0x7fff_ffff, -0x8000_0000, -8, -16,
];
const OFFSETS = [0, 1, 2, 3, 4, 7, 8, 16, -1, -2, -4, -8, -16, -24, -512, -520, 40, 44, 47, 48];
const OPCODES = [
	...[0x07, 0x0f, 0x04, 0x0c, 0x17, 0x1f, 0x14, 0x27, 0x2f, 0x47, 0x4f, 0x57, 0x5f, 0x54, 0x67, 0x77, 0x74],
	...[
		0x97, 0xa7, 0xaf, 0xb7, 0xbf, 0xb4, 0xbc, 0xc7, 0xc4, 0x87, 0xdc, 0xd7, 0x61, 0x69, 0x71, 0x79, 0x81,
		0x91,
	],
	...[
		0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x55, 0x5d,
		0x65,
	],
	...[
		0x6d, 0x75, 0xa5, 0xad, 0xb5, 0xbd, 0xc5, 0xd5, 0x16, 0x1e, 0x26, 0x36, 0x56, 0x66, 0xa6, 0xc6, 0xdb,
		0xc3,
	],
];

/** Which field is changed: the small numbers are fields of the instruction. */
const KINDS = [0, 1, 2, 2, 2, 3, 3, 4, 5, 5, 5, 6, 7];

function mutate(insns: readonly Insn[]): Insn[] {
	const out = insns.map((insn) => ({ ...insn }));
	for (let n = random(3) === 0 ? 2 : 1; n > 0; n--) {
		const insn = out[random(out.length)]!;
		switch (pick(KINDS)) {
			case 0:
				insn.dst = random(11);
				break;
			case 1:
				insn.src = random(11);
				break;
			case 2:
				insn.imm = pick(NUMBERS);
				break;
			case 3:
				insn.off = random(2) ? pick(OFFSETS) : insn.off + random(9) - 4;
				break;
			case 4:
				insn.opcode = pick(OPCODES);
				break;
			case 5:
				insn.imm += random(9) - 4;
				break;
			case 6: {
				const other = out[random(out.length)]!;
				Object.assign(insn, other);
				break;
			}
			default: {
				// a fresh instruction in its place
				const opcode = pick(OPCODES);
				const x = (opcode & 8) !== 0;
				const jumps = (opcode & 7) === 5 || (opcode & 7) === 6;
				Object.assign(insn, {
					opcode,
					dst: random(10),
					src: x || (opcode & 7) === 1 || (opcode & 7) === 3 ? random(11) : 0,
					off: jumps ? random(4) : (opcode & 4) === 0 ? pick(OFFSETS) : 0,
					imm: (opcode & 7) === 1 || x ? 0 : pick(NUMBERS),
				});
			}
		}
		insn.imm |= 0;
		insn.off = (insn.off << 16) >> 16;
	}
	return out;
}

const kernel = await openKernel();
const verifier = new OurVerifier();
const { maps, names } = verifier;
const object = await KernelObject.load(maps);
/** Accepted ones three times: a change in them says more. */
const programs = themeNames()
	.filter((name) => !SLOW.includes(name))
	.flatMap((name) =>
		readTheme(name).cases.flatMap(({ program, verdict }) => {
			const each = { name: `${name}/${program.name}`, program };
			return verdict?.accepted ? [each, each, each] : [each];
		}),
	);
const shape = (text: string) => text.replace(/0x[0-9a-f]+/g, "H").replace(/-?\d+/g, "N");
const differ = new Map<string, { count: number; text: string }>();
let [asked, accepted, unsupported, same] = [0, 0, 0, 0];
for (let i = 0; i < Number(count); i++) {
	const { name, program } = pick(programs);
	const assembled = verifier.assemble(program);
	const insns = mutate(assembled.insns);
	// what lies behind the array of descriptors is anything
	if (
		insns.some(
			({ opcode, src, imm }) => opcode === 0x18 && src >= 5 && (imm < 0 || imm >= assembled.maps.length),
		)
	)
		continue;
	const handles = assembled.maps.map((each) => {
		const map = object.maps[names.indexOf(each)]!;
		return map.definition.type === 3 ? kernel.createMap(map.definition) : map;
	});
	const loaded = assembled.btf === undefined ? undefined : kernel.loadBtf(assembled.btf.bytes);
	const load = () =>
		kernel.loadProgram({
			type: program.type,
			insns,
			maps: handles,
			license: program.license,
			expectedAttachType: program.attach,
			flags: program.flags.reduce((flags, flag) => flags | LOAD_FLAGS[flag], 0),
			name: "mutant",
			...(loaded === undefined ? {} : { btf: loaded, funcInfo: assembled.btf!.funcInfo }),
			log: 4,
		});
	const result = program.capBpf ? kernel.capabilities.only(CAP_BPF_ONLY, load) : load();
	if (result.ok) result.program.close();
	for (const [at, handle] of handles.entries())
		if (object.maps[names.indexOf(assembled.maps[at]!)] !== handle) handle.close();
	loaded?.close();
	const walked = Number(/^processed (\d+) insns/m.exec(result.log)?.[1] ?? 0);
	if (walked > MAX_INSNS) continue;
	asked++;
	if (result.ok) accepted++;
	const theirs = result.ok
		? `accepted, ${walked} insns`
		: `${result.error}: ${lastLine(result.log.replace(/verification time \d+ usec/g, "\n")) ?? ""}`;
	let ours: string;
	try {
		const verdict = verifier.verify(program, { limit: 2 * MAX_INSNS }, { ...assembled, insns });
		if (verdict.unsupported !== undefined) {
			unsupported++;
			continue;
		}
		ours = verdict.accepted
			? `accepted, ${verdict.stats.insnsProcessed} insns`
			: `${verdict.errno}: ${verdict.lastLine}`;
	} catch (error) {
		ours = `crash: ${(error as Error).stack?.split("\n").slice(0, 3).join(" ")}`;
	}
	if (ours === theirs) {
		same++;
		continue;
	}
	const key = `${shape(theirs)}  <->  ${shape(ours)}`;
	const seen = differ.get(key);
	if (seen !== undefined) seen.count++;
	else
		differ.set(key, {
			count: 1,
			text: `${name}\n${printInsns(insns)}kernel: ${theirs}\nours:   ${ours}`,
		});
}
for (const [key, each] of [...differ].sort((a, b) => b[1].count - a[1].count))
	console.log(`---- ${each.count}  ${key}\n${each.text}\n`);
console.log(
	`${asked} mutants, ${accepted} accepted by the kernel: ${same} the same, ${unsupported} unsupported, ${asked - same - unsupported} differ`,
);
object.close();
