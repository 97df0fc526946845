import initialize from "wabt";

/** What Tailhop's modules need beyond WebAssembly 1.0; all of it is on by default where they run. */
const FEATURES = { tail_call: true, threads: true, sign_extension: true, mutable_globals: true } as const;

/**
 * A module as text, folded and with names for its indexes.
 * @throws Error where the module isn't valid WebAssembly
 */
export async function wat(bytes: Uint8Array): Promise<string> {
	const wabt = await initialize();
	const module = wabt.readWasm(bytes, { readDebugNames: true, ...FEATURES });
	try {
		module.validate();
		module.generateNames();
		module.applyNames();
		return module.toText({ foldExprs: true, inlineExport: false });
	} finally {
		module.destroy();
	}
}
