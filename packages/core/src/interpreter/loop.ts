import type { OP } from "../isa/index.ts";
import { atomic } from "./atomics.ts";
import type { Execution } from "./execution.ts";
import { divmod64, mul64, sdiv32, sdivmod64, smod32, swap16, swap32 } from "./int64.ts";
import { leave } from "./leave.ts";
import type { LAST_ARITHMETIC, LOWERED, STRIDE } from "./lower.ts";
import type { REGION } from "./regions.ts";

/**
 * The loop. Runs at most `fuel` (below 2^30) instructions of `x` and returns how many are left; stops early when
 * the invocation has ended. Throws the fault that an instruction ends in, with `x.pc` behind that instruction.
 *
 * One source for both modes: `checked` is read into a local before the first instruction, and a test of a local
 * that never changes costs the unchecked run nothing that can be measured. Case labels are literals, so that the
 * engine makes a jump table of them; `satisfies` holds them to the instruction table.
 *
 * A register is two int32 halves, r[i] low and r[i + 1] high; d, s index dst and operand (lower.ts). In checked
 * mode p[d] and p[s] are their provenance: 0 a number, -1 never written, else a region (regions.ts). Arithmetic
 * on two numbers, the common case, is one `or` and one test.
 */
export function loop(x: Execution, fuel: number): number {
	const { checked, registers: r, provenance: p, regions, shadow, host } = x;
	const { memory } = host.runtime;
	const stackBase = x.stackBase;
	const contextStart = x.contextStart;
	const contextEnd = x.contextEnd;
	let { view } = memory;
	let { start, span, writeSpan, kind } = regions;
	let { code, pc } = x;
	let left = fuel;

	try {
		while (left > 0) {
			left--;
			const num = code[pc]!;
			const d = code[pc + 1]!;
			const s = code[pc + 2]!;
			const a = code[pc + 3]!;
			pc += 4 satisfies typeof STRIDE;
			if (checked && num <= (44 satisfies typeof LAST_ARITHMETIC) && (p[d]! | p[s]!) !== 0) {
				// a pointer moved by a number keeps its provenance: too frequent in loops for a call
				const moved = num === (15 satisfies typeof OP.add64) || num === (16 satisfies typeof OP.sub64);
				if (!moved || p[s] !== 0 || p[d]! < 0 || kind[p[d]!]! >= (8 satisfies typeof REGION.MAP)) {
					x.pc = pc;
					x.pointerArithmetic(num, d, s);
				}
			}
			if (checked && num >= (134 satisfies typeof LOWERED.MOV32)) {
				if (p[s]! < 0) {
					x.pc = pc;
					x.uninitialized(s, s);
				}
				p[d] = num === (135 satisfies typeof LOWERED.MOV64) ? p[s]! : 0;
			}
			switch (num) {
				// arithmetic, 32 bit
				case 0 satisfies typeof OP.add32:
					r[d] = r[d]! + r[s]!;
					r[d + 1] = 0;
					break;
				case 1 satisfies typeof OP.sub32:
					r[d] = r[d]! - r[s]!;
					r[d + 1] = 0;
					break;
				case 2 satisfies typeof OP.mul32:
					r[d] = Math.imul(r[d]!, r[s]!);
					r[d + 1] = 0;
					break;
				case 3 satisfies typeof OP.div32:
					r[d] = r[s] === 0 ? 0 : (r[d]! >>> 0) / (r[s]! >>> 0);
					r[d + 1] = 0;
					break;
				case 4 satisfies typeof OP.sdiv32:
					r[d] = sdiv32(r[d]!, r[s]!);
					r[d + 1] = 0;
					break;
				case 5 satisfies typeof OP.or32:
					r[d] = r[d]! | r[s]!;
					r[d + 1] = 0;
					break;
				case 6 satisfies typeof OP.and32:
					r[d] = r[d]! & r[s]!;
					r[d + 1] = 0;
					break;
				case 7 satisfies typeof OP.lsh32:
					r[d] = r[d]! << r[s]!;
					r[d + 1] = 0;
					break;
				case 8 satisfies typeof OP.rsh32:
					r[d] = r[d]! >>> r[s]!;
					r[d + 1] = 0;
					break;
				case 9 satisfies typeof OP.mod32:
					r[d] = r[s] === 0 ? r[d]! : (r[d]! >>> 0) % (r[s]! >>> 0);
					r[d + 1] = 0;
					break;
				case 10 satisfies typeof OP.smod32:
					r[d] = smod32(r[d]!, r[s]!);
					r[d + 1] = 0;
					break;
				case 11 satisfies typeof OP.xor32:
					r[d] = r[d]! ^ r[s]!;
					r[d + 1] = 0;
					break;
				case 13 satisfies typeof OP.arsh32:
					r[d] = r[d]! >> r[s]!;
					r[d + 1] = 0;
					break;
				case 14 satisfies typeof OP.neg32:
					r[d] = -r[d]!;
					r[d + 1] = 0;
					break;

				// arithmetic, 64 bit
				case 15 satisfies typeof OP.add64: {
					const low = (r[d]! + r[s]!) | 0;
					r[d + 1] = r[d + 1]! + r[s + 1]! + (low >>> 0 < r[s]! >>> 0 ? 1 : 0);
					r[d] = low;
					break;
				}
				case 16 satisfies typeof OP.sub64: {
					const borrow = r[d]! >>> 0 < r[s]! >>> 0 ? 1 : 0;
					r[d] = r[d]! - r[s]!;
					r[d + 1] = r[d + 1]! - r[s + 1]! - borrow;
					break;
				}
				case 17 satisfies typeof OP.mul64:
					mul64(r, d, s);
					break;
				case 18 satisfies typeof OP.div64:
					divmod64(r, d, s, false);
					break;
				case 19 satisfies typeof OP.sdiv64:
					sdivmod64(r, d, s, false);
					break;
				case 20 satisfies typeof OP.or64:
					r[d] = r[d]! | r[s]!;
					r[d + 1] = r[d + 1]! | r[s + 1]!;
					break;
				case 21 satisfies typeof OP.and64:
					r[d] = r[d]! & r[s]!;
					r[d + 1] = r[d + 1]! & r[s + 1]!;
					break;
				case 22 satisfies typeof OP.lsh64: {
					const n = r[s]! & 63;
					if (n >= 32) {
						r[d + 1] = r[d]! << n;
						r[d] = 0;
					} else if (n > 0) {
						r[d + 1] = (r[d + 1]! << n) | (r[d]! >>> (32 - n));
						r[d] = r[d]! << n;
					}
					break;
				}
				case 23 satisfies typeof OP.rsh64: {
					const n = r[s]! & 63;
					if (n >= 32) {
						r[d] = r[d + 1]! >>> n;
						r[d + 1] = 0;
					} else if (n > 0) {
						r[d] = (r[d]! >>> n) | (r[d + 1]! << (32 - n));
						r[d + 1] = r[d + 1]! >>> n;
					}
					break;
				}
				case 24 satisfies typeof OP.mod64:
					divmod64(r, d, s, true);
					break;
				case 25 satisfies typeof OP.smod64:
					sdivmod64(r, d, s, true);
					break;
				case 26 satisfies typeof OP.xor64:
					r[d] = r[d]! ^ r[s]!;
					r[d + 1] = r[d + 1]! ^ r[s + 1]!;
					break;
				case 133 satisfies typeof LOWERED.CONSTANT:
					p[d] = p[s]!;
					r[d] = r[s]!;
					r[d + 1] = r[s + 1]!;
					pc += 4 satisfies typeof STRIDE;
					break;
				case 28 satisfies typeof OP.arsh64: {
					const n = r[s]! & 63;
					if (n >= 32) {
						r[d] = r[d + 1]! >> n;
						r[d + 1] = r[d + 1]! >> 31;
					} else if (n > 0) {
						r[d] = (r[d]! >>> n) | (r[d + 1]! << (32 - n));
						r[d + 1] = r[d + 1]! >> n;
					}
					break;
				}
				case 29 satisfies typeof OP.neg64:
					r[d + 1] = ~r[d + 1]! + (r[d] === 0 ? 1 : 0);
					r[d] = -r[d]!;
					break;

				// moves
				case 134 satisfies typeof LOWERED.MOV32:
					r[d] = r[s]!;
					r[d + 1] = 0;
					break;
				case 135 satisfies typeof LOWERED.MOV64:
					r[d] = r[s]!;
					r[d + 1] = r[s + 1]!;
					break;
				case 136 satisfies typeof LOWERED.MOVSX8_32:
					r[d] = (r[s]! << 24) >> 24;
					r[d + 1] = 0;
					break;
				case 137 satisfies typeof LOWERED.MOVSX16_32:
					r[d] = (r[s]! << 16) >> 16;
					r[d + 1] = 0;
					break;
				case 138 satisfies typeof LOWERED.MOVSX8_64:
					r[d] = (r[s]! << 24) >> 24;
					r[d + 1] = r[d]! >> 31;
					break;
				case 139 satisfies typeof LOWERED.MOVSX16_64:
					r[d] = (r[s]! << 16) >> 16;
					r[d + 1] = r[d]! >> 31;
					break;
				case 140 satisfies typeof LOWERED.MOVSX32_64:
					r[d] = r[s]!;
					r[d + 1] = r[d]! >> 31;
					break;

				// byte order
				case 36 satisfies typeof OP.le16:
					r[d] = r[d]! & 0xffff;
					r[d + 1] = 0;
					break;
				case 37 satisfies typeof OP.le32:
					r[d + 1] = 0;
					break;
				case 38 satisfies typeof OP.le64:
					break;
				case 39 satisfies typeof OP.be16:
				case 42 satisfies typeof OP.bswap16:
					r[d] = swap16(r[d]!);
					r[d + 1] = 0;
					break;
				case 40 satisfies typeof OP.be32:
				case 43 satisfies typeof OP.bswap32:
					r[d] = swap32(r[d]!);
					r[d + 1] = 0;
					break;
				case 41 satisfies typeof OP.be64:
				case 44 satisfies typeof OP.bswap64: {
					const low = swap32(r[d + 1]!);
					r[d + 1] = swap32(r[d]!);
					r[d] = low;
					break;
				}

				// loads; load-acquire differs only between threads, and one thread runs here
				case 93 satisfies typeof OP.load_acquire_b:
				case 58 satisfies typeof OP.ldxb: {
					const address = (r[s]! + a) >>> 0;
					if (checked) {
						const q = p[s]!;
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[s + 1] !== 0 || offset < 0 || offset > span[q]! - 1) {
							x.pc = pc;
							if (x.loadSlow(d, q, address, 1, r[s + 1]!)) {
								({ start, span, writeSpan, kind } = regions);
								break;
							}
						}
						p[d] = 0;
					}
					r[d] = view.getUint8(address);
					r[d + 1] = 0;
					break;
				}
				case 94 satisfies typeof OP.load_acquire_h:
				case 59 satisfies typeof OP.ldxh: {
					const address = (r[s]! + a) >>> 0;
					if (checked) {
						const q = p[s]!;
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[s + 1] !== 0 || offset < 0 || offset > span[q]! - 2) {
							x.pc = pc;
							if (x.loadSlow(d, q, address, 2, r[s + 1]!)) {
								({ start, span, writeSpan, kind } = regions);
								break;
							}
						}
						p[d] = 0;
					}
					r[d] = view.getUint16(address, true);
					r[d + 1] = 0;
					break;
				}
				case 95 satisfies typeof OP.load_acquire_w:
				case 60 satisfies typeof OP.ldxw: {
					const address = (r[s]! + a) >>> 0;
					if (checked) {
						const q = p[s]!;
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[s + 1] !== 0 || offset < 0 || offset > span[q]! - 4) {
							x.pc = pc;
							if (x.loadSlow(d, q, address, 4, r[s + 1]!)) {
								({ start, span, writeSpan, kind } = regions);
								break;
							}
						}
						p[d] = 0;
					}
					r[d] = view.getInt32(address, true);
					r[d + 1] = 0;
					break;
				}
				case 96 satisfies typeof OP.load_acquire_dw:
				case 61 satisfies typeof OP.ldxdw: {
					const address = (r[s]! + a) >>> 0;
					if (checked) {
						const q = p[s]!;
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[s + 1] !== 0 || offset < 0 || offset > span[q]! - 8) {
							x.pc = pc;
							if (x.loadSlow(d, q, address, 8, r[s + 1]!)) {
								({ start, span, writeSpan, kind } = regions);
								break;
							}
						}
						p[d] = kind[q] === (1 satisfies typeof REGION.STACK) ? x.spilled(address) : 0;
					}
					r[d] = view.getInt32(address, true);
					r[d + 1] = view.getInt32(address + 4, true);
					break;
				}
				case 62 satisfies typeof OP.ldsxb: {
					const address = (r[s]! + a) >>> 0;
					if (checked) {
						const q = p[s]!;
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[s + 1] !== 0 || offset < 0 || offset > span[q]! - 1) {
							x.pc = pc;
							if (x.loadSlow(d, q, address, 1, r[s + 1]!)) {
								r[d] = (r[d]! << 24) >> 24;
								r[d + 1] = r[d]! >> 31;
								({ start, span, writeSpan, kind } = regions);
								break;
							}
						}
						p[d] = 0;
					}
					r[d] = view.getInt8(address);
					r[d + 1] = r[d]! >> 31;
					break;
				}
				case 63 satisfies typeof OP.ldsxh: {
					const address = (r[s]! + a) >>> 0;
					if (checked) {
						const q = p[s]!;
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[s + 1] !== 0 || offset < 0 || offset > span[q]! - 2) {
							x.pc = pc;
							if (x.loadSlow(d, q, address, 2, r[s + 1]!)) {
								r[d] = (r[d]! << 16) >> 16;
								r[d + 1] = r[d]! >> 31;
								({ start, span, writeSpan, kind } = regions);
								break;
							}
						}
						p[d] = 0;
					}
					r[d] = view.getInt16(address, true);
					r[d + 1] = r[d]! >> 31;
					break;
				}
				case 64 satisfies typeof OP.ldsxw: {
					const address = (r[s]! + a) >>> 0;
					if (checked) {
						const q = p[s]!;
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[s + 1] !== 0 || offset < 0 || offset > span[q]! - 4) {
							x.pc = pc;
							if (x.loadSlow(d, q, address, 4, r[s + 1]!)) {
								r[d + 1] = r[d]! >> 31;
								({ start, span, writeSpan, kind } = regions);
								break;
							}
						}
						p[d] = 0;
					}
					r[d] = view.getInt32(address, true);
					r[d + 1] = r[d]! >> 31;
					break;
				}

				// stores; st is stx of a constant (lower.ts)
				case 97 satisfies typeof OP.store_release_b:
				case 69 satisfies typeof OP.stxb: {
					const address = (r[d]! + a) >>> 0;
					if (checked) {
						const q = p[d]!;
						if (p[s]! < 0) {
							x.pc = pc;
							x.uninitialized(s, s);
						}
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[d + 1] !== 0 || offset < 0 || offset > writeSpan[q]! - 1) {
							x.pc = pc;
							if (x.storeSlow(s, q, address, 1, r[d + 1]!)) break;
						}
						if (kind[q] === (1 satisfies typeof REGION.STACK)) {
							shadow[(address - stackBase) >> 3] = 0;
						}
					} else if (address >= contextStart && address < contextEnd) {
						x.pc = pc;
						x.storeContext(s, address, 1);
						break;
					}
					view.setInt8(address, r[s]!);
					break;
				}
				case 98 satisfies typeof OP.store_release_h:
				case 70 satisfies typeof OP.stxh: {
					const address = (r[d]! + a) >>> 0;
					if (checked) {
						const q = p[d]!;
						if (p[s]! < 0) {
							x.pc = pc;
							x.uninitialized(s, s);
						}
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[d + 1] !== 0 || offset < 0 || offset > writeSpan[q]! - 2) {
							x.pc = pc;
							if (x.storeSlow(s, q, address, 2, r[d + 1]!)) break;
						}
						if (kind[q] === (1 satisfies typeof REGION.STACK)) {
							const o = address - stackBase;
							shadow[o >> 3] = 0;
							shadow[(o + 1) >> 3] = 0;
						}
					} else if (address >= contextStart && address < contextEnd) {
						x.pc = pc;
						x.storeContext(s, address, 2);
						break;
					}
					view.setInt16(address, r[s]!, true);
					break;
				}
				case 99 satisfies typeof OP.store_release_w:
				case 71 satisfies typeof OP.stxw: {
					const address = (r[d]! + a) >>> 0;
					if (checked) {
						const q = p[d]!;
						if (p[s]! < 0) {
							x.pc = pc;
							x.uninitialized(s, s);
						}
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[d + 1] !== 0 || offset < 0 || offset > writeSpan[q]! - 4) {
							x.pc = pc;
							if (x.storeSlow(s, q, address, 4, r[d + 1]!)) break;
						}
						if (kind[q] === (1 satisfies typeof REGION.STACK)) {
							const o = address - stackBase;
							shadow[o >> 3] = 0;
							shadow[(o + 3) >> 3] = 0;
						}
					} else if (address >= contextStart && address < contextEnd) {
						x.pc = pc;
						x.storeContext(s, address, 4);
						break;
					}
					view.setInt32(address, r[s]!, true);
					break;
				}
				case 100 satisfies typeof OP.store_release_dw:
				case 72 satisfies typeof OP.stxdw: {
					const address = (r[d]! + a) >>> 0;
					if (checked) {
						const q = p[d]!;
						if (p[s]! < 0) {
							x.pc = pc;
							x.uninitialized(s, s);
						}
						const offset = (address - start[q]!) | 0;
						if (q <= 0 || r[d + 1] !== 0 || offset < 0 || offset > writeSpan[q]! - 8) {
							x.pc = pc;
							if (x.storeSlow(s, q, address, 8, r[d + 1]!)) break;
						}
						if (kind[q] === (1 satisfies typeof REGION.STACK)) {
							const o = address - stackBase;
							if (p[s] === 0 && (o & 7) === 0) shadow[o >> 3] = 0;
							else {
								x.pc = pc;
								x.spill(address, 8, p[s]!, q);
							}
						}
					} else if (address >= contextStart && address < contextEnd) {
						x.pc = pc;
						x.storeContext(s, address, 8);
						break;
					}
					view.setInt32(address, r[s]!, true);
					view.setInt32(address + 4, r[s + 1]!, true);
					break;
				}

				// jumps
				case 101 satisfies typeof OP.ja:
					pc = a;
					break;
				case 103 satisfies typeof OP.may_goto:
					if (x.mayGoto === 0) pc = a;
					else x.mayGoto--;
					break;
				case 104 satisfies typeof OP.jeq32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d] === r[s]) pc = a;
					break;
				case 105 satisfies typeof OP.jgt32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d]! >>> 0 > r[s]! >>> 0) pc = a;
					break;
				case 106 satisfies typeof OP.jge32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d]! >>> 0 >= r[s]! >>> 0) pc = a;
					break;
				case 107 satisfies typeof OP.jset32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if ((r[d]! & r[s]!) !== 0) pc = a;
					break;
				case 108 satisfies typeof OP.jne32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d] !== r[s]) pc = a;
					break;
				case 109 satisfies typeof OP.jsgt32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d]! > r[s]!) pc = a;
					break;
				case 110 satisfies typeof OP.jsge32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d]! >= r[s]!) pc = a;
					break;
				case 111 satisfies typeof OP.jlt32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d]! >>> 0 < r[s]! >>> 0) pc = a;
					break;
				case 112 satisfies typeof OP.jle32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d]! >>> 0 <= r[s]! >>> 0) pc = a;
					break;
				case 113 satisfies typeof OP.jslt32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d]! < r[s]!) pc = a;
					break;
				case 114 satisfies typeof OP.jsle32:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d]! <= r[s]!) pc = a;
					break;
				case 115 satisfies typeof OP.jeq64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d] === r[s] && r[d + 1] === r[s + 1]) pc = a;
					break;
				case 116 satisfies typeof OP.jgt64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d + 1] === r[s + 1] ? r[d]! >>> 0 > r[s]! >>> 0 : r[d + 1]! >>> 0 > r[s + 1]! >>> 0) pc = a;
					break;
				case 117 satisfies typeof OP.jge64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d + 1] === r[s + 1] ? r[d]! >>> 0 >= r[s]! >>> 0 : r[d + 1]! >>> 0 > r[s + 1]! >>> 0) pc = a;
					break;
				case 118 satisfies typeof OP.jset64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (((r[d]! & r[s]!) | (r[d + 1]! & r[s + 1]!)) !== 0) pc = a;
					break;
				case 119 satisfies typeof OP.jne64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d] !== r[s] || r[d + 1] !== r[s + 1]) pc = a;
					break;
				case 120 satisfies typeof OP.jsgt64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d + 1] === r[s + 1] ? r[d]! >>> 0 > r[s]! >>> 0 : r[d + 1]! > r[s + 1]!) pc = a;
					break;
				case 121 satisfies typeof OP.jsge64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d + 1] === r[s + 1] ? r[d]! >>> 0 >= r[s]! >>> 0 : r[d + 1]! > r[s + 1]!) pc = a;
					break;
				case 122 satisfies typeof OP.jlt64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d + 1] === r[s + 1] ? r[d]! >>> 0 < r[s]! >>> 0 : r[d + 1]! >>> 0 < r[s + 1]! >>> 0) pc = a;
					break;
				case 123 satisfies typeof OP.jle64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d + 1] === r[s + 1] ? r[d]! >>> 0 <= r[s]! >>> 0 : r[d + 1]! >>> 0 < r[s + 1]! >>> 0) pc = a;
					break;
				case 124 satisfies typeof OP.jslt64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d + 1] === r[s + 1] ? r[d]! >>> 0 < r[s]! >>> 0 : r[d + 1]! < r[s + 1]!) pc = a;
					break;
				case 125 satisfies typeof OP.jsle64:
					if (checked && (p[d]! | p[s]!) < 0) {
						x.pc = pc;
						x.uninitialized(d, s);
					}
					if (r[d + 1] === r[s + 1] ? r[d]! >>> 0 <= r[s]! >>> 0 : r[d + 1]! < r[s + 1]!) pc = a;
					break;

				// what leaves the straight line, or runs code that may grow memory: the loop's copies are taken anew
				case 126 satisfies typeof OP.call:
				case 127 satisfies typeof OP.call_local:
				case 128 satisfies typeof OP.call_kfunc:
				case 129 satisfies typeof OP.callx:
				case 130 satisfies typeof OP.exit:
				case 131 satisfies typeof LOWERED.TAIL_CALL:
				case 52 satisfies typeof OP.ld_abs_b:
				case 53 satisfies typeof OP.ld_abs_h:
				case 54 satisfies typeof OP.ld_abs_w:
				case 55 satisfies typeof OP.ld_ind_b:
				case 56 satisfies typeof OP.ld_ind_h:
				case 57 satisfies typeof OP.ld_ind_w:
					x.pc = pc;
					leave(x, num, d, s, a);
					if (x.finished) return left;
					({ code, pc } = x);
					({ view } = memory);
					({ start, span, writeSpan, kind } = regions);
					break;

				default:
					x.pc = pc;
					if (num >= (73 satisfies typeof OP.atomic_add32) && num <= (92 satisfies typeof OP.cmpxchg64))
						atomic(x, num, d, s, a);
					else x.invalid(num);
			}
		}
	} catch (error) {
		x.pc = pc;
		throw x.outside(error);
	}
	x.pc = pc;
	return left;
}
