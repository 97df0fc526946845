export { BTF_FUNC, BTF_INT, BTF_VAR } from "./constants.ts";
export {
	type BtfExt,
	type BtfExtSection,
	type CoreRelo,
	type FuncInfo,
	type LineInfoRecord,
	readBtfExt,
} from "./ext.ts";
export {
	alignOf,
	declTags,
	findAll,
	findType,
	isKind,
	nameOf,
	resolve,
	sizeOf,
	skipModifiers,
	typeById,
} from "./query.ts";
export { readBtf, readBtfStrings } from "./reader.ts";
export type { Btf, BtfKind, BtfMember, BtfOf, BtfType } from "./types.ts";
