export { explain } from "./explain.ts";
export { report73 } from "./report73.ts";
export type {
	Explanation,
	Heat,
	HeatLine,
	OriginEvent,
	Place,
	RegView,
	Report as VerifyReport,
	Suggestion,
	Turn,
} from "./types.ts";
