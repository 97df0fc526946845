/** Negative errnos, as the kernel's map code answers (include/uapi/asm-generic/errno*.h; ENOTSUPP: linux/errno.h). */
export const EPERM = -1;
export const ENOENT = -2;
export const E2BIG = -7;
export const EBADF = -9;
export const EAGAIN = -11;
export const ENOMEM = -12;
export const EACCES = -13;
export const EBUSY = -16;
export const EEXIST = -17;
export const ENODEV = -19;
export const EINVAL = -22;
export const ENOSPC = -28;
export const EOVERFLOW = -75;
export const EOPNOTSUPP = -95;
export const ENOTSUPP = -524;
