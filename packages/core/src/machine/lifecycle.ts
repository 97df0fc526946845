import { errnoName, TailhopError } from "../errors/index.ts";
import { MAP_FLAG } from "../isa/index.ts";
import { incompatible, type MapRecord, ownerOf, type ProgramRecord } from "./records.ts";

/** BPF_MAP_TYPE_PROG_ARRAY. */
export const PROG_ARRAY = 3;

const ENOENT = 2;
const E2BIG = 7;
const EBADF = 9;
const EINVAL = 22;

/** The error of a map operation that bpf(2) would answer with this errno. */
export function mapError(record: MapRecord, errno: number, what: string, hint: string): TailhopError {
	return new TailhopError(
		"machine/invalid-input",
		`map ${record.name}: ${what} (${errnoName(errno)})`,
		{ map: record.name },
		{ hint, detail: { errno } },
	);
}

/**
 * Prog arrays and the programs in them: what a word means, who may be put where, and what lives how long
 * (facts from Linux 6.18; kernel/bpf/arraymap.c, core.c, syscall.c).
 *
 * Each prog array counts its user references (descriptors and pins). Under `lifecycle: "kernel"` the last of them
 * takes the slots with it, even if a loaded program still uses the array: that breaks the cycle of a program in an
 * array that it uses. Under "library" the machine keeps a reference of its own.
 */
export class Lifecycle {
	readonly #faithful: boolean;
	/** By index; a hole is a free index. */
	readonly programs: (ProgramRecord | undefined)[] = [undefined];
	/** Changes with `programs`: what is made from them is made anew when it differs. */
	version = 0;
	#nextId = 1;

	constructor(faithful: boolean) {
		this.#faithful = faithful;
	}

	/** A free place in the function table: a word that no slot holds, since slots keep their programs alive. */
	freeIndex(): number {
		const free = this.programs.indexOf(undefined, 1);
		return free < 0 ? this.programs.length : free;
	}

	nextId(): number {
		return this.#nextId++;
	}

	/** BPF_PROG_LOAD's part: owners are checked and set, the maps are held. @throws TailhopError machine/owner */
	loaded(record: ProgramRecord): void {
		// one after the other, in the order of the instructions: a program refused for its second array owns the first
		for (const map of record.maps) {
			if (map.def.type !== PROG_ARRAY) continue;
			this.#checkOwner(map, record);
			map.owner ??= ownerOf(record.program);
		}
		for (const map of record.maps) map.programs++;
		this.programs[record.index] = record;
		this.version++;
	}

	#checkOwner(array: MapRecord, record: ProgramRecord): void {
		const why = array.owner === undefined ? undefined : incompatible(array.owner, record.program);
		if (why === undefined) return;
		throw new TailhopError(
			"machine/owner",
			`prog array ${array.name} excludes program ${record.name}: ${why}`,
			{ map: array.name, program: record.name, section: record.program.section },
			{
				hint: "The first program that used the array, or was put in it, is its owner for good. Give the two kinds an array each.",
				detail: { errno: EINVAL },
			},
		);
	}

	/** BPF_MAP_UPDATE_ELEM on a prog array; checks in the kernel's order. */
	setSlot(array: MapRecord, slot: number, target: ProgramRecord | undefined, flags = 0): void {
		const { instance } = array;
		if (instance?.slots === undefined)
			throw mapError(array, EINVAL, "not a prog array", "Use set() with a value.");
		this.#checkWritable(array);
		if (flags !== 0) throw mapError(array, EINVAL, "a prog array takes BPF_ANY only", "Leave the mode away.");
		if (slot >>> 0 !== slot || slot >= array.def.maxEntries)
			throw mapError(
				array,
				E2BIG,
				`slot ${slot} is not below max_entries ${array.def.maxEntries}`,
				"Take a smaller slot or a larger array.",
			);
		if (target === undefined || target.freed)
			throw mapError(
				array,
				EBADF,
				target === undefined ? "not a program" : "the program is closed",
				"Fill it with setSlot and a program that is loaded.",
			);
		this.#checkOwner(array, target);
		array.owner ??= ownerOf(target.program);
		target.slots++;
		this.#drop(instance.slots.setWord(slot, target.index));
	}

	/** BPF_MAP_DELETE_ELEM. @throws ENOENT for an empty slot */
	clearSlot(array: MapRecord, slot: number): void {
		const { instance } = array;
		if (instance?.slots === undefined) throw mapError(array, EINVAL, "not a prog array", "Use delete().");
		this.#checkWritable(array);
		if (slot >>> 0 !== slot || slot >= array.def.maxEntries)
			throw mapError(
				array,
				E2BIG,
				`slot ${slot} is not below max_entries ${array.def.maxEntries}`,
				"Take a smaller slot.",
			);
		const word = instance.slots.setWord(slot, 0);
		if (word === 0) throw mapError(array, ENOENT, `slot ${slot} is empty`, "Nothing to delete.");
		this.#drop(word);
	}

	#checkWritable(array: MapRecord): void {
		if ((array.def.flags & MAP_FLAG.RDONLY) !== 0 || array.instance?.frozen === true)
			throw mapError(array, 1, "it is frozen or read-only", "Fill it before it is frozen.");
	}

	/** The program of a slot. */
	slot(array: MapRecord, slot: number): ProgramRecord | undefined {
		return this.programs[array.instance?.slots?.word(slot) ?? 0];
	}

	/** A user reference of a map is gone. */
	mapReleased(map: MapRecord): void {
		if (map.descriptors + map.pins.size > 0 || !this.#faithful) return;
		if (map.def.type === PROG_ARRAY) this.#clearAll(map);
	}

	#clearAll(array: MapRecord): void {
		const slots = array.instance?.slots;
		if (slots === undefined) return;
		for (let i = 0; i < slots.length; i++) {
			if (slots.word(i) !== 0) this.#drop(slots.setWord(i, 0));
		}
	}

	/** A slot let go of the program with this word. */
	#drop(word: number): void {
		const record = this.programs[word];
		if (word <= 0 || record === undefined) return;
		record.slots--;
		this.programReleased(record);
	}

	/** A user reference of a program is gone: it is freed when nothing holds it any more. */
	programReleased(record: ProgramRecord): void {
		// first: a slot's update comes here each time
		if (!this.#faithful) return;
		if (record.descriptors + record.pins.size + record.slots > 0 || record.freed) return;
		record.freed = true;
		this.programs[record.index] = undefined;
		this.version++;
		for (const map of record.maps) map.programs--;
	}

	/** Whether a map still exists: somebody's descriptor or pin, or a loaded program. */
	alive(map: MapRecord): boolean {
		return !this.#faithful || map.descriptors + map.pins.size + map.programs > 0;
	}
}
