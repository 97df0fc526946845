import { TailhopError } from "@tailhop/core";
import type { Kernel } from "./kernel.ts";

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

	close(): void {
		if (this.#fd < 0) return;
		this.kernel.native.close(this.#fd);
		this.#fd = -1;
	}

	[Symbol.dispose](): void {
		this.close();
	}
}
