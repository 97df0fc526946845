/**
 * All that core uses of its host beyond ECMAScript 2023: what browsers, workers, Node and Deno share. Anything
 * else (document, process, Buffer, console, …) is a type error in `npm run types`, so that core runs everywhere.
 * The repository's other TypeScript projects see the DOM's and Node's own, wider declarations.
 */
declare namespace WebAssembly {
	type ValueType = "i32" | "i64" | "f32" | "f64" | "externref" | "anyfunc" | "v128";
	// biome-ignore lint/complexity/noBannedTypes: as the DOM's own declaration, so that code checks the same under both
	type ExportValue = Function | Global | Memory | Table;
	type Exports = Record<string, ExportValue>;
	type ImportValue = ExportValue | number;
	type Imports = Record<string, Record<string, ImportValue>>;

	interface MemoryDescriptor {
		initial: number;
		maximum?: number;
		shared?: boolean;
	}
	class Memory {
		constructor(descriptor: MemoryDescriptor);
		readonly buffer: ArrayBuffer;
		grow(pages: number): number;
	}

	interface TableDescriptor {
		element: "anyfunc" | "externref";
		initial: number;
		maximum?: number;
	}
	class Table {
		constructor(descriptor: TableDescriptor, value?: unknown);
		readonly length: number;
		get(index: number): unknown;
		set(index: number, value?: unknown): void;
		grow(delta: number, value?: unknown): number;
	}

	class Global {
		constructor(descriptor: { value: ValueType; mutable?: boolean }, value?: unknown);
		value: unknown;
	}

	interface ModuleExport {
		kind: "function" | "table" | "memory" | "global" | "tag";
		name: string;
	}
	class Module {
		constructor(bytes: BufferSource);
		private readonly module: never;
		static exports(module: Module): ModuleExport[];
		static imports(module: Module): (ModuleExport & { module: string })[];
		static customSections(module: Module, name: string): ArrayBuffer[];
	}
	class Instance {
		constructor(module: Module, imports?: Imports);
		readonly exports: Exports;
	}

	class CompileError extends Error {}
	class LinkError extends Error {}
	class RuntimeError extends Error {}

	function validate(bytes: BufferSource): boolean;
	function compile(bytes: BufferSource): Promise<Module>;
	function instantiate(module: Module, imports?: Imports): Promise<Instance>;
	function instantiate(
		bytes: BufferSource,
		imports?: Imports,
	): Promise<{ module: Module; instance: Instance }>;
}

type BufferSource = ArrayBufferView<ArrayBuffer> | ArrayBuffer;

declare class TextEncoder {
	encode(text?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
	constructor(encoding?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
	decode(bytes?: BufferSource | ArrayBufferView): string;
}

/** Base64 to a string of code units below 256. */
declare function atob(base64: string): string;

/** Milliseconds, with fractions, since some moment. */
declare const performance: { now(): number };
