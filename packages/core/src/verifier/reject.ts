/** Names of the errno values that a verdict can have. */
export type Errno =
	| "E2BIG"
	| "EACCES"
	| "EBADF"
	| "EBUSY"
	| "EFAULT"
	| "EINVAL"
	| "ENOENT"
	| "ENOMEM"
	| "ENOTSUPP"
	| "EOPNOTSUPP"
	| "EPERM"
	| "EPROTO"
	| "EEXIST";

/** Ends a verification: the program is refused; what there is to say stands in the log already. Never leaves the layer. */
export class Rejection extends Error {
	readonly errno: Errno;
	constructor(errno: Errno) {
		super(errno);
		this.errno = errno;
	}
}

/** Ends a verification without a verdict: the program needs a rule that this verifier does not have. */
export class NotModelled extends Error {
	/** What is missing, in a few words: "arena", "kfunc bpf_rbtree_add". */
	readonly what: string;
	constructor(what: string) {
		super(what);
		this.what = what;
	}
}
