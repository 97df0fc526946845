import { expect, inject, it } from "vitest";

declare module "vitest" {
	interface ProvidedContext {
		/** Whether this run is the one with SharedArrayBuffer; the configurations say so. */
		sharedMemory: boolean;
	}
}

it("has shared memory exactly where the configuration says so: both kinds of memory are tested", () => {
	expect(typeof SharedArrayBuffer !== "undefined").toBe(inject("sharedMemory"));
});
