import { describe, expect, it } from "vitest";
import { sourcePlace } from "./index.ts";

const at = (insn: number, file: string, line: number) => ({ insn, file, line });
const func = (start: number, end: number) => ({
	name: `f${start}`,
	start,
	end,
	linkage: "static" as const,
	typeId: 0,
});
const program = {
	functions: [func(0, 10), func(10, 20)],
	lines: [
		at(0, "main.c", 5),
		at(2, "main.c", 8),
		at(3, "main.c", 0),
		at(4, "tail.h", 99),
		at(6, "main.c", 9),
		at(10, "sub.c", 1),
		at(12, "tail.h", 99),
	],
};

describe("sourcePlace", () => {
	it.each([
		["a line of the function's own file", 2, "main.c:8", undefined],
		["between two lines", 7, "main.c:9", undefined],
		["inlined from a header: the own file's line before it, which isn't 0", 5, "tail.h:99", "main.c:8"],
		["in a subprogram, of its file", 13, "tail.h:99", "sub.c:1"],
	])("%s", (_what, insn, line, caller) => {
		const place = sourcePlace(program, insn);
		const text = (source: typeof place.line) => source && `${source.file}:${source.line}`;
		expect([text(place.line), text(place.caller)]).toEqual([line, caller]);
	});

	it("a subprogram without lines has none, whatever lies before it", () => {
		expect(sourcePlace({ ...program, lines: program.lines.slice(0, 5) }, 15)).toEqual({});
	});
});
