import type { ArgKind } from "../helpers/index.ts";
import type { HelperPlan } from "./arguments.ts";
import type { Execution } from "./execution.ts";
import { REGION } from "./regions.ts";

/** sizeof(struct bpf_dynptr). */
const SIZE = 16;
/** What a region of a dynptr keeps as `aux`: the ring buffer's ones must be submitted or discarded. */
const KIND = { PLAIN: 0, RECORD: 1 } as const;

/** bpf_ringbuf_reserve_dynptr. */
const RESERVE = 198;

/** The live dynptr whose 16 bytes of stack start at an address; 0: there is none. */
function dynptrAt(x: Execution, address: number): number {
	const word = (address - x.stackBase) >> 3;
	const id = x.shadow[word]!;
	const whole =
		id > 0 &&
		x.shadow[word + 1] === id &&
		x.regions.kind[id] === REGION.DYNPTR &&
		x.regions.first(id) === address &&
		x.regions.ended(id) === undefined;
	return whole ? id : 0;
}

/** An argument that is a dynptr on the stack: initialised, or the room for one. */
export function checkDynptr(x: Execution, i: number, kind: ArgKind): void {
	const at = 2 + 2 * i;
	const provenance = x.provenance[at]!;
	const address = x.registers[at]! >>> 0;
	if (
		provenance <= 0 ||
		x.regions.kind[provenance] !== REGION.STACK ||
		(address & 7) !== 0 ||
		!x.regions.allows(provenance, address, SIZE, true)
	)
		x.fault(
			"fault/argument",
			`arg#${i} expected pointer to stack or const struct bpf_dynptr`,
			"Pass the address of a struct bpf_dynptr on the stack.",
		);
	const id = dynptrAt(x, address);
	if (kind === "dynptr") {
		if (id === 0)
			x.fault(
				"fault/argument",
				`Expected an initialized dynptr as arg #${i}`,
				"Fill it first, and don't write over it.",
			);
	} else if (id !== 0 && x.regions.aux[id] === KIND.RECORD)
		x.fault(
			"fault/argument",
			"cannot overwrite referenced dynptr",
			"Submit or discard the record that it holds first.",
		);
}

/** What a call leaves: a dynptr filled, one whose record is gone, and a slice that lives as long as its dynptr. */
export function noteDynptrs(x: Execution, plan: HelperPlan, made: number): void {
	const { regions, registers: r } = x;
	const source = plan.args.indexOf("dynptr");
	const from = source < 0 ? 0 : dynptrAt(x, r[2 + 2 * source]! >>> 0);
	const out = plan.args.indexOf("dynptr_out");
	if (out >= 0) {
		const address = r[2 + 2 * out]! >>> 0;
		const kind = plan.id === RESERVE ? KIND.RECORD : KIND.PLAIN;
		const id = regions.add(REGION.DYNPTR, address, SIZE, "none", kind, `of bpf_${plan.name}`);
		const word = (address - x.stackBase) >> 3;
		x.shadow[word] = x.shadow[word + 1] = id;
		if (from > 0) regions.share(id, from);
		else regions.acquire(id);
	}
	if (from > 0 && made > 0 && regions.kind[made] === REGION.MEMORY) {
		regions.share(made, from);
		x.slices.push(made);
	}
	if (from > 0 && plan.releases > 0) regions.release(from, `bpf_${plan.name} at insn ${x.insn - 1}`);
}
