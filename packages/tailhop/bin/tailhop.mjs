#!/usr/bin/env node
import { existsSync } from "node:fs";

// A file of its own, because npm links commands when it installs, which in a clone is before anything is built.
const cli = new URL("../dist/cli.mjs", import.meta.url);
if (existsSync(cli)) await import(cli.href);
else {
	console.error("tailhop is not built yet: npm run build");
	process.exitCode = 1;
}
