export { decodeInsns, encodeInsns, INSN_SIZE } from "./bytes.ts";
export { CALL, type Insn, LDDW } from "./insn.ts";
export {
	type Decoded,
	decode,
	type Fields,
	hex2,
	imm64,
	make,
	operandOf,
	opOf,
	rowsOf,
	slotsOf,
	X,
} from "./opcode.ts";
export {
	FAMILY_FIELDS,
	type Family,
	type Field,
	OP,
	OP_NAMES,
	type Op,
	type OpOf,
	type Row,
	type RowOf,
	TABLE,
} from "./table.ts";
