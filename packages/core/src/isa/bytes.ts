import { TailhopError } from "../errors/index.ts";
import type { Insn } from "./insn.ts";

/** Bytes of one slot. */
export const INSN_SIZE = 8;

/** Reads slots from little-endian bytes. Throws isa/invalid when the length is not a multiple of 8. */
export function decodeInsns(bytes: Uint8Array): Insn[] {
	if (bytes.length % INSN_SIZE !== 0)
		throw new TailhopError("isa/invalid", `${bytes.length} bytes are not whole instructions of 8 bytes`, {
			offset: bytes.length - (bytes.length % INSN_SIZE),
		});
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const insns: Insn[] = [];
	for (let at = 0; at < bytes.length; at += INSN_SIZE) {
		const registers = bytes[at + 1]!;
		insns.push({
			opcode: bytes[at]!,
			dst: registers & 0xf,
			src: registers >> 4,
			off: view.getInt16(at + 2, true),
			imm: view.getInt32(at + 4, true),
		});
	}
	return insns;
}

/** The inverse of `decodeInsns`; fields are cut to their widths. */
export function encodeInsns(insns: readonly Insn[]): Uint8Array {
	const bytes = new Uint8Array(insns.length * INSN_SIZE);
	const view = new DataView(bytes.buffer);
	for (const [i, insn] of insns.entries()) {
		const at = i * INSN_SIZE;
		bytes[at] = insn.opcode;
		bytes[at + 1] = (insn.src << 4) | (insn.dst & 0xf);
		view.setInt16(at + 2, insn.off, true);
		view.setInt32(at + 4, insn.imm, true);
	}
	return bytes;
}
