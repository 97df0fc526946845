import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkWalls } from "./walls.mjs";

/** @type {string} */
let root;
beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), "walls-"));
	plant({
		"core/src/index.ts":
			'export * from "./errors/index.ts";\nexport * from "./isa/index.ts";\nexport * from "./maps/index.ts";\n',
		"core/src/errors/index.ts": "export class TailhopError extends Error {}\n",
		"core/src/isa/index.ts": 'export { decode } from "./decode.ts";\n',
		"core/src/isa/decode.ts":
			'import { TailhopError } from "../errors/index.ts";\nexport const decode = () => new TailhopError();\n',
		"core/src/maps/index.ts": "export interface MapInstance {}\nexport const createMap = () => 0;\n",
	});
});
afterEach(() => rmSync(root, { recursive: true }));

function plant(files) {
	for (const [path, text] of Object.entries(files)) {
		const file = join(root, "packages", path);
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(file, text);
	}
}
const complaints = () =>
	checkWalls(root).violations.map((v) => `${v.file.replace("packages/", "")}:${v.line}: ${v.message}`);

test("a house in order has no violations", () => {
	expect(checkWalls(root)).toEqual({ files: 5, violations: [] });
});

describe("core", () => {
	test.each([
		["node:fs", 'import { readFileSync } from "node:fs";'],
		["koffi", 'import koffi from "koffi";'],
		["koffi", 'const k = await import("koffi");'],
		["koffi", 'const k = require("koffi");'],
		["koffi", 'export * from "koffi";'],
		["koffi", 'export type X = import("koffi").Y;'],
		["fs", 'import type { Stats } from "fs";'],
	])("does not import %s: %s", (specifier, line) => {
		plant({ "core/src/isa/bad.ts": `// first line\n${line}\n` });
		expect(complaints()).toEqual([`core/src/isa/bad.ts:2: core has no dependency: ${specifier}`]);
	});

	test("layers import only from below", () => {
		plant({ "core/src/isa/bad.ts": 'import type { MapInstance } from "../maps/index.ts";\n' });
		expect(complaints()).toEqual(["core/src/isa/bad.ts:1: isa may not import maps, which is not below it"]);
	});

	test("asm sees spec's types, not its values", () => {
		plant({
			"core/src/spec/index.ts": "export const parse = 0;\nexport interface ObjectSpec {}\n",
			"core/src/asm/good.ts":
				'import type { ObjectSpec } from "../spec/index.ts";\nexport type A = ObjectSpec;\n',
			"core/src/asm/bad.ts": 'import { type ObjectSpec, parse } from "../spec/index.ts";\n',
		});
		expect(complaints()).toEqual(["core/src/asm/bad.ts:1: asm may import only types of spec"]);
	});

	test("a layer is entered through its index.ts", () => {
		plant({ "core/src/maps/bad.ts": 'import { decode } from "../isa/decode.ts";\n' });
		expect(complaints()).toEqual([
			"core/src/maps/bad.ts:1: isa is imported past its index.ts (../isa/decode.ts)",
		]);
	});

	test("no layer imports the whole", () => {
		plant({ "core/src/isa/bad.ts": 'import { decode } from "../index.ts";\nexport const again = decode;\n' });
		expect(complaints()).toContain("core/src/isa/bad.ts:1: a layer imports core's own index.ts");
	});

	test("a new layer needs a row", () => {
		plant({ "core/src/extra/index.ts": 'import { decode } from "../isa/index.ts";\n' });
		expect(complaints()).toEqual(["core/src/extra/index.ts:1: layer extra has no row in LAYERS"]);
	});

	test("imports stay in the package and name a file", () => {
		plant({
			"kernel/src/index.ts": "export const a = 1;\n",
			"core/src/isa/bad.ts": 'import "../../../kernel/src/index.ts";\nimport "./decode";\n',
		});
		expect(complaints()).toEqual([
			"core/src/isa/bad.ts:1: ../../../kernel/src/index.ts leaves the package",
			"core/src/isa/bad.ts:2: ./decode names no file (extensions are written out)",
		]);
	});

	test("its tests import only what a browser has, and any layer's index.ts", () => {
		plant({
			"core/src/isa/a.test.ts":
				'import { test } from "vitest";\nimport fc from "fast-check";\nimport { fixture } from "@tailhop/testing";\nimport { createMap } from "../maps/index.ts";\nimport "node:fs";\nimport "ajv";\n',
		});
		expect(complaints().map((c) => c.slice(0, 25))).toEqual([
			"core/src/isa/a.test.ts:5:",
			"core/src/isa/a.test.ts:6:",
		]);
	});

	test("what tests share is theirs alone", () => {
		plant({
			"core/src/maps/test-kit.ts": 'import { test } from "vitest";\nexport const kit = test;\n',
			"core/src/isa/a.test.ts": 'import { kit } from "../maps/test-kit.ts";\n',
			"core/src/maps/bad.ts": 'import { kit } from "./test-kit.ts";\n',
		});
		expect(complaints()).toEqual(["core/src/maps/bad.ts:1: ./test-kit.ts is for tests"]);
	});

	test("no cycles; types may refer to each other", () => {
		plant({
			"core/src/isa/a.ts": 'import { b } from "./b.ts";\nexport const a = b;\n',
			"core/src/isa/b.ts": '// a\n// b\nimport { c } from "./c.ts";\nexport const b = c;\n',
			"core/src/isa/c.ts": 'import { type a } from "./a.ts";\nexport const c: typeof a = 1;\n',
		});
		expect(complaints()).toEqual([]);
		plant({ "core/src/isa/c.ts": 'import { a } from "./a.ts";\nexport const c = a;\n' });
		expect(complaints()).toEqual(["core/src/isa/a.ts:1: cycle: isa/a.ts → isa/b.ts → isa/c.ts → isa/a.ts"]);
	});
});

describe("the packages above", () => {
	test("the kernel bridge uses values of core's lower layers only", () => {
		plant({
			"kernel/src/good.ts":
				'import { decode, type MapInstance, TailhopError } from "@tailhop/core";\nimport { readFileSync } from "node:fs";\n',
			"kernel/src/bad.ts":
				'import { createMap } from "@tailhop/core";\nimport * as core from "@tailhop/core";\n',
		});
		expect(complaints()).toEqual([
			"kernel/src/bad.ts:1: the kernel bridge may not use createMap of maps at run time",
			"kernel/src/bad.ts:2: the kernel bridge imports core by name, so that this check can see what it uses",
		]);
	});

	test("koffi belongs to the kernel bridge, and is loaded lazily there", () => {
		plant({
			"kernel/src/good.ts": 'const koffi = await import("koffi");\n',
			"kernel/src/bad.ts": 'import koffi from "koffi";\n',
			"tailhop/src/bad.ts": 'const koffi = await import("koffi");\n',
		});
		expect(complaints()).toEqual([
			"kernel/src/bad.ts:1: koffi is optional: import() it when it is needed",
			"tailhop/src/bad.ts:1: tailhop may not import koffi",
		]);
	});

	test("nothing published imports the harness", () => {
		plant({
			"tailhop/src/bad.ts": 'import "@tailhop/testing";\n',
			"tailhop/src/a.test.ts": 'import "@tailhop/testing";\n',
		});
		expect(complaints()).toEqual(["tailhop/src/bad.ts:1: tailhop may not import @tailhop/testing"]);
	});
});
