#!/usr/bin/env node
/**
 * The import walls: who may import whom, as data, and a check that fails when a wall is broken.
 *
 *   node scripts/walls.mjs [ROOT]      prints `file:line: what is wrong` and exits with 1 on any violation
 *
 * The rules, in the order of the functions below:
 *   - a package imports only what its row of PACKAGES allows; relative imports stay inside the package, and
 *     name their file with its extension;
 *   - a layer of core imports only the layers of its row of LAYERS, through their index.ts; `index.ts` of core
 *     itself may import all of them;
 *   - core's tests, and what they share (test-*.ts), import nothing but TEST_MODULES and relative files, so that they
 *     also run in a browser;
 *   - the kernel bridge uses, at run time, only what KERNEL_STANDS_ON of core's layers exports;
 *   - no cycle between files: each can be loaded and understood after those it imports. `import type` doesn't count here
 *     (parts of one class name each other), and between layers the row of LAYERS forbids it anyway.
 * What core may not name without importing it (document, process, Buffer, …) is a type error under
 * packages/core/tsconfig.json, which `npm run types` checks.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

const BYTES = ["errors", "memory", "isa", "elf", "btf"];
const OBJECTS = [...BYTES, "spec", "flow"];
const WORLD = [...OBJECTS, "maps", "helpers", "hooks"];
const ENGINES = [...WORLD, "interpreter", "verifier", "wasm"];

/** What each layer of core may import. `name:type` allows `import type` only. The engines don't see each other. */
export const LAYERS = {
	errors: [],
	memory: ["errors"],
	isa: ["errors"],
	elf: ["errors"],
	btf: ["errors", "isa", "elf"],
	pcap: ["errors"],
	spec: ["errors", "isa", "elf", "btf"],
	asm: ["errors", "isa", "elf", "btf", "spec:type"],
	flow: ["errors", "isa", "btf", "spec"],
	maps: OBJECTS,
	helpers: [...OBJECTS, "maps"],
	hooks: [...OBJECTS, "maps", "helpers"],
	interpreter: WORLD,
	verifier: WORLD,
	wasm: WORLD,
	machine: ENGINES,
	trace: [...ENGINES, "machine"],
	analysis: [...ENGINES, "machine", "trace"],
};

/**
 * What each package's source may import. `node: true` allows node:*; `lazy` modules only through `import()` or
 * `import type`, because a user may not have them; `tests` are allowed in test files besides.
 */
export const PACKAGES = {
	core: { node: false, modules: [], lazy: [], tests: [] },
	kernel: {
		node: true,
		modules: ["@tailhop/core"],
		lazy: ["koffi"],
		tests: ["vitest", "fast-check", "@tailhop/testing"],
	},
	tailhop: {
		node: true,
		modules: ["@tailhop/core", "cli-progress", "picocolors"],
		lazy: ["@tailhop/kernel"],
		tests: ["vitest", "fast-check", "@tailhop/testing", "ajv", "ajv/dist/2020.js"],
	},
	testing: {
		node: true,
		modules: [
			"@tailhop/core",
			"@tailhop/kernel",
			"tailhop",
			"vitest",
			"vitest/node",
			"fast-check",
			"playwright-core",
			"vite",
			"wabt",
		],
		lazy: [],
		tests: [],
	},
};

/** The only modules that core's tests may import; everything of Node comes through @tailhop/testing. */
const TEST_MODULES = ["vitest", "fast-check", "@tailhop/testing"];

/** Layers of core whose values (not only types) the kernel bridge may use. */
const KERNEL_STANDS_ON = ["errors", "isa", "btf", "spec"];

/**
 * @typedef {{ specifier: string, line: number, typeOnly: boolean, dynamic: boolean, names: { name: string, typeOnly: boolean }[] | "*" }} Import
 * @typedef {{ file: string, line: number, message: string }} Violation
 */

/** Every import, re-export, import() and require() of a source text. @returns {Import[]} */
export function importsOf(file, text) {
	const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
	/** @type {Import[]} */
	const found = [];
	const add = (literal, rest) => {
		if (!literal || !ts.isStringLiteralLike(literal)) return;
		const line = source.getLineAndCharacterOfPosition(literal.getStart(source)).line + 1;
		found.push({ specifier: literal.text, line, typeOnly: false, dynamic: false, names: "*", ...rest });
	};
	const named = (elements, typeOnly) =>
		elements.map((e) => ({ name: (e.propertyName ?? e.name).text, typeOnly: typeOnly || e.isTypeOnly }));
	const visit = (node) => {
		if (ts.isImportDeclaration(node)) {
			const clause = node.importClause;
			const typeOnly = clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || clause?.isTypeOnly === true;
			const bindings = clause?.namedBindings;
			const names =
				bindings && ts.isNamedImports(bindings) && !clause.name ? named(bindings.elements, typeOnly) : "*";
			const allTypes = names !== "*" && names.length > 0 && names.every((n) => n.typeOnly);
			add(node.moduleSpecifier, { typeOnly: typeOnly || allTypes, names });
		} else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
			const clause = node.exportClause;
			const names = clause && ts.isNamedExports(clause) ? named(clause.elements, node.isTypeOnly) : "*";
			const allTypes = names !== "*" && names.length > 0 && names.every((n) => n.typeOnly);
			add(node.moduleSpecifier, { typeOnly: node.isTypeOnly || allTypes, names });
		} else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
			add(node.argument.literal, { typeOnly: true });
		} else if (ts.isCallExpression(node) && node.arguments.length > 0) {
			const callee = node.expression;
			const isRequire = ts.isIdentifier(callee) && /^require/i.test(callee.text);
			if (callee.kind === ts.SyntaxKind.ImportKeyword || isRequire) add(node.arguments[0], { dynamic: true });
		}
		ts.forEachChild(node, visit);
	};
	visit(source);
	return found;
}

/** All .ts files below a folder, sorted; declaration files have no run time and are left out. */
function sourcesBelow(folder) {
	if (!existsSync(folder)) return [];
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((e) => e.isFile() && e.name.endsWith(".ts") && !e.name.endsWith(".d.ts"))
		.map((e) => join(e.parentPath ?? e.path, e.name))
		.sort();
}

const isTest = (file) => /\.test\.ts$/.test(file);
/** What tests share: no index.ts exports it, and nothing but tests (and other such files) imports it. */
const isTestKit = (file) => /[/\\]test-[^/\\]+\.ts$/.test(file);
const slashed = (path) => path.split(sep).join("/");

/** The names that a layer's index.ts exports, following `export *` inside the layer. */
function exportedNames(file, seen = new Set()) {
	const names = new Set();
	if (seen.has(file) || !existsSync(file)) return names;
	seen.add(file);
	const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
	for (const statement of source.statements) {
		if (ts.isExportDeclaration(statement)) {
			const clause = statement.exportClause;
			if (clause && ts.isNamedExports(clause)) for (const e of clause.elements) names.add(e.name.text);
			else if (clause) names.add(clause.name.text);
			else
				for (const name of exportedNames(resolve(dirname(file), statement.moduleSpecifier.text), seen))
					names.add(name);
		} else if (statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)) {
			if (ts.isVariableStatement(statement)) {
				for (const d of statement.declarationList.declarations)
					if (ts.isIdentifier(d.name)) names.add(d.name.text);
			} else if (statement.name) names.add(statement.name.text);
		}
	}
	return names;
}

/** Name exported by @tailhop/core → the layer that it comes from. */
function layerOfNames(coreSource) {
	const layers = new Map();
	for (const layer of Object.keys(LAYERS)) {
		for (const name of exportedNames(join(coreSource, layer, "index.ts")))
			if (!layers.has(name)) layers.set(name, layer);
	}
	return layers;
}

/** Relative import of core's source: layer by layer, and only through the front door. */
function checkLayers(imp, file, target, coreSource, complain) {
	const from = slashed(relative(coreSource, file)).split("/");
	const to = slashed(relative(coreSource, target)).split("/");
	const layer = from.length === 1 ? undefined : from[0];
	const other = to.length === 1 ? undefined : to[0];
	if (layer !== undefined && !(layer in LAYERS)) return complain(`layer ${layer} has no row in LAYERS`);
	if (isTestKit(target))
		return isTest(file) || isTestKit(file) ? undefined : complain(`${imp.specifier} is for tests`);
	if (other === layer) return;
	if (other === undefined) return isTest(file) ? undefined : complain("a layer imports core's own index.ts");
	if (!(other in LAYERS)) return complain(`layer ${other} has no row in LAYERS`);
	if (to.slice(1).join("/") !== "index.ts")
		return complain(`${other} is imported past its index.ts (${imp.specifier})`);
	if (layer === undefined || isTest(file) || isTestKit(file)) return;
	const allowed = LAYERS[layer];
	if (allowed.includes(other)) return;
	if (allowed.includes(`${other}:type`))
		return imp.typeOnly ? undefined : complain(`${layer} may import only types of ${other}`);
	complain(`${layer} may not import ${other}, which is not below it`);
}

/** An import that is not relative. */
function checkModule(imp, name, file, names, complain) {
	const rules = PACKAGES[name];
	const test = isTest(file) || isTestKit(file);
	if (name === "core") {
		if (test && TEST_MODULES.includes(imp.specifier)) return;
		return complain(
			test
				? `core's tests import only ${TEST_MODULES.join(", ")} and relative files, not ${imp.specifier}`
				: `core has no dependency: ${imp.specifier}`,
		);
	}
	if (imp.specifier.startsWith("node:"))
		return rules.node ? undefined : complain(`${name} may not import ${imp.specifier}`);
	if (test && rules.tests.includes(imp.specifier)) return;
	if (name === "testing" && /^@tailhop\/core\/./.test(imp.specifier)) return;
	if (rules.lazy.includes(imp.specifier)) {
		return imp.dynamic || imp.typeOnly || test
			? undefined
			: complain(`${imp.specifier} is optional: import() it when it is needed`);
	}
	if (!rules.modules.includes(imp.specifier)) return complain(`${name} may not import ${imp.specifier}`);
	if (name === "kernel" && imp.specifier === "@tailhop/core" && !test && !imp.typeOnly) {
		if (imp.names === "*")
			return complain("the kernel bridge imports core by name, so that this check can see what it uses");
		for (const used of imp.names) {
			const layer = names.get(used.name);
			if (!used.typeOnly && !KERNEL_STANDS_ON.includes(layer))
				complain(`the kernel bridge may not use ${used.name} of ${layer ?? "no layer"} at run time`);
		}
	}
}

/** Strongly connected files, each reported once: the shortest way back to where it starts. */
function cycles(graph) {
	const found = [];
	const done = new Set();
	for (const start of [...graph.keys()].sort()) {
		if (done.has(start)) continue;
		const cameFrom = new Map([[start, undefined]]);
		const queue = [start];
		let end;
		while (queue.length > 0 && end === undefined) {
			const file = queue.shift();
			for (const { target } of graph.get(file) ?? []) {
				if (target === start) {
					end = file;
					break;
				}
				if (!cameFrom.has(target) && graph.has(target)) {
					cameFrom.set(target, file);
					queue.push(target);
				}
			}
		}
		if (end === undefined) continue;
		const path = [];
		for (let file = end; file !== undefined; file = cameFrom.get(file)) path.unshift(file);
		for (const file of path) done.add(file);
		found.push(path);
	}
	return found;
}

/** @returns {{ files: number, violations: Violation[] }} */
export function checkWalls(root) {
	/** @type {Violation[]} */
	const violations = [];
	const coreSource = join(root, "packages", "core", "src");
	const names = layerOfNames(coreSource);
	let files = 0;
	for (const name of Object.keys(PACKAGES)) {
		const source = join(root, "packages", name, "src");
		const graph = new Map();
		for (const file of sourcesBelow(source)) {
			files++;
			const edges = [];
			graph.set(file, edges);
			for (const imp of importsOf(file, readFileSync(file, "utf8"))) {
				const complain = (message) => {
					violations.push({ file: slashed(relative(root, file)), line: imp.line, message });
				};
				if (!imp.specifier.startsWith(".")) {
					checkModule(imp, name, file, names, complain);
					continue;
				}
				const target = resolve(dirname(file), imp.specifier);
				if (!target.startsWith(dirname(source) + sep)) complain(`${imp.specifier} leaves the package`);
				else if (!existsSync(target)) complain(`${imp.specifier} names no file (extensions are written out)`);
				else {
					if (!imp.typeOnly) edges.push({ target, line: imp.line });
					if (name === "core") checkLayers(imp, file, target, coreSource, complain);
				}
			}
		}
		for (const path of cycles(graph)) {
			const next = path[1] ?? path[0];
			const line = graph.get(path[0]).find((e) => e.target === next).line;
			const round = [...path, path[0]].map((f) => slashed(relative(source, f))).join(" → ");
			violations.push({ file: slashed(relative(root, path[0])), line, message: `cycle: ${round}` });
		}
	}
	return { files, violations };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
	const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), ".."));
	const { files, violations } = checkWalls(root);
	for (const v of violations) console.error(`${v.file}:${v.line}: ${v.message}`);
	if (files === 0) console.error(`no source files below ${root}`);
	console.log(`walls: ${files} files, ${violations.length} violations`);
	process.exitCode = violations.length > 0 || files === 0 ? 1 : 0;
}
