/** Error numbers that helpers answer with, negative as a program sees them (uapi/asm-generic/errno*.h). */
export const EPERM = -1;
export const ENOENT = -2;
export const E2BIG = -7;
export const EAGAIN = -11;
export const ENOMEM = -12;
export const EACCES = -13;
export const EFAULT = -14;
export const EBUSY = -16;
export const EEXIST = -17;
export const ENODEV = -19;
export const EINVAL = -22;
export const ENOSPC = -28;
export const ERANGE = -34;
export const EPROTO = -71;
export const EBADMSG = -74;
export const EPROTONOSUPPORT = -93;
export const EOPNOTSUPP = -95;
export const EAFNOSUPPORT = -97;
export const EALREADY = -114;
/** The kernel's own (include/linux/errno.h); not an errno of POSIX. */
export const ENOTSUPP = -524;
