import { type Btf, type BtfKind, findBtfType } from "../btf/index.ts";
import { TailhopError } from "../errors/index.ts";
import { kconfigType } from "./externs.ts";
import { KERNEL_VERSION } from "./kernel-version.ts";
import type { ExternSpec, ObjectSpec } from "./object.ts";
import type { MapSpec, ResolvedTarget } from "./types.ts";

/** What an extern is in the target. */
export type ResolvedExtern =
	/** This byte of the `.kconfig` map. */
	| { readonly kind: "kconfig"; readonly map: number; readonly offset: number }
	/** A type id of the kernel's BTF: a kfunc, or a typed variable. */
	| { readonly kind: "btf"; readonly id: number }
	/** An address; 0 for what a weak extern does not find. */
	| { readonly kind: "address"; readonly address: bigint }
	/** A kfunc of which nothing is known but its name: the target has no BTF. */
	| { readonly kind: "unknown-kfunc" }
	/** Nothing provides it, and the program needs it. */
	| { readonly kind: "missing"; readonly hint: string };

/** What each extern is; those that are missing are errors only where code refers to them. */
export function resolveExterns(spec: ObjectSpec, target: ResolvedTarget): ResolvedExtern[] {
	const map = spec.maps.findIndex((one) => one.name === ".kconfig" && one.origin === "data");
	const offsets = new Map(spec.maps[map]?.variables.map(({ name, offset }) => [name, offset]));
	return spec.externs.map((one): ResolvedExtern => {
		if (one.kind === "kconfig") return { kind: "kconfig", map, offset: offsets.get(one.name) ?? 0 };
		const found = inKernel(one, target);
		if (found !== undefined) return found;
		if (one.kind === "kfunc" && target.btf === undefined && !one.weak) return { kind: "unknown-kfunc" };
		if (one.weak) return { kind: "address", address: 0n };
		return { kind: "missing", hint: HINTS[one.kind] };
	});
}

const HINTS: Readonly<Record<ExternSpec["kind"], string>> = {
	kconfig: "Give it in the target's kconfig.",
	ksym: "Give the kernel's BTF in the target, or the address in its ksyms.",
	kfunc: "The target's BTF has no such function.",
	unknown: "Define the function or variable, or link the objects first (bpftool gen object).",
};

function inKernel({ kind, name }: ExternSpec, { btf, ksyms }: ResolvedTarget): ResolvedExtern | undefined {
	const address = ksyms !== undefined && Object.hasOwn(ksyms, name) ? ksyms[name] : undefined;
	if (kind === "ksym" && address !== undefined) return { kind: "address", address };
	if (btf === undefined || kind === "unknown" || kind === "kconfig") return undefined;
	// libbpf: a name may carry a flavor, name___flavor
	const plain = name.split("___")[0]!;
	const wanted: BtfKind = kind === "kfunc" ? "func" : "var";
	const id = findBtfType(btf, plain, wanted)?.id;
	return id === undefined ? undefined : { kind: "btf", id };
}

/** Values that libbpf makes up itself. */
const VIRTUAL: Readonly<Record<string, bigint>> = {
	LINUX_KERNEL_VERSION: BigInt(KERNEL_VERSION),
	LINUX_HAS_BPF_COOKIE: 1n,
	LINUX_HAS_SYSCALL_WRAPPER: 1n,
};

/** enum libbpf_tristate. */
const TRISTATE: Readonly<Record<string, bigint>> = { n: 0n, y: 1n, m: 2n };

/** Contents of `.kconfig` (libbpf: set_kcfg_value_tri, _str, _num). */
export function kconfigValues(
	spec: ObjectSpec,
	btf: Btf,
	map: MapSpec,
	{ kconfig }: ResolvedTarget,
): Uint8Array {
	const bytes = new Uint8Array(map.valueSize);
	const weak = new Map(spec.externs.map((one) => [one.name, one.weak]));
	for (const variable of map.variables) {
		const { name } = variable;
		const given = kconfig !== undefined && Object.hasOwn(kconfig, name) ? kconfig[name] : undefined;
		const value = given ?? (Object.hasOwn(VIRTUAL, name) ? VIRTUAL[name] : undefined);
		if (value !== undefined) writeKconfig(bytes, btf, variable, value);
		else if (!weak.get(name))
			throw new TailhopError(
				"link/unresolved",
				`the value of ${name} is not known`,
				{ map: ".kconfig" },
				{ hint: HINTS.kconfig },
			);
	}
	return bytes;
}

function writeKconfig(
	bytes: Uint8Array,
	btf: Btf,
	{ name, offset, size, typeId }: MapSpec["variables"][number],
	value: string | number | bigint,
): void {
	const refuse = (hint: string): never => {
		throw new TailhopError(
			"link/target",
			`${name} cannot be ${JSON.stringify(String(value))}`,
			{ map: ".kconfig" },
			{ hint },
		);
	};
	const kind = kconfigType(btf, typeId);
	if (kind?.type === "string") {
		if (typeof value !== "string") refuse("It is a string.");
		const text = new TextEncoder().encode(String(value).replace(/^"(.*)"$/s, "$1"));
		bytes.set(text.subarray(0, size - 1), offset);
		return;
	}
	const tristate = typeof value === "string" && Object.hasOwn(TRISTATE, value) ? TRISTATE[value]! : undefined;
	let number: bigint;
	if (tristate !== undefined && kind?.type === "char") number = BigInt(String(value).charCodeAt(0));
	else if (tristate !== undefined && kind?.type === "int") number = refuse("It is a number.");
	else if (tristate !== undefined) number = tristate;
	else if (kind?.type === "tristate") number = refuse('It is "y", "m" or "n".');
	else {
		try {
			number = BigInt(value);
		} catch {
			number = refuse("It is a number.");
		}
	}
	if (kind?.type === "bool" && (number < 0n || number > 1n)) refuse("It is a bool: y, n, 0 or 1.");
	const bits = BigInt(size * 8);
	const [least, most] = kind?.signed
		? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
		: [0n, (1n << bits) - 1n];
	if (number < least || number > most) refuse(`It does not fit in ${size} bytes.`);
	for (let i = 0; i < size; i++) bytes[offset + i] = Number((number >> BigInt(8 * i)) & 0xffn);
}
