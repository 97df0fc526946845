import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Sources instead of built packages, in Node and in the browser. */
export const alias = [
	{ find: /^@tailhop\/(core|kernel|testing)$/, replacement: source("packages/$1/src/index.ts") },
	{ find: /^@tailhop\/core\/(.+)$/, replacement: source("packages/core/src/$1") },
	{ find: /^tailhop$/, replacement: source("packages/tailhop/src/index.ts") },
];

export default defineConfig({
	resolve: { alias },
	test: {
		// properties and first loads of the whole core on a machine that others use too
		testTimeout: 30_000,
		provide: { sharedMemory: true },
		reporters: ["default", source("packages/testing/src/reporter.ts")],
		include: [
			"packages/*/src/**/*.test.ts",
			"conformance/**/*.test.ts",
			"examples/**/*.test.ts",
			"fuzz/**/*.test.ts",
			"{scripts,bench}/**/*.test.mjs",
		],
	},
});
