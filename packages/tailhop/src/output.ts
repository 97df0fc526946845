import { writeSync } from "node:fs";

/** Writes all of it, also to a pipe whose reader is slow or gone. */
function write(fd: 1 | 2, text: string): void {
	const bytes = Buffer.from(text);
	let at = 0;
	while (at < bytes.length) {
		try {
			at += writeSync(fd, bytes, at);
		} catch (error) {
			const code = error instanceof Error && "code" in error ? error.code : undefined;
			if (code === "EAGAIN") continue;
			if (code === "EPIPE") process.exit(0);
			throw error;
		}
	}
}

export function printLine(line = ""): void {
	write(1, `${line}\n`);
}

export function printError(line: string): void {
	write(2, `${line}\n`);
}

/** JSON with bigints as decimal strings where they may pass 2^53, bytes as hex. */
export function toJson(value: unknown): string {
	return JSON.stringify(value, (_key, each) => {
		if (typeof each === "bigint") return Number.isSafeInteger(Number(each)) ? Number(each) : String(each);
		if (each instanceof Uint8Array) return hex(each);
		return each;
	});
}

export function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
