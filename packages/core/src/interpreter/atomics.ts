import { OP_NAMES, type RowOf, TABLE } from "../isa/index.ts";
import type { Execution } from "./execution.ts";
import { fromU64, toU64 } from "./int64.ts";
import { REGION, SCALAR } from "./regions.ts";

type AtomicRow = RowOf<"atomic">;

/** New value of an atomic op; cmpxchg decides for itself. */
const APPLY: Record<Exclude<AtomicRow["atomic"], "cmpxchg">, (old: bigint, operand: bigint) => bigint> = {
	add: (old, operand) => old + operand,
	or: (old, operand) => old | operand,
	and: (old, operand) => old & operand,
	xor: (old, operand) => old ^ operand,
	xchg: (_old, operand) => operand,
};

/**
 * Atomics on *(dst + off) (RFC 9669 section 5.3): a load and a store, since one thread runs in an interpreter's
 * memory. The fetching forms put the old value into src, cmpxchg into r0, 32-bit ones zero-extended.
 */
export function atomic(x: Execution, num: number, d: number, s: number, a: number): void {
	const row = TABLE[OP_NAMES[num]!] as AtomicRow;
	const { registers: r, provenance: p, regions } = x;
	const address = (r[d]! + a) >>> 0;
	const result = row.atomic === "cmpxchg" ? 0 : s;
	if (x.checked) {
		if (p[s]! < 0) x.uninitialized(s, s);
		if (row.atomic === "cmpxchg" && p[0]! < 0) x.uninitialized(0, 0);
		const q = p[d]!;
		if (q <= 0 || r[d + 1] !== 0 || !regions.allows(q, address, row.size, true)) {
			if (q > 0 && regions.kind[q] === REGION.CONTEXT)
				x.fault(
					"fault/access",
					"atomic operation on the context",
					"Load, change and store the field instead.",
				);
			x.storeFault(q, address, row.size, r[d + 1]!);
		}
		if (regions.kind[q] === REGION.STACK) x.spill(address, row.size, SCALAR, q);
	}
	const { view } = x.host.runtime.memory;
	const old = row.bits === 64 ? view.getBigUint64(address, true) : BigInt(view.getUint32(address, true));
	const operand = row.bits === 64 ? toU64(r, s) : BigInt(r[s]! >>> 0);
	let next: bigint;
	if (row.atomic === "cmpxchg") {
		const expected = row.bits === 64 ? toU64(r, 0) : BigInt(r[0]! >>> 0);
		next = old === expected ? operand : old;
	} else next = APPLY[row.atomic](old, operand);
	if (row.bits === 64) view.setBigUint64(address, BigInt.asUintN(64, next), true);
	else view.setUint32(address, Number(BigInt.asUintN(32, next)), true);
	if (row.fetch) {
		fromU64(r, result, old);
		p[result] = SCALAR;
	}
}
