export type { Capabilities, LoadFlags as VerifierLoadFlags, VerifyOptions } from "./options.ts";
export type { Errno as VerifierErrno } from "./reject.ts";
export type { Verdict, VerdictStats } from "./verdict.ts";
export { verify } from "./verify.ts";
