import { describe, expect, test } from "vitest";
import { HELPER_NAMES } from "../isa/index.ts";
import { PROTOTYPE_LIST, PROTOTYPES, prototypeFor } from "./prototypes.ts";
import { HELPERS, isImplemented } from "./registry.ts";
import type { HelperPrototype } from "./types.ts";

describe("registry", () => {
	test("every prototype has 6.18's name, and its id is its own", () => {
		for (const { id, name } of PROTOTYPE_LIST) expect([id, name]).toEqual([id, HELPER_NAMES[id]]);
		// 6.18's 211, each once
		expect([PROTOTYPE_LIST.length, PROTOTYPES.size]).toEqual([
			HELPER_NAMES.length - 1,
			HELPER_NAMES.length - 1,
		]);
	});

	test("a size follows the memory that it measures, and other memory says its size", () => {
		for (const { name, args, fixedSizes } of PROTOTYPE_LIST as readonly HelperPrototype[]) {
			args.forEach((kind, i) => {
				const before = args[i - 1] ?? "";
				if (kind === "size" || kind === "size_or_zero")
					expect([name, before]).toEqual([name, expect.stringMatching(/^mem_/)]);
				const sized = args[i + 1] === "size" || args[i + 1] === "size_or_zero";
				if (kind.startsWith("mem_"))
					expect([name, i, sized || fixedSizes?.[i] !== undefined]).toEqual([name, i, true]);
			});
			expect(args.length).toBeLessThanOrEqual(5);
		}
	});

	test("a program type may see other arguments", () => {
		const [XDP, SCHED_CLS] = [6, 3];
		expect(prototypeFor(17, XDP)?.args).toEqual([]);
		expect(prototypeFor(17, SCHED_CLS)?.args).toEqual(["ctx"]);
		expect(prototypeFor(1, XDP)).toBe(PROTOTYPES.get(1));
		expect(prototypeFor(212, XDP)).toBeUndefined();
	});

	test("every implementation stands under the id of its prototype, and is that prototype", () => {
		for (const [id, helper] of HELPERS) {
			expect(helper.prototype.id).toBe(id);
			expect(PROTOTYPES.get(id)).toBe(helper.prototype);
		}
	});

	test("callbacks are described where a helper iterates", () => {
		for (const { prototype, ...helper } of HELPERS.values()) {
			const functions = prototype.args.flatMap((kind, i) => (kind === "func" ? [i + 1] : []));
			// timer_set_callback only keeps the function
			if (prototype.name === "timer_set_callback") continue;
			expect("iterate" in helper ? [helper.callback] : []).toEqual(functions);
		}
	});

	test("tail_call is implemented by the engines", () => {
		expect([isImplemented(12), HELPERS.has(12), isImplemented(4)]).toEqual([true, false, false]);
	});
});
