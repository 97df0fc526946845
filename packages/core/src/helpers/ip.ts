import { TailhopError } from "../errors/index.ts";

/** Text to bytes, as the Environment gives addresses; anything else is "machine/invalid-input". */

function refuse(what: string, text: string, hint: string): never {
	throw new TailhopError("machine/invalid-input", `"${text}" is not ${what}`, {}, { hint });
}

/** 4 or 16 bytes of an IP address. */
export function parseIp(text: string): Uint8Array {
	return (
		parseIpv4(text) ?? parseIpv6(text) ?? refuse("an IP address", text, 'Write "10.0.0.1" or "2001:db8::1".')
	);
}

function parseIpv4(text: string): Uint8Array | undefined {
	const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
	return parts?.every((part) => part < 256) ? Uint8Array.from(parts) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
	// a dotted quad at the end is two groups
	const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
	if (dotted) {
		const quad = parseIpv4(dotted[2]!);
		if (quad === undefined) return undefined;
		const group = (at: number) => ((quad[at]! << 8) | quad[at + 1]!).toString(16);
		return parseIpv6(`${dotted[1]}${group(0)}:${group(2)}`);
	}
	const halves = text.split("::");
	if (halves.length > 2) return undefined;
	const [before, after] = halves.map((half) => (half === "" ? [] : half.split(":")));
	const given = [...before!, ...(after ?? [])];
	if (given.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
	if (after === undefined ? given.length !== 8 : given.length > 7) return undefined;
	const groups = [...before!, ...Array<string>(8 - given.length).fill("0"), ...(after ?? [])];
	return Uint8Array.from(
		groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
	);
}

export interface Prefix {
	readonly bytes: Uint8Array;
	/** Bits that count. */
	readonly length: number;
}

/** "10.0.0.0/8"; without a length the whole address counts. */
export function parsePrefix(text: string): Prefix {
	const [address, bits, ...rest] = text.split("/");
	const bytes = parseIp(address!);
	const length = bits === undefined ? bytes.length * 8 : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
	if (rest.length > 0 || length < 0 || length > bytes.length * 8)
		refuse("a prefix", text, 'Write "10.0.0.0/8" or "2001:db8::/32".');
	return { bytes, length };
}

/** 6 bytes of "02:00:00:00:00:01". */
export function parseMac(text: string): Uint8Array {
	if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text))
		refuse("a MAC address", text, 'Write "02:00:00:00:00:01".');
	return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}

export function contains({ bytes, length }: Prefix, address: Uint8Array): boolean {
	if (bytes.length !== address.length) return false;
	for (let bit = 0; bit < length; bit += 8) {
		const mask = length - bit >= 8 ? 0xff : (0xff00 >> (length - bit)) & 0xff;
		if (((bytes[bit >> 3]! ^ address[bit >> 3]!) & mask) !== 0) return false;
	}
	return true;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
