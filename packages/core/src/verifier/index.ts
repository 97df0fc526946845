export type {
	Explanation,
	Heat,
	HeatLine,
	OriginEvent,
	Place,
	RegView,
	Suggestion,
	Turn,
	VerifyReport,
} from "./explain/index.ts";
export { explain, report73 } from "./explain/index.ts";
export type { WalkObserver } from "./observer.ts";
export type { Capabilities, LoadFlags as VerifierLoadFlags, VerifyOptions } from "./options.ts";
export type { Errno as VerifierErrno } from "./reject.ts";
export type { Verdict, VerdictStats } from "./verdict.ts";
export { verify } from "./verify.ts";
