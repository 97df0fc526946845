import type { Kernel } from "@tailhop/kernel";
import { type Follower, randomProgram } from "./programs.ts";

const SOCKET_FILTER = 1;

/** Loads the program of a seed and follows its log; true if the kernel takes it. What differs is in the follower. */
export function compareSeed(kernel: Kernel, follower: Follower, seed: number): boolean {
	const insns = randomProgram(seed, { length: 4 + (seed % 20), pointers: seed % 4 === 0 });
	const result = kernel.loadProgram({ type: SOCKET_FILTER, insns, log: 2 });
	if (result.ok) result.program.close();
	follower.follow(insns, result.log);
	return result.ok;
}
