import pc from "picocolors";

const ROW = 16;

/** Rows of 16 bytes in which two packets differ, old above new; empty where they are equal. */
export function hexDiff(before: Uint8Array, after: Uint8Array, indent: string): string[] {
	const lines: string[] = [];
	if (before.length !== after.length) lines.push(`${indent}${before.length} bytes → ${after.length} bytes`);
	const shift = shiftOf(before, after);
	if (shift !== 0) {
		lines.push(
			`${indent}${shift > 0 ? `${shift} bytes gone from the front` : `${-shift} bytes put in front`}; compared from there`,
		);
	}
	const old = shift > 0 ? before.subarray(shift) : before;
	const now = shift < 0 ? after.subarray(-shift) : after;
	if (shift < 0)
		lines.push(
			...rows(after.subarray(0, -shift), (text, at) => `${indent}${offset(at)} ${pc.green(`+ ${text}`)}`),
		);
	for (let at = 0; at < Math.max(old.length, now.length); at += ROW) {
		const a = old.subarray(at, at + ROW);
		const b = now.subarray(at, at + ROW);
		if (a.length === b.length && a.every((byte, i) => byte === b[i])) continue;
		if (a.length > 0) lines.push(`${indent}${offset(at)} ${pc.red("-")} ${rowText(a, b, pc.red)}`);
		if (b.length > 0)
			lines.push(
				`${indent}${a.length > 0 ? "    " : offset(at)} ${pc.green("+")} ${rowText(b, a, pc.green)}`,
			);
	}
	return lines;
}

/** Bytes by which the packet's start moved: positive if they went, negative if they came; 0 if unclear. */
function shiftOf(before: Uint8Array, after: Uint8Array): number {
	const shift = before.length - after.length;
	if (shift === 0) return 0;
	const [long, short] = shift > 0 ? [before, after] : [after, before];
	const moved = long.subarray(Math.abs(shift));
	const same = (a: Uint8Array, b: Uint8Array) =>
		a.reduce((count, byte, i) => count + (byte === b[i] ? 1 : 0), 0);
	return same(short, moved) > same(short, long.subarray(0, short.length)) ? shift : 0;
}

function rows(bytes: Uint8Array, line: (text: string, at: number) => string): string[] {
	const lines: string[] = [];
	for (let at = 0; at < bytes.length; at += ROW)
		lines.push(
			line(
				rowText(bytes.subarray(at, at + ROW), undefined, (text) => text),
				at,
			),
		);
	return lines;
}

function rowText(row: Uint8Array, other: Uint8Array | undefined, mark: (text: string) => string): string {
	return Array.from(row, (byte, i) => {
		const text = byte.toString(16).padStart(2, "0");
		return other !== undefined && other[i] !== byte ? mark(text) : text;
	}).join(" ");
}

function offset(at: number): string {
	return at.toString(16).padStart(4, "0");
}
