import { MAP_FLAG } from "../isa/index.ts";
import { BaseMap } from "./base.ts";
import { EINVAL, ENOMEM } from "./errno.ts";
import { ACCESS } from "./flags.ts";
import type { MapContext, MapKind } from "./kind.ts";
import { HEADER_SIZE, QUEUE } from "./layout.ts";

/**
 * queue and stack: kernel/bpf/queue_stack_maps.c. They have no keys: the host passes an empty one, and update is
 * push, lookup is peek, lookup-and-delete is pop.
 */
class QueueMap extends BaseMap {
	readonly #stack: number;

	constructor(context: MapContext, stack: boolean) {
		super(context);
		this.#stack = stack ? 1 : 0;
	}

	/** The verifier refuses element helpers. */
	push(valuePtr: number, flags: number): number {
		return this.code.queuePush(this.address, valuePtr, flags);
	}

	pop(valuePtr: number): number {
		return this.code.queueGet(this.address, valuePtr, this.#stack, 1);
	}

	peek(valuePtr: number): number {
		return this.code.queueGet(this.address, valuePtr, this.#stack, 0);
	}

	protected override getFromHost(_key: number, room: number): number {
		return this.peek(room) || room;
	}

	protected override putFromHost(_key: number, value: number, flags: number): number {
		return this.push(value, flags);
	}

	protected override takeFromHost(_key: number, into: number): number {
		return this.pop(into);
	}

	protected override nextFromHost(): number {
		return EINVAL;
	}

	/** From the oldest to the newest, with empty keys; nothing is taken out. */
	override *hostEntries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
		const { memory } = this.runtime;
		const { maxEntries, valueSize } = this.def;
		const word = (offset: number) => memory.u32(this.address + offset);
		const [head, tail, data] = [word(QUEUE.HEAD), word(QUEUE.TAIL), word(QUEUE.DATA)];
		for (let at = tail; at !== head; at = at === maxEntries ? 0 : at + 1)
			yield [new Uint8Array(), memory.read(data + at * valueSize, valueSize)];
	}
}

function queueKind(type: number, name: string, stack: boolean): MapKind {
	return {
		type,
		name,
		flags: ACCESS | MAP_FLAG.NUMA_NODE,
		check: (def) => (def.maxEntries === 0 || def.keySize !== 0 || def.valueSize === 0 ? EINVAL : 0),
		controlNeed: () => HEADER_SIZE,
		setup: ({ def }) => ((def.maxEntries + 1) * def.valueSize > 0xf0000000 ? ENOMEM : 0),
		open: (context) => new QueueMap(context, stack),
	};
}

export const queue = queueKind(22, "queue", false);
export const stack = queueKind(23, "stack", true);
