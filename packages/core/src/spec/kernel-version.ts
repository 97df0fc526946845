/** LINUX_VERSION_CODE of 6.18.0. */
export const KERNEL_VERSION = (6 << 16) | (18 << 8);
