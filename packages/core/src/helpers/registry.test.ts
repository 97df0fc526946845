import { describe, expect, test } from "vitest";
import { PROTOTYPES } from "./prototypes.ts";
import { HELPERS, isImplemented } from "./registry.ts";

describe("registry", () => {
	test("every implementation stands under the id of its prototype, and is that prototype", () => {
		for (const [id, helper] of HELPERS) {
			expect(helper.prototype.id).toBe(id);
			expect(PROTOTYPES.get(id)).toBe(helper.prototype);
		}
	});

	test("callbacks are described where a helper iterates", () => {
		for (const { prototype, ...helper } of HELPERS.values()) {
			const functions = prototype.args.flatMap((kind, i) => (kind === "func" ? [i + 1] : []));
			expect("iterate" in helper ? [helper.callback] : []).toEqual(functions);
		}
	});

	test("tail_call is implemented by the engines", () => {
		expect([isImplemented(12), HELPERS.has(12), isImplemented(4)]).toEqual([true, false, false]);
	});
});
