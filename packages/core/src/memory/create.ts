import { TailhopError } from "../errors/index.ts";
import { CONTROL_HEAP } from "./layout.ts";
import { LinearMemory } from "./linear-memory.ts";

export const PAGE = 0x1_0000;
/** 4 GiB: what 32-bit addresses reach. */
const MAX_PAGES = 65536;

export interface MemoryOptions {
	/** Default: shared where SharedArrayBuffer exists. */
	readonly shared?: boolean;
	/** Start of the data area: a power of two from 128 KiB to 2 GiB; see `chooseDataBase`. */
	readonly dataBase: number;
}

/**
 * A memory that may grow to 4 GiB, or to less where the engine cannot reserve that much address space.
 * Untouched pages cost nothing, so it starts with the whole control area below `dataBase`.
 *
 * @throws TailhopError machine/memory when not even the control area fits, machine/invalid-input for a bad dataBase
 */
export function createMemory(options: MemoryOptions): LinearMemory {
	const { dataBase } = options;
	if (!(dataBase > CONTROL_HEAP && dataBase <= 2 ** 31 && Number.isInteger(Math.log2(dataBase)))) {
		throw new TailhopError(
			"machine/invalid-input",
			`data base ${dataBase} is not a power of two between 128 KiB and 2 GiB`,
		);
	}
	const canShare = typeof SharedArrayBuffer !== "undefined";
	const shared = options.shared ?? canShare;
	if (shared && !canShare)
		throw new TailhopError(
			"machine/unsupported",
			"there is no shared memory here",
			{},
			{ hint: "Leave shared out; a page has it only with cross-origin isolation (COOP and COEP headers)." },
		);
	const initial = dataBase / PAGE + 1;
	for (let maximum = MAX_PAGES; ; maximum = Math.floor(maximum / 2)) {
		try {
			return new LinearMemory(new WebAssembly.Memory({ initial, maximum, shared }));
		} catch (error) {
			// RangeError: no address space for so much; anything else will not get better
			if (error instanceof RangeError && maximum / 2 >= initial) continue;
			throw new TailhopError(
				"machine/memory",
				`no WebAssembly memory of ${initial} pages: ${error instanceof Error ? error.message : error}`,
				{},
				{ hint: shared ? "Try shared: false, or smaller maps." : "Make the maps smaller.", cause: error },
			);
		}
	}
}

/** The data base for control structures of `controlBytes` at worst: at least 1 MiB, at most 2 GiB. */
export function chooseDataBase(controlBytes: number): number {
	const wanted = CONTROL_HEAP + controlBytes;
	let base = 2 ** 20;
	while (base < wanted && base < 2 ** 31) base *= 2;
	return base;
}
