/** One captured packet. */
export interface CapturedPacket {
	/** Nanoseconds since 1970 (or since whatever the capture counts from); 0 where the file has no time. */
	readonly timestampNs: bigint;
	/** What was captured: a view of the file's bytes, not a copy. */
	readonly data: Uint8Array;
	/** Length on the wire; `data` is shorter where the capture was cut. */
	readonly originalLength: number;
	/** LINKTYPE of the interface that it came from. */
	readonly linktype: number;
	/** Index of that interface in its pcapng section; 0 in a pcap file. */
	readonly interface: number;
}

/** A capture file. */
export interface Capture {
	readonly format: "pcap" | "pcapng";
	/** LINKTYPE of the file or of its first interface. */
	readonly linktype: number;
	/**
	 * The packets in the order of the file, read as they are asked for; every iteration starts anew. Damage further
	 * on throws when it is reached, so that what stands before it can be used.
	 */
	readonly packets: Iterable<CapturedPacket>;
}

/** https://www.ietf.org/archive/id/draft-ietf-opsawg-pcaplinktype: those that network programs meet. */
export const LINKTYPE = {
	NULL: 0,
	ETHERNET: 1,
	RAW: 101,
	LINUX_SLL: 113,
	IPV4: 228,
	IPV6: 229,
	LINUX_SLL2: 276,
} as const;

const NAMES: ReadonlyMap<number, string> = /* @__PURE__ */ new Map(
	/* @__PURE__ */ Object.entries(LINKTYPE).map(([name, value]) => [value, name]),
);

/** "ETHERNET (1)", "147". */
export function linktypeName(linktype: number): string {
	const name = NAMES.get(linktype);
	return name === undefined ? `${linktype}` : `${name} (${linktype})`;
}
