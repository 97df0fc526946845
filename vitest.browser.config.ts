import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { alias } from "./vitest.config.ts";

/** Debian's Chromium by default; `npm run test:browser` looks for it and says so where there is none. */
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const args = [
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];

/** What makes a page cross-origin isolated, so that it has SharedArrayBuffer. */
const ISOLATED = {
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cross-Origin-Embedder-Policy": "require-corp",
};

/** The same test files twice: memory shared between workers, and memory that isn't. */
function project(name: string, headers: Record<string, string>): TestProjectConfiguration {
	return {
		resolve: { alias },
		server: { headers },
		// found before the run, not in its middle; the kernel bridge finds no Linux here and never asks for koffi
		optimizeDeps: { include: ["fast-check", "wabt"], exclude: ["koffi"] },
		test: {
			name,
			testTimeout: 30_000,
			provide: { sharedMemory: headers === ISOLATED },
			include: ["packages/{core,testing}/src/**/*.test.ts"],
			browser: {
				enabled: true,
				headless: true,
				screenshotFailures: false,
				provider: playwright({ launchOptions: { executablePath, args } }),
				instances: [{ browser: "chromium" }],
			},
		},
	};
}

export default defineConfig({
	resolve: { alias },
	test: {
		reporters: ["default", "./packages/testing/src/reporter.ts"],
		projects: [project("chromium-shared", ISOLATED), project("chromium-unshared", {})],
	},
});
