import { errnoName, type LinkedObject } from "@tailhop/core";
import { expect } from "vitest";
import { bytes, hex } from "./bytes.ts";
import { sizesOf } from "./map-contents.ts";
import type { Side } from "./side.ts";
import type { Answer, LifecycleStep, RunCase, Step } from "./types.ts";

type RunStep = { readonly run: string } & RunCase;
type MapStep = Exclude<Step, RunStep | LifecycleStep>;

/** What is done between runs: the same answer on every side, and the expected one. */
export function doStep(
	sides: readonly Side[],
	linked: LinkedObject,
	step: Exclude<Step, RunStep>,
	name: string,
): void {
	if ("openMap" in step) for (const side of sides) side.openMap(step.openMap);
	else if ("closeMap" in step) for (const side of sides) side.closeMap(step.closeMap);
	else if ("pinMap" in step) for (const side of sides) side.pinMap(step.pinMap);
	else if ("unpinMap" in step) for (const side of sides) side.unpinMap(step.unpinMap);
	else if ("closeProgram" in step) for (const side of sides) side.closeProgram(step.closeProgram);
	else if ("load" in step) {
		const { load, result = 0 } = step;
		same(sides, `${name}: load of ${load}`, errnoText(result), (side) => errnoText(side.load(load)));
	} else if ("exists" in step) {
		const { exists, is } = step;
		same(sides, `${name}: ${exists} exists`, String(is), (side) => String(side.exists(exists, is)));
	} else doMapStep(sides, linked, step, name);
}

function doMapStep(sides: readonly Side[], linked: LinkedObject, step: MapStep, name: string): void {
	if ("slot" in step) {
		const [map, slot, program] = step.slot;
		same(sides, `${name}: slot`, errnoText(step.result ?? 0), (side) =>
			errnoText(side.setSlot(map, slot, program, step.mode ?? "any")),
		);
	} else if ("update" in step) {
		const { update, value, flags = 0n, result = 0 } = step;
		const sizes = sizesOf(linked, update);
		same(sides, `${name}: update`, errnoText(result), (side) =>
			errnoText(side.map(update).hostUpdate(bytes(step.key, sizes.key), bytes(value, sizes.value), flags)),
		);
	} else if ("delete" in step) {
		const key = bytes(step.key, sizesOf(linked, step.delete).key);
		same(sides, `${name}: delete`, errnoText(step.result ?? 0), (side) =>
			errnoText(side.map(step.delete).hostDelete(key)),
		);
	} else if ("freeze" in step) {
		same(sides, `${name}: freeze`, errnoText(step.result ?? 0), (side) =>
			errnoText(side.map(step.freeze).freeze()),
		);
	} else if ("nextKey" in step) {
		const sizes = sizesOf(linked, step.nextKey);
		const key = step.key === null ? null : bytes(step.key, sizes.key);
		same(sides, `${name}: next key`, answerText(step.next, sizes.key), (side) =>
			found(side.map(step.nextKey).hostNextKey(key)),
		);
	} else if ("lookupAndDelete" in step) {
		const sizes = sizesOf(linked, step.lookupAndDelete);
		same(sides, `${name}: lookup and delete`, answerText(step.value, sizes.value), (side) =>
			found(side.map(step.lookupAndDelete).hostLookupAndDelete(bytes(step.key, sizes.key))),
		);
	} else {
		const sizes = sizesOf(linked, step.lookup);
		for (const side of sides) {
			const wanted = "program" in step ? side.programId(step.program) : step.value;
			const value = found(side.map(step.lookup).hostLookup(bytes(step.key, sizes.key)));
			expect(value, `${name}: lookup on the ${side.name}`).toBe(answerText(wanted, sizes.value));
		}
	}
}

function same(sides: readonly Side[], what: string, wanted: string, answer: (side: Side) => string): void {
	for (const side of sides) expect(answer(side), `${what} on the ${side.name}`).toBe(wanted);
}

const answerText = (answer: Answer, size: number): string =>
	typeof answer === "object" && "errno" in answer
		? errnoText(-Math.abs(answer.errno))
		: hex(bytes(answer, size));

const found = (result: Uint8Array | number): string =>
	typeof result === "number" ? errnoText(result) : hex(result);

export const errnoText = (result: number): string => (result < 0 ? `-${errnoName(-result)}` : String(result));
