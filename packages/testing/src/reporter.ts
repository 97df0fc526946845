import { writeFileSync } from "node:fs";
import type { Reporter, TestModule, Vitest } from "vitest/node";
import { addCounts, describeCounts, emptyCounts, increase, neverAsked } from "./counts.ts";

/**
 * Three plain lines at the end of a run: what was skipped and why, how many cases ran on which engine, and
 * "N passed, N failed, N skipped". A whole run that could have asked the kernel and never did fails.
 */
export default class CountsReporter implements Reporter {
	#vitest: Vitest | undefined;

	onInit(vitest: Vitest): void {
		this.#vitest = vitest;
	}

	async onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): Promise<void> {
		const counts = emptyCounts();
		const states = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
		const skips: Record<string, number> = {};
		/** Tests by project: the same files must have as many in each browser, and in Node. */
		const projects: Record<string, number> = {};
		for (const module of modules) {
			// a file that could not be loaded has no tests that could fail
			states.failed += module.errors().length;
			for (const test of module.children.allTests()) {
				const { state, note } = { note: undefined, ...test.result() };
				states[state]++;
				increase(projects, module.project.name);
				if (state === "skipped") increase(skips, note ?? "without a reason");
				const { cases } = test.meta();
				if (cases !== undefined) addCounts(counts, cases);
			}
		}

		const lines: string[] = [];
		for (const [reason, count] of Object.entries(skips)) lines.push(`skipped ${count}: ${reason}`);
		if (Object.keys(projects).length > 1) {
			for (const [name, count] of Object.entries(projects)) lines.push(`${name}: ${count} tests`);
		}
		lines.push(describeCounts(counts));
		const browser = modules.every((module) => module.project.isBrowserEnabled());
		if (!browser && neverAsked(counts) && (await this.#isWhole(modules.length))) {
			// loaded here only: a core that doesn't even load must not take the reporter with it
			const why = await import("@tailhop/kernel")
				.then(({ openKernel }) => openKernel())
				.then(
					() => undefined,
					(error: unknown) => (error instanceof Error ? error.message : String(error)),
				);
			if (why === undefined) {
				states.failed++;
				process.exitCode = 1;
				lines.push("failed: bpf(2) is allowed here, and no case ran on the kernel");
			} else {
				lines.push(`no kernel: ${why}`);
			}
		}
		lines.push(`${states.passed} passed, ${states.failed} failed, ${states.skipped} skipped`);
		console.log(`\n${lines.join("\n")}`);
		const { TAILHOP_COUNTS, TAILHOP_HELPERS } = process.env;
		if (TAILHOP_COUNTS !== undefined) writeFileSync(TAILHOP_COUNTS, JSON.stringify(projects));
		if (TAILHOP_HELPERS !== undefined) writeFileSync(TAILHOP_HELPERS, JSON.stringify(counts.helpers));
	}

	/** One file, or one pattern of names, may well have nothing for the kernel. */
	async #isWhole(files: number): Promise<boolean> {
		if (this.#vitest === undefined || this.#vitest.config.testNamePattern !== undefined) return false;
		return files === (await this.#vitest.globTestSpecifications()).length;
	}
}
