import { type LinkedObject, type MachineOptions, TailhopError } from "@tailhop/core";
import { errnoName, lastLine } from "@tailhop/kernel";
import { expect, TestRunner } from "vitest";
import { buildObject } from "./build.ts";
import { bytes, hex } from "./bytes.ts";
import { emptyCounts, increase } from "./counts.ts";
import { openInterpreterSide } from "./interpreter-side.ts";
import { CPU, openKernelSide, oracle } from "./kernel-side.ts";
import { mapContents, sizesOf } from "./map-contents.ts";
import type { Outcome, Side } from "./side.ts";
import type { Bytes, Case, KernelExpectation, MapCase, RunCase, RunExpectation, Step } from "./types.ts";

export interface CheckOptions {
	/** Options of the Machine; CPUs come from the kernel where there is one. */
	readonly machine?: MachineOptions;
	readonly kernel?: KernelExpectation;
	readonly ignoreMaps?: readonly string[];
	/** What user space puts into maps before the first step. */
	readonly entries?: Readonly<Record<string, MapCase["entries"]>>;
}

/**
 * Runs one program once on every engine and, where bpf(2) is allowed, on the kernel; compares r0 (64 bits),
 * packet, context and maps, and asserts what is expected.
 *
 *     await check({ asm: "r0 = 7; exit", expect: 7 });
 *
 * Returns the interpreter's outcome, for further assertions.
 */
export async function check(test: Case): Promise<Outcome> {
	const { asm, insns, programs } = test;
	const code = asm ?? insns;
	const linked = buildObject({
		...test,
		programs: { ...(code === undefined ? {} : { [test.name ?? "main"]: code }), ...programs },
	});
	const machine = {
		...(test.environment === undefined ? {} : { environment: test.environment }),
		...(test.budget === undefined ? {} : { budget: test.budget }),
	};
	const entries = Object.fromEntries((test.maps ?? []).map((map) => [map.name, map.entries]));
	const [outcome] = await checkObject(linked, [{ ...test, run: linked.programs[0]!.name }], {
		machine,
		entries,
		...(test.kernel === undefined ? {} : { kernel: test.kernel }),
		...(test.ignoreMaps === undefined ? {} : { ignoreMaps: test.ignoreMaps }),
	});
	return outcome!;
}

/**
 * Runs steps over a whole object on every engine: programs, map operations and slot changes in order, each
 * compared and asserted; at the end all maps are compared. Returns the interpreter's outcomes of the runs.
 */
export async function checkObject(
	linked: LinkedObject,
	steps: readonly Step[],
	options: CheckOptions = {},
): Promise<Outcome[]> {
	const { kernel, why } = { why: undefined, ...(await oracle()) };
	const machine: MachineOptions = {
		...options.machine,
		environment: { cpus: kernel?.cpus ?? 1, cpu: CPU, ...options.machine?.environment },
	};
	const expected = kernelExpectation(options.kernel, steps);
	const sides: Side[] = [];
	try {
		const interpreter = await openInterpreterSide(linked, machine);
		sides.push(interpreter);
		count("engines", "interpreter");
		if (typeof expected === "object" && "cannot" in expected) count("notComparable", expected.cannot);
		else if (kernel === undefined) count("noKernel", why ?? "");
		else if (expected !== undefined) {
			await mustReject(linked, kernel, expected);
			count("rejected");
		} else {
			sides.push(await openKernelSide(linked, kernel));
			count("engines", "kernel");
		}
		for (const [map, entries = []] of Object.entries(options.entries ?? {})) {
			for (const [key, value] of entries) for (const side of sides) fill(side, linked, map, key, value);
		}
		const outcomes: Outcome[] = [];
		steps.forEach((step, index) => {
			const outcome = doStep(sides, linked, step, `step ${index + 1}`);
			if (outcome !== undefined) outcomes.push(outcome);
		});
		compareMaps(sides, linked, new Set(options.ignoreMaps ?? []));
		return outcomes;
	} finally {
		for (const side of sides) side.close();
	}
}

/** A program that faults is one that the verifier must refuse, unless the test says otherwise. */
function kernelExpectation(
	said: KernelExpectation | undefined,
	steps: readonly Step[],
): Exclude<KernelExpectation, string> | undefined {
	if (said === "rejects") return { rejects: "" };
	if (said !== undefined) return said;
	const faults = steps.some((step) => "run" in step && expectation(step).fault !== undefined);
	return faults ? { rejects: "" } : undefined;
}

async function mustReject(
	linked: LinkedObject,
	kernel: Parameters<typeof openKernelSide>[1],
	expected: Exclude<KernelExpectation, string>,
): Promise<void> {
	const error = await openKernelSide(linked, kernel).then(
		(side) => side.close(),
		(error: unknown) => error,
	);
	if (!(error instanceof TailhopError) || error.code !== "kernel/rejected") {
		throw error ?? new Error("the kernel accepts this program; it was expected to refuse it");
	}
	const { log } = error.detail ?? {};
	if ("rejects" in expected && expected.rejects !== "") {
		const line = typeof log === "string" ? (lastLine(log) ?? "") : error.message;
		expect(line, "last line of the kernel's log").toContain(expected.rejects);
	}
}

function doStep(sides: readonly Side[], linked: LinkedObject, step: Step, name: string): Outcome | undefined {
	if ("run" in step) return doRun(sides, linked, step, name);
	if ("slot" in step) {
		const [map, slot, program] = step.slot;
		same(sides, `${name}: slot`, errnoText(step.result ?? 0), (side) =>
			errnoText(side.setSlot(map, slot, program)),
		);
		return undefined;
	}
	const sizes = sizesOf(
		linked,
		"update" in step ? step.update : "delete" in step ? step.delete : step.lookup,
	);
	const key = bytes(step.key, sizes.key);
	if ("update" in step) {
		const { update, value, flags = 0n, result = 0 } = step;
		same(sides, `${name}: update`, errnoText(result), (side) =>
			errnoText(side.map(update).hostUpdate(key, bytes(value, sizes.value), flags)),
		);
	} else if ("delete" in step) {
		same(sides, `${name}: delete`, errnoText(step.result ?? 0), (side) =>
			errnoText(side.map(step.delete).hostDelete(key)),
		);
	} else {
		const { value } = step;
		const wanted =
			typeof value === "object" && "errno" in value
				? errnoText(-Math.abs(value.errno))
				: hex(bytes(value, sizes.value));
		same(sides, `${name}: lookup`, wanted, (side) => {
			const found = side.map(step.lookup).hostLookup(key);
			return typeof found === "number" ? errnoText(found) : hex(found);
		});
	}
	return undefined;
}

/** The same answer on every side, and the expected one. */
function same(sides: readonly Side[], what: string, wanted: string, answer: (side: Side) => string): void {
	for (const side of sides) expect(answer(side), `${what} on the ${side.name}`).toBe(wanted);
}

function doRun(
	sides: readonly Side[],
	linked: LinkedObject,
	step: { readonly run: string } & RunCase,
	name: string,
): Outcome {
	const input = {
		packet: step.packet === undefined ? new Uint8Array(64) : bytes(step.packet, 8),
		...(step.context === undefined ? {} : { context: step.context }),
		...(step.contextBytes === undefined ? {} : { contextBytes: step.contextBytes }),
	};
	const wanted = expectation(step);
	const outcomes = sides.map((side) => side.run(step.run, input));
	const [first, ...others] = outcomes;
	// what the test says first: it reads better than a difference between engines
	for (const [index, side] of sides.entries()) {
		assertOutcome(outcomes[index]!, wanted, `${name}: ${step.run} on the ${side.name}`);
		for (const [map, entries] of Object.entries(wanted.maps ?? {})) {
			const sizes = sizesOf(linked, map);
			const sorted = entries.map(
				([key, value]) => `${hex(bytes(key, sizes.key))} = ${hex(bytes(value, sizes.value))}`,
			);
			expect(mapContents(side, linked, map), `${name}: map ${map} on the ${side.name}`).toEqual(
				sorted.sort(),
			);
		}
	}
	for (const other of others) {
		expect(comparable(other), `${name}: ${step.run}, kernel (received) against interpreter`).toEqual(
			comparable(first!),
		);
	}
	return first!;
}

function assertOutcome(outcome: Outcome, wanted: RunExpectation, what: string): void {
	if (wanted.fault !== undefined) {
		expect(outcome, what).toMatchObject({ kind: "fault", code: wanted.fault });
		return;
	}
	if (wanted.refused !== undefined) {
		expect(outcome, what).toEqual({ kind: "refused", errno: wanted.refused });
		return;
	}
	// a fault's message is the best explanation of "it did not run"
	if (outcome.kind === "fault") throw new Error(`${what}: ${outcome.code}: ${outcome.message}`);
	if (outcome.kind === "refused")
		throw new Error(`${what}: the input was refused: ${errnoName(outcome.errno)}`);
	if (wanted.r0 !== undefined) {
		expect(`0x${outcome.r0.toString(16)}`, `${what}: r0`).toBe(
			`0x${BigInt.asUintN(64, BigInt(wanted.r0)).toString(16)}`,
		);
	}
	if (wanted.verdict !== undefined) expect(outcome.verdict, `${what}: verdict`).toBe(wanted.verdict);
	if (wanted.packet !== undefined) {
		expect(hex(outcome.packet), `${what}: packet`).toBe(hex(bytes(wanted.packet, 8)));
	}
	if (wanted.context !== undefined) expect(outcome.context, `${what}: context`).toMatchObject(wanted.context);
	if (wanted.hops !== undefined && outcome.hops !== undefined) {
		expect(outcome.hops, `${what}: hops`).toEqual(wanted.hops);
	}
}

function expectation({ expect: wanted = {} }: RunCase): RunExpectation {
	return typeof wanted === "object" ? wanted : { r0: wanted };
}

/** An outcome without what only one engine shows; numbers as text that reads in a diff. */
function comparable(outcome: Outcome): object {
	if (outcome.kind !== "ran") return outcome;
	return {
		verdict: outcome.verdict,
		r0: `0x${outcome.r0.toString(16)}`,
		packet: hex(outcome.packet),
		contextBytes: hex(outcome.contextBytes),
	};
}

function compareMaps(sides: readonly Side[], linked: LinkedObject, ignored: ReadonlySet<string>): void {
	const [first, ...others] = sides;
	for (const { name } of linked.maps) {
		if (ignored.has(name)) continue;
		for (const other of others) {
			expect(mapContents(other, linked, name), `map ${name}, kernel (received) against interpreter`).toEqual(
				mapContents(first!, linked, name),
			);
		}
	}
}

function fill(side: Side, linked: LinkedObject, map: string, key: Bytes, value: Bytes): void {
	const sizes = sizesOf(linked, map);
	const result = side.map(map).hostUpdate(bytes(key, sizes.key), bytes(value, sizes.value), 0n);
	expect(errnoText(result), `entry of ${map} on the ${side.name}`).toBe("0");
}

const errnoText = (result: number): string => (result < 0 ? `-${errnoName(-result)}` : String(result));

/** Counts on the running test; outside of one (a benchmark, a script) nobody reads it. */
function count(what: "engines" | "notComparable" | "noKernel", key: string): void;
function count(what: "rejected"): void;
function count(what: "engines" | "notComparable" | "noKernel" | "rejected", key = ""): void {
	const test = TestRunner.getCurrentTest();
	if (test === undefined) return;
	test.meta.cases ??= emptyCounts();
	if (what === "rejected") test.meta.cases.rejected++;
	else increase(test.meta.cases[what], key);
}
