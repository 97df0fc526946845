import { errnoName, type LinkedObject, type MachineOptions, TailhopError } from "@tailhop/core";
import { lastLine } from "@tailhop/kernel";
import { expect, TestRunner } from "vitest";
import { buildObject } from "./build.ts";
import { bytes, hex } from "./bytes.ts";
import { type Counts, emptyCounts, increase } from "./counts.ts";
import { dataThrough, eventLines } from "./events.ts";
import { openInterpreterSide } from "./interpreter-side.ts";
import { CPU, openKernelSide, oracle } from "./kernel-side.ts";
import { mapContents, sizesOf } from "./map-contents.ts";
import { type Outcome, refusal, type Side } from "./side.ts";
import { doStep, errnoText } from "./steps.ts";
import type { Bytes, Case, KernelExpectation, MapCase, RunCase, RunExpectation, Step } from "./types.ts";

export interface CheckOptions {
	/** Options of the Machine; CPUs come from the kernel where there is one. */
	readonly machine?: MachineOptions;
	readonly kernel?: KernelExpectation;
	readonly ignoreMaps?: readonly string[];
	/** Programs that are not loaded with the object: a `load` step does. */
	readonly later?: readonly string[];
	/** What user space puts into maps before the first step. */
	readonly entries?: Readonly<Record<string, MapCase["entries"]>>;
}

/**
 * Runs one program once on every engine and, where bpf(2) is allowed, on the kernel; compares r0 (64 bits),
 * packet, context, events and maps, and asserts what is expected.
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
	const later = new Set(options.later ?? []);
	const machine: MachineOptions = {
		lifecycle: "kernel",
		...options.machine,
		environment: { cpus: kernel?.cpus ?? 1, cpu: CPU, ...options.machine?.environment },
	};
	const expected = kernelExpectation(options.kernel, steps);
	const sides: Side[] = [];
	try {
		const interpreter = await openInterpreterSide(linked, machine, later);
		sides.push(interpreter);
		count("engines", "interpreter");
		// faults are the checked interpreter's: compiled code checks regions only
		if (expected === undefined || "cannot" in expected) {
			const wasm = await openInterpreterSide(linked, { ...machine, engine: "wasm" }, later);
			if (wasm.notCompiled === undefined) {
				sides.push(wasm);
				count("engines", "wasm");
			} else {
				count("notComparable", `not compiled: ${wasm.notCompiled}`);
				wasm.close();
			}
		}
		if (typeof expected === "object" && "cannot" in expected) count("notComparable", expected.cannot);
		else if (kernel === undefined) count("noKernel", why ?? "");
		else if (expected !== undefined) {
			await mustReject(linked, kernel, expected);
			count("rejected");
		} else {
			sides.push(await openKernelSide(linked, kernel, later, machine.perfReaders));
			count("engines", "kernel");
			// what the kernel has loaded our verifier accepts, too
			expect(sides.find(({ name }) => name === "wasm")?.notVerified).toBeUndefined();
		}
		for (const [map, entries = []] of Object.entries(options.entries ?? {})) {
			for (const [key, value] of entries) for (const side of sides) fill(side, linked, map, key, value);
		}
		const outcomes: Outcome[] = [];
		steps.forEach((step, index) => {
			const name = `step ${index + 1}`;
			if ("run" in step) outcomes.push(doRun(sides, linked, step, name));
			else doStep(sides, linked, step, name);
		});
		// a map without a descriptor cannot be looked into
		const closed = steps.flatMap((step) => ("closeMap" in step ? [step.closeMap] : []));
		compareMaps(sides, linked, new Set([...(options.ignoreMaps ?? []), ...closed]));
		if (sides.some((side) => side.name === "kernel")) countHelpers(linked);
		return outcomes;
	} finally {
		for (const side of sides) side.close();
	}
}

/**
 * Makes an object's maps and loads its programs on every engine: `result` is 0 or -errno.
 *
 *     await checkLoad(buildObject({ maps: [{ name: "jumps", type: "prog_array", keySize: 8 }], programs: {} }), -22);
 */
export async function checkLoad(linked: LinkedObject, result: number): Promise<void> {
	const { kernel, why } = { why: undefined, ...(await oracle()) };
	const answerOf = async (side: Promise<Side>) => {
		try {
			(await side).close();
			return 0;
		} catch (error) {
			return refusal(error);
		}
	};
	const machine: MachineOptions = { lifecycle: "kernel", environment: { cpus: kernel?.cpus ?? 1, cpu: CPU } };
	count("engines", "interpreter");
	const interpreted = await answerOf(openInterpreterSide(linked, machine));
	expect(errnoText(interpreted), "loading on the interpreter").toBe(errnoText(result));
	if (kernel === undefined) {
		count("noKernel", why ?? "");
		return;
	}
	count("engines", "kernel");
	const loaded = await answerOf(openKernelSide(linked, kernel));
	expect(errnoText(loaded), "loading on the kernel").toBe(errnoText(result));
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
		if (other.kind === "ran") count("events", other.output.length);
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
	for (const [map, data] of Object.entries(wanted.output ?? {})) {
		const { found, wanted } = dataThrough(outcome.output, map, data);
		expect(found, `${what}: output through ${map}`).toEqual(wanted);
	}
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
		output: eventLines(outcome.output),
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

/** What docs/parity.md says of how a helper was checked comes from here. */
function countHelpers({ programs }: LinkedObject): void {
	const calls = programs.flatMap(({ type, helpers }) => helpers.map((id) => `${type} ${id}`));
	for (const key of new Set(calls)) count("helpers", key);
}

/** Counts on the running test; outside of one (a benchmark, a script) nobody reads it. */
function count(what: "engines" | "notComparable" | "noKernel" | "helpers", key: string): void;
function count(what: "rejected" | "events", by?: number): void;
function count(what: keyof Counts, by: string | number = 1): void {
	const test = TestRunner.getCurrentTest();
	if (test === undefined) return;
	test.meta.cases ??= emptyCounts();
	const { cases } = test.meta;
	if (what === "rejected" || what === "events") cases[what] += Number(by);
	else increase(cases[what], String(by));
}
