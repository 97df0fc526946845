/// <reference types="vite/client" />

/**
 * Committed objects and packets, by name. Vite gives them as data: URLs, which Node and browsers fetch alike.
 * Keys are paths from the repository's root.
 */
const FILES: Readonly<Record<string, () => Promise<string>>> = Object.fromEntries(
	Object.entries(
		import.meta.glob<string>(
			[
				"../fixtures/**/*.{o,pcap,pcapng,bin,btf}",
				"../../../examples/**/*.{o,pcap}",
				"../../../bench/programs/**/*.o",
			],
			{ query: "?url&inline", import: "default" },
		),
	).map(([path, load]) => [
		path.replace(/^(\.\.\/)+(?=fixtures)/, "packages/testing/").replace(/^(\.\.\/)+/, ""),
		load,
	]),
);

/** Paths of all fixtures, from the repository's root. */
export const fixtureNames: readonly string[] = Object.keys(FILES).sort();

/** The bytes of a fixture: "chain.o", or as much of its path as makes it unique ("examples/chain/chain.o"). */
export async function fixture(name: string): Promise<Uint8Array> {
	const found = fixtureNames.filter((path) => path === name || path.endsWith(`/${name}`));
	const [path] = found;
	if (path === undefined || found.length > 1) {
		throw new Error(
			`${found.length} fixtures are called ${name}: ${(found.length > 0 ? found : fixtureNames).join(", ")}`,
		);
	}
	const response = await fetch(await FILES[path]!());
	return new Uint8Array(await response.arrayBuffer());
}
