import { TailhopError } from "../errors/index.ts";
import { type LinearMemory, MACHINE } from "../memory/index.ts";
import type { Environment } from "./types.ts";

const DEFAULTS: Environment = {
	// 1000 s after boot: late enough that programs which subtract a timeout from "now" don't underflow
	clockStart: 1_000_000_000_000n,
	clockStep: 1_000n,
	seed: 0n,
	cpus: 1,
	cpu: 0,
	fillByte: 0xa5,
	mayGoto: 8_388_608,
	routes: [],
	neighbours: [],
	interfaces: [],
};

/**
 * The deterministic world that a Machine runs in, with what the caller says put over it. Times in ns.
 * @throws TailhopError "machine/invalid-input" for a CPU outside `cpus`, or a number that its word cannot hold.
 */
export function defaultEnvironment(partial: Partial<Environment> = {}): Environment {
	const environment = { ...DEFAULTS, ...partial };
	const { cpus, cpu, fillByte, mayGoto, clockStart, clockStep } = environment;
	if (!Number.isInteger(cpus) || cpus < 1 || cpus > 8192) refuse("cpus", cpus, "1 to 8192");
	if (!Number.isInteger(cpu) || cpu < 0 || cpu >= cpus) refuse("cpu", cpu, `0 to ${cpus - 1}, below cpus`);
	if (!Number.isInteger(fillByte) || fillByte < 0 || fillByte > 255) refuse("fillByte", fillByte, "0 to 255");
	if (!Number.isInteger(mayGoto) || mayGoto < 0) refuse("mayGoto", mayGoto, "a count from 0");
	if (clockStart !== BigInt.asUintN(64, clockStart)) refuse("clockStart", clockStart, "a u64 of ns");
	if (clockStep !== BigInt.asUintN(64, clockStep)) refuse("clockStep", clockStep, "a u64 of ns");
	return environment;
}

function refuse(field: string, value: number | bigint, allowed: string): never {
	throw new TailhopError(
		"machine/invalid-input",
		`environment.${field} is ${value}`,
		{},
		{ hint: `Give ${allowed}.` },
	);
}

/** Writes the Environment's positions into the machine's words: clock, prandom and CPU start anew. */
export function initEnvironment(memory: LinearMemory, environment: Environment): void {
	memory.setU64(MACHINE.CLOCK, environment.clockStart);
	memory.setU64(MACHINE.PRANDOM, spread(environment.seed));
	memory.setU32(MACHINE.CPU, environment.cpu);
}

/** Monotonic ns now; each call moves the clock by `clockStep`. Wraps at 2^64. */
export function clock(memory: LinearMemory, environment: Environment): bigint {
	const now = memory.u64(MACHINE.CLOCK);
	// setBigUint64 takes the value modulo 2^64
	memory.setU64(MACHINE.CLOCK, now + environment.clockStep);
	return now;
}

/**
 * Next pseudo-random u32. The generator is xoroshiro64** (Blackman, Vigna: "Scrambled linear pseudorandom number
 * generators", 2018): its state is two u32 words, so that neither an engine nor a snapshot needs 64-bit arithmetic.
 */
export function random(memory: LinearMemory): number {
	const s0 = memory.u32(MACHINE.PRANDOM);
	const mixed = memory.u32(MACHINE.PRANDOM + 4) ^ s0;
	memory.setU32(MACHINE.PRANDOM, rotl(s0, 26) ^ mixed ^ (mixed << 9));
	memory.setU32(MACHINE.PRANDOM + 4, rotl(mixed, 13));
	return Math.imul(rotl(Math.imul(s0, 0x9e3779bb), 5), 5) >>> 0;
}

function rotl(x: number, by: number): number {
	return (x << by) | (x >>> (32 - by));
}

/** One step of splitmix64: seeds that differ in a bit give unlike states. The state 0 would stay 0: avoided. */
function spread(seed: bigint): bigint {
	let z = BigInt.asUintN(64, seed + 0x9e3779b97f4a7c15n);
	z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
	z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
	z ^= z >> 31n;
	return z === 0n ? 1n : z;
}
