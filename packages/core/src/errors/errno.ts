/** Names of the errno values that bpf(2) answers with (asm-generic/errno*.h, and the kernel's own ENOTSUPP). */
const NAMES: Readonly<Record<number, string>> = {
	1: "EPERM",
	2: "ENOENT",
	3: "ESRCH",
	4: "EINTR",
	7: "E2BIG",
	9: "EBADF",
	11: "EAGAIN",
	12: "ENOMEM",
	13: "EACCES",
	14: "EFAULT",
	16: "EBUSY",
	17: "EEXIST",
	19: "ENODEV",
	22: "EINVAL",
	24: "EMFILE",
	28: "ENOSPC",
	33: "EDOM",
	34: "ERANGE",
	36: "ENAMETOOLONG",
	38: "ENOSYS",
	40: "ELOOP",
	71: "EPROTO",
	75: "EOVERFLOW",
	90: "EMSGSIZE",
	95: "EOPNOTSUPP",
	105: "ENOBUFS",
	110: "ETIMEDOUT",
	524: "ENOTSUPP",
};

/** "EINVAL"; "errno N" for one that bpf(2) has no use for. */
export const errnoName = (errno: number): string => NAMES[errno] ?? `errno ${errno}`;
