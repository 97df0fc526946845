// Compiles the AssemblyScript of packages/core/assembly to the committed modules: the map code and the verifier's
// state code. With --check it compares instead of writing, and fails on a difference.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const check = process.argv.includes("--check");

const BINARIES = [
	{
		what: "map code",
		source: "packages/core/assembly",
		output: "packages/core/src/maps/wasm.generated.ts",
		// all state is in the memory that it imports
		options: ["--importMemory", "--noExportMemory", "--sharedMemory", "--enable", "threads"].concat([
			"--initialMemory",
			"2",
			"--maximumMemory",
			"65536",
		]),
		more: (bytes) => `
/** Offset of the limits flag of the memory import: 3 = shared with a maximum, 1 = unshared with a maximum. */
export const MEMORY_FLAG_OFFSET = ${memoryFlagOffset(bytes)};
`,
	},
	{
		what: "state code of the verifier",
		source: "packages/core/assembly/verifier",
		output: "packages/core/src/verifier/state/wasm.generated.ts",
		// a memory of its own
		options: ["--initialMemory", "16", "--maximumMemory", "65536"],
		more: () => "",
	},
];

let stale = false;
for (const binary of BINARIES) {
	const bytes = await compile(binary);
	const text = `// Made by \`npm run build:wasm\` from ${binary.source}; \`npm run check:wasm\` compares. Do not edit.

/** The ${binary.what}, base64. */
export const WASM_BASE64 =
	"${Buffer.from(bytes).toString("base64")}";
${binary.more(bytes)}`;
	const output = join(root, binary.output);
	if (!check) {
		writeFileSync(output, text);
		console.log(`${bytes.length} bytes of ${binary.what}`);
	} else if (readFileSync(output, "utf8").replaceAll("\r\n", "\n") !== text) {
		console.error(`${binary.output} is not what ${binary.source} compiles to: npm run build:wasm`);
		stale = true;
	} else {
		console.log(`the committed ${binary.what} is up to date`);
	}
}
if (stale) process.exit(1);

async function compile({ source, options }) {
	const files = new Map();
	const errors = [];
	const { error } = await asc.main(
		[
			`${source}/index.ts`,
			...["--baseDir", root, "--outFile", "out.wasm"],
			// no runtime, no stack, no data
			...["--runtime", "stub", "--stackSize", "0", "--noAssert", "-O3"],
			...options,
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
	return files.get("out.wasm");
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
