/** One case of `npm run fuzz:bytes`: changed bytes through every reader. */
import {
	alignOf,
	type Btf,
	cDefinition,
	formatText,
	link,
	parse,
	parseValue,
	readBtf,
	readBtfExt,
	readBtfStrings,
	readElf,
	sizeOf,
	typeName,
	writeBtf,
} from "@tailhop/core";
import type { Original } from "./corpus.ts";
import { isTyped } from "./mutate.ts";

/** How far the bytes got: the error's code, or "linked", "read". Throws what is no TailhopError. */
export function runCase(kind: Original["kind"], bytes: Uint8Array): string {
	try {
		if (kind === "btf") {
			ask(readBtf(bytes));
			return "read";
		}
		// the readers by themselves: parse may refuse before it comes to a section
		for (const section of readElf(bytes).sections) {
			if (section.name === ".BTF") typed(() => ask(readBtf(section.data)));
			if (section.name === ".BTF.ext")
				typed(() => readBtfExt(section.data, readBtfStrings(bytesOfBtf(bytes))));
		}
		const spec = parse(bytes);
		typed(() => link(spec, { cpus: 2 }));
		// the object's own types stand for the kernel's, so that every CO-RE record is matched with something
		link(spec, { ...(spec.btf === undefined ? {} : { btf: spec.btf }), kconfig: { CONFIG_HZ: 100 } });
		return "linked";
	} catch (error) {
		if (isTyped(error)) return error.code;
		throw error;
	}
}

function bytesOfBtf(bytes: Uint8Array): Uint8Array {
	return readElf(bytes).sections.find(({ name }) => name === ".BTF")?.data ?? new Uint8Array(0);
}

function typed(run: () => void): void {
	try {
		run();
	} catch (error) {
		if (!isTyped(error)) throw error;
	}
}

/** Every question that one can ask about types and values. */
function ask(btf: Btf): void {
	readBtf(writeBtf(btf));
	for (let id = 0; id < btf.types.length; id++) {
		typeName(btf, id);
		typed(() => cDefinition(btf, id));
		alignOf(btf, id);
		const size = sizeOf(btf, id);
		if (size === undefined || size > 4096) continue;
		typed(() => parseValue(btf, id, formatText(btf, id, new Uint8Array(size).fill(id))));
	}
}
