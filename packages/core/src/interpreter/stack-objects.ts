import type { ArgKind } from "../helpers/index.ts";
import type { HelperPlan } from "./arguments.ts";
import type { Execution } from "./execution.ts";
import { REGION } from "./regions.ts";

/**
 * Objects that programs keep on the stack and only functions look into: dynptrs and iterators. The stack's shadow
 * has their region in each of their words, so that a store over one ends it.
 */
interface StackObject {
	/** sizeof(struct bpf_dynptr), sizeof(struct bpf_iter_num). */
	readonly size: number;
	/** The function fills it. */
	readonly out: boolean;
	/** What the kernel says of another address, and of one where no such object is, or (`out`) one is. */
	readonly elsewhere: string;
	readonly wrong: string;
}

const DYNPTR = { size: 16, elsewhere: "expected pointer to stack or const struct bpf_dynptr" };
const ITERATOR = { size: 8, elsewhere: "expected pointer to an iterator on stack" };

/** By kind of argument. */
export const STACK_OBJECTS: Partial<Record<ArgKind, StackObject>> = {
	dynptr: { ...DYNPTR, out: false, wrong: "Expected an initialized dynptr as arg" },
	dynptr_out: { ...DYNPTR, out: true, wrong: "cannot overwrite referenced dynptr as arg" },
	iter: { ...ITERATOR, out: false, wrong: "expected an initialized iter_num as arg" },
	iter_out: { ...ITERATOR, out: true, wrong: "expected uninitialized iter_num as arg" },
};

/** What a region of an object keeps as `aux`. One that must be given back is not filled anew before. */
const KIND = { PLAIN: 0, RECORD: 1, ITERATOR: 2 } as const;

/** bpf_ringbuf_reserve_dynptr. */
const RESERVE = 198;

/** The live object of `size` bytes of stack that starts at an address; 0: there is none. */
function objectAt(x: Execution, address: number, size: number): number {
	const word = (address - x.stackBase) >> 3;
	const id = x.shadow[word]!;
	const whole =
		id > 0 &&
		(size === 8 || x.shadow[word + 1] === id) &&
		x.regions.kind[id] === REGION.OBJECT &&
		x.regions.size[id] === size &&
		x.regions.first(id) === address &&
		x.regions.ended(id) === undefined;
	return whole ? id : 0;
}

/** An argument that is an object on the stack: initialised, or the room for one. */
export function checkObject(x: Execution, i: number, kind: ArgKind): void {
	const { size, out, elsewhere, wrong } = STACK_OBJECTS[kind]!;
	const at = 2 + 2 * i;
	const provenance = x.provenance[at]!;
	const address = x.registers[at]! >>> 0;
	if (
		provenance <= 0 ||
		x.regions.kind[provenance] !== REGION.STACK ||
		(address & 7) !== 0 ||
		!x.regions.allows(provenance, address, size, true)
	)
		x.fault("fault/argument", `arg#${i} ${elsewhere}`, "Pass the address of such a variable on the stack.");
	const id = objectAt(x, address, size);
	const refused = out ? id !== 0 && x.regions.aux[id] !== KIND.PLAIN : id === 0;
	if (refused)
		x.fault(
			"fault/argument",
			`${wrong} #${i}`,
			out ? "Give back what it holds first." : "Fill it first, and don't write over it.",
		);
}

/** What a call leaves: an object filled, one that is gone, and a pointer that lives as long as its object. */
export function noteObjects(x: Execution, plan: HelperPlan, made: number): void {
	const { regions, registers: r } = x;
	let from = 0;
	for (let i = 0; i < plan.args.length; i++) {
		const object = STACK_OBJECTS[plan.args[i]!];
		if (object === undefined) continue;
		const address = r[2 + 2 * i]! >>> 0;
		if (!object.out) {
			from = objectAt(x, address, object.size);
			continue;
		}
		const kind = plan.args[i] === "iter_out" ? KIND.ITERATOR : plan.id === RESERVE ? KIND.RECORD : KIND.PLAIN;
		const id = regions.add(REGION.OBJECT, address, object.size, "none", kind, `of bpf_${plan.name}`);
		const word = (address - x.stackBase) >> 3;
		x.shadow.fill(id, word, word + object.size / 8);
		if (from > 0) regions.share(id, from);
		else regions.acquire(id);
	}
	if (from > 0 && made > 0 && regions.kind[made] === REGION.MEMORY) {
		regions.share(made, from);
		if (plan.args.includes("dynptr")) x.slices.push(made);
	}
	if (from > 0 && plan.releases > 0) regions.release(from, `bpf_${plan.name} at insn ${x.insn - 1}`);
}
