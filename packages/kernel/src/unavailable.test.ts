import { afterEach, describe, expect, it, vi } from "vitest";

/** A fresh copy of the package on a machine that looks different. */
async function openOn(fake: { platform?: string; arch?: string }): Promise<unknown> {
	vi.resetModules();
	for (const [name, value] of Object.entries(fake))
		vi.spyOn(process, name as "platform", "get").mockReturnValue(value as "linux");
	const { openKernel } = await import("./index.ts");
	return openKernel().catch((error: unknown) => error);
}

afterEach(() => {
	vi.restoreAllMocks();
	vi.doUnmock("koffi");
	vi.resetModules();
});

describe("where the kernel cannot be asked", () => {
	const unavailable = (message: RegExp) =>
		expect.objectContaining({
			code: "kernel/unavailable",
			message: expect.stringMatching(message),
			hint: expect.any(String),
		});

	it("another operating system", async () => {
		expect(await openOn({ platform: "darwin" })).toEqual(unavailable(/exists on Linux only/));
	});

	it("another processor", async () => {
		expect(await openOn({ platform: "linux", arch: "mips" })).toEqual(
			unavailable(/bpf\(2\) on mips is not known/),
		);
	});

	it("no koffi", async () => {
		vi.doMock("koffi", () => {
			throw new Error("Cannot find package 'koffi'");
		});
		expect(await openOn({ platform: "linux", arch: "x64" })).toEqual(unavailable(/koffi is not installed/));
	});
});
