import { TailhopError } from "@tailhop/core";
import type { Attr, FieldValue, Struct } from "./attr.ts";
import type { Kernel } from "./kernel.ts";
import { rejected } from "./rejected.ts";
import { CMD, GET_INFO, OBJ } from "./uapi.ts";

/** A file descriptor of a kernel object. Open until `close`, or the end of a `using` block; nothing else closes it. */
export class Descriptor {
	readonly kernel: Kernel;
	#fd: number;

	constructor(kernel: Kernel, fd: number) {
		this.kernel = kernel;
		this.#fd = fd;
	}

	/** Throws "machine/closed" afterwards: the number may be somebody else's by then. */
	get fd(): number {
		if (this.#fd < 0) {
			throw new TailhopError(
				"machine/closed",
				"this kernel handle was closed",
				{},
				{
					hint: "Keep the handle open as long as something uses it.",
				},
			);
		}
		return this.#fd;
	}

	get closed(): boolean {
		return this.#fd < 0;
	}

	/**
	 * BPF_OBJ_PIN: a name in a bpffs (usually /sys/fs/bpf), which is one more reference until `unpin`.
	 * Throws "kernel/rejected": EPERM or EINVAL where the folder is in no bpffs, EEXIST, ENOENT.
	 */
	pin(path: string): void {
		const attr = this.kernel.attr(OBJ, { pathname: cPath(path), bpf_fd: this.fd });
		const result = this.kernel.call(CMD.OBJ_PIN, attr);
		if (result < 0) throw pinError("the pin", path, -result);
	}

	/** Removes a pin of this or of any other object. */
	unpin(path: string): void {
		const result = this.kernel.native.unlink(path);
		if (result < 0) throw pinError("the removal of the pin", path, -result);
	}

	/** BPF_OBJ_GET_INFO_BY_FD. `values` say where the kernel shall put what does not fit in the structure. */
	protected getInfo<Name extends string>(
		of: Struct<Name>,
		what: string,
		values: Partial<Record<Name, FieldValue>> = {},
	): Attr<Name> {
		const info = this.kernel.attr(of, values);
		const result = this.kernel.call(
			CMD.OBJ_GET_INFO_BY_FD,
			this.kernel.attr(GET_INFO, { bpf_fd: this.fd, info_len: info.size, info: info.bytes }),
		);
		if (result < 0) throw rejected(`the ${what}'s info`, -result);
		return info;
	}

	close(): void {
		if (this.#fd < 0) return;
		this.kernel.native.close(this.#fd);
		this.#fd = -1;
	}

	[Symbol.dispose](): void {
		this.close();
	}
}

export function cPath(path: string): Uint8Array {
	return new TextEncoder().encode(`${path}\0`);
}

export function pinError(what: string, path: string, errno: number): TailhopError {
	const hint = "Pins live in a bpffs that root may write: mount -t bpf bpf /sys/fs/bpf.";
	return rejected(`${what} ${path}`, errno, {}, "", hint);
}
