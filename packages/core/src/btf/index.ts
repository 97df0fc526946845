export { BtfBuilder, type MemberInput } from "./builder.ts";
export { BTF_FUNC, BTF_INT, BTF_VAR } from "./constants.ts";
export { applyCoreRelo, describeRelo, POISON_IMM, resolveCoreRelo } from "./core.ts";
export { essentialName } from "./core-compat.ts";
export { CORE, CORE_KINDS, type CoreResolution, type CoreTarget } from "./core-types.ts";
export {
	type EntryTypes,
	encodeMapKey,
	encodeMapValue,
	formatMapKey,
	formatMapValue,
	mapValues,
} from "./entries.ts";
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
	btfName,
	declTags,
	findBtfType,
	findBtfTypes,
	isBtfKind,
	resolveType,
	sizeOf,
	skipModifiers,
	typeById,
} from "./query.ts";
export { readBtf, readBtfStrings } from "./reader.ts";
export { cDeclaration, cDefinition, typeName } from "./text.ts";
export type { Btf, BtfKind, BtfMember, BtfOf, BtfType } from "./types.ts";
export { formatText, formatValue, type JsonValue } from "./values.ts";
export { encodeValue, parsePlainValue, parseValue, type ValueInput } from "./values-parse.ts";
export { type EncodedBtf, encodeBtf, lineColumn, writeBtf, writeBtfAndExt } from "./writer.ts";
