// Runs a TypeScript entry with Node 20, which cannot: node scripts/run-ts.mjs path/to/file.ts args…
// The entry sees its own arguments in process.argv.slice(2); @tailhop/* come from tsconfig's paths.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const [entry, ...args] = process.argv.slice(2);
if (entry === undefined) {
	console.error("usage: node scripts/run-ts.mjs FILE.ts [ARGUMENT…]");
	process.exit(2);
}

/** tsconfig's `paths` as vite aliases: exact names first, then "name/*". */
const { paths } = JSON.parse(readFileSync(resolve(root, "tsconfig.json"), "utf8")).compilerOptions;
const alias = Object.entries(paths).map(([name, [target]]) => {
	const escaped = name.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
	return name.endsWith("/*")
		? {
				find: new RegExp(`^${escaped.slice(0, -1)}(.*)$`),
				replacement: `${resolve(root, target.slice(0, -1))}/$1`,
			}
		: { find: new RegExp(`^${escaped}$`), replacement: resolve(root, target) };
});

const server = await createServer({
	root,
	configFile: false,
	appType: "custom",
	logLevel: "error",
	server: { middlewareMode: true, hmr: false, ws: false, watch: null },
	optimizeDeps: { noDiscovery: true, include: [] },
	resolve: { alias },
});
const file = resolve(process.cwd(), entry);
process.argv = [process.argv[0], file, ...args];
try {
	await server.ssrLoadModule(file);
} catch (error) {
	console.error(error);
	process.exitCode = 1;
} finally {
	await server.close();
}
