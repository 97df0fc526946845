export { explain } from "./explain.ts";
export type {
	Explanation,
	Heat,
	HeatLine,
	OriginEvent,
	Place,
	RegView,
	Report as VerifyReport,
	Source as ExplainSource,
	Suggestion,
	Turn,
} from "./types.ts";
