export { decodeInsns, encodeInsns, INSN_SIZE } from "./bytes.ts";
export { HELPER_IDS_6_18, HELPER_NAMES, type HelperName, helperId, helperName } from "./helper-names.ts";
export { CALL, type Insn, LDDW } from "./insn.ts";
export {
	type Decoded,
	type Dialect,
	decode,
	type Fields,
	hex2,
	imm64,
	make,
	operandOf,
	opOf,
	rowsOf,
	slotsOf,
	undecodable,
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
export { ATTACH_TYPE, MAP_FLAG, MAP_TYPE, nameOf, PROG_TYPE } from "./uapi.ts";
export {
	findInvalid,
	findInvalidFields,
	secondSlots,
	targetOf,
	type ValidateOptions,
	validate,
} from "./validate.ts";
