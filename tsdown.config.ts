import { defineConfig, type UserConfig } from "tsdown";

/**
 * The three packages that are published, as ES modules with their types: dist/*.mjs and dist/*.d.mts. What a
 * package lists as (peer) dependency stays an import; core has none and comes out as one file.
 */
const library = (name: string, more: UserConfig = {}): UserConfig => ({
	name,
	cwd: `packages/${name}`,
	entry: { index: "src/index.ts" },
	format: "esm",
	platform: "node",
	target: "es2022",
	dts: true,
	// an import of what is not exported is only a warning, and a wrong bundle
	failOnWarn: true,
	checks: { pluginTimings: false },
	sourcemap: false,
	fixedExtension: true,
	deps: { neverBundle: ["@tailhop/core", "koffi"] },
	...more,
});

export default defineConfig([
	library("core", { platform: "neutral", deps: { onlyBundle: [] } }),
	library("kernel"),
	library("tailhop", { entry: { index: "src/index.ts", cli: "src/cli.ts" } }),
	// Not published: what a page that uses core, or only its verifier, downloads: for the size budgets.
	...Object.entries({ core: "src/index.ts", verify: "../../scripts/size/verify.ts" }).map(
		([name, entry]): UserConfig => ({
			name: `${name}, minified`,
			cwd: "packages/core",
			entry: { [name]: entry },
			outDir: `../../dist/size/${name}`,
			format: "esm",
			platform: "neutral",
			target: "es2022",
			fixedExtension: true,
			minify: true,
			dts: false,
			checks: { pluginTimings: false },
		}),
	),
]);
