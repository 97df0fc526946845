export { ERROR_CODES, type ErrorCode } from "./codes.ts";
export { errnoName } from "./errno.ts";
export { type ErrorData, locate, type SourceLine, TailhopError, type Where } from "./error.ts";
