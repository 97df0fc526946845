// Compiles the map code (packages/core/assembly, AssemblyScript) to the committed module
// packages/core/src/maps/wasm.generated.ts. With --check it compares instead of writing, and fails on a difference.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const output = join(root, "packages/core/src/maps/wasm.generated.ts");
const files = new Map();
const errors = [];

const { error } = await asc.main(
	[
		"packages/core/assembly/index.ts",
		...["--baseDir", root, "--outFile", "maps.wasm"],
		// no runtime, no stack, no globals, no data: all state is in the imported memory
		...["--runtime", "stub", "--stackSize", "0", "--noAssert", "-O3"],
		...["--importMemory", "--noExportMemory", "--sharedMemory", "--enable", "threads"],
		...["--initialMemory", "2", "--maximumMemory", "65536"],
	],
	{
		writeFile: (name, contents) => void files.set(name, contents),
		stderr: { write: (text) => errors.push(String(text)) },
	},
);
if (errors.length > 0) console.error(errors.join(""));
if (error) {
	console.error(error.message);
	process.exit(1);
}

const bytes = files.get("maps.wasm");
const flags = memoryFlagOffset(bytes);
const text = `// Made by \`npm run build:wasm\` from packages/core/assembly; \`npm run check:wasm\` compares. Do not edit.

/** The map code, base64. */
export const WASM_BASE64 =
	"${Buffer.from(bytes).toString("base64")}";

/** Offset of the limits flag of the memory import: 3 = shared with a maximum, 1 = unshared with a maximum. */
export const MEMORY_FLAG_OFFSET = ${flags};
`;

if (!process.argv.includes("--check")) {
	writeFileSync(output, text);
	console.log(`${bytes.length} bytes of map code`);
} else if (readFileSync(output, "utf8").replaceAll("\r\n", "\n") !== text) {
	console.error(
		"packages/core/src/maps/wasm.generated.ts is not what packages/core/assembly compiles to: npm run build:wasm",
	);
	process.exit(1);
} else {
	console.log("the committed map code is up to date");
}

/** Where the flag byte of the one memory import lies. */
function memoryFlagOffset(wasm) {
	let at = 8;
	const leb = () => {
		let value = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = wasm[at++];
			value |= (byte & 0x7f) << shift;
			if (byte < 0x80) return value;
		}
	};
	const skipName = () => {
		const length = leb();
		at += length;
	};
	while (at < wasm.length) {
		const section = wasm[at++];
		const end = leb() + at;
		if (section !== 2) {
			at = end;
			continue;
		}
		if (leb() !== 1) throw new Error("the map code must import its memory and nothing else");
		skipName();
		skipName();
		if (wasm[at++] !== 2 || wasm[at] !== 3) throw new Error("the import must be a shared memory");
		return at;
	}
	throw new Error("no import section");
}
