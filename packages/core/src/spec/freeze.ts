/**
 * Freezes plain data to the ground and returns it. What is frozen already is taken to be so all the way down; typed
 * arrays and sets, which JavaScript cannot freeze, are left as they are.
 */
export function deepFreeze<T>(value: T): T {
	const work: unknown[] = [value];
	while (work.length > 0) {
		const next = work.pop();
		if (typeof next !== "object" || next === null || Object.isFrozen(next)) continue;
		if (ArrayBuffer.isView(next) || next instanceof Set || next instanceof Map) continue;
		Object.freeze(next);
		for (const inner of Object.values(next))
			if (typeof inner === "object" && inner !== null) work.push(inner);
	}
	return value;
}
