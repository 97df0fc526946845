/** The running kernel as the probes of the verifier's data ask it: its BTF, its memory, small programs of any type. */
import { readFileSync } from "node:fs";
import { ATTACH_TYPE, type Btf, type Insn, PROG_TYPE, readBtf } from "@tailhop/core";
import { type Kernel, type KernelMap, openKernel } from "@tailhop/kernel";
import { call, EXIT, insn, lddw, move } from "../probe-insns.ts";

const BPF_F_SLEEPABLE = 1 << 4;
/** Bytes that one reading takes. */
const PIECE = 1 << 16;

export interface Asked {
	readonly ok: boolean;
	readonly errno: number;
	readonly log: string;
}

/** What a program type takes to be loaded, beside the code: an expected attach type, a function of the kernel's. */
export interface Way {
	readonly name: string;
	readonly type: number;
	readonly attachType: number;
	readonly attachBtfId?: number;
	readonly flags?: number;
}

export class Prober {
	readonly kernel: Kernel;
	readonly btf: Btf;
	rows = 0;
	differences = 0;

	private constructor(kernel: Kernel) {
		this.kernel = kernel;
		this.btf = readBtf(readFileSync("/sys/kernel/btf/vmlinux"));
	}

	static async open(): Promise<Prober> {
		return new Prober(await openKernel());
	}

	/** One row of a table, and what the kernel says of it; both are compared as text. */
	compare(what: string, ours: unknown, kernel: unknown): void {
		this.rows++;
		const [a, b] = [text(ours), text(kernel)];
		if (a === b) return;
		this.differences++;
		console.log(`${what}: ours ${a}, the kernel's ${b}`);
	}

	ask(
		way: Way,
		insns: readonly Insn[],
		more: { maps?: readonly KernelMap[]; license?: string; log?: number } = {},
	): Asked {
		const result = this.kernel.loadProgram({
			type: way.type,
			expectedAttachType: way.attachType,
			flags: way.flags ?? 0,
			insns,
			...(way.attachBtfId === undefined ? {} : { attachBtfId: way.attachBtfId }),
			...more,
		});
		if (result.ok) result.program.close();
		return { ok: result.ok, errno: result.ok ? 0 : result.errno, log: result.log };
	}

	btfId(kind: string, name: string): number {
		const id = this.btf.types.findIndex((type) => type.kind === kind && "name" in type && type.name === name);
		if (id < 0) throw new Error(`the kernel's BTF has no ${kind} ${name}`);
		return id;
	}

	/** A way to load each program type that this kernel lets load. */
	ways(): readonly Way[] {
		const A = ATTACH_TYPE;
		const needed: Readonly<Record<string, number>> = {
			CGROUP_SOCK: A.CGROUP_INET_SOCK_CREATE,
			SOCK_OPS: A.CGROUP_SOCK_OPS,
			CGROUP_DEVICE: A.CGROUP_DEVICE,
			CGROUP_SOCK_ADDR: A.CGROUP_INET4_CONNECT,
			CGROUP_SYSCTL: A.CGROUP_SYSCTL,
			CGROUP_SOCKOPT: A.CGROUP_SETSOCKOPT,
			SK_LOOKUP: A.SK_LOOKUP,
			NETFILTER: A.NETFILTER,
		};
		const refused = ["UNSPEC", "LIRC_MODE2", "TRACING", "STRUCT_OPS", "EXT", "LSM"];
		const plain = Object.entries(PROG_TYPE)
			.filter(([name]) => !refused.includes(name))
			.map(([name, type]): Way => {
				const flags = type === PROG_TYPE.SYSCALL ? BPF_F_SLEEPABLE : 0;
				return { name: name.toLowerCase(), type, attachType: needed[name] ?? 0, flags };
			});
		const tracing = (name: string, attachType: number, kind: string, target: string): Way => ({
			name,
			type: PROG_TYPE.TRACING,
			attachType,
			attachBtfId: this.btfId(kind, target),
		});
		return [
			...plain,
			tracing("tp_btf", A.TRACE_RAW_TP, "typedef", "btf_trace_sched_switch"),
			tracing("iter/task", A.TRACE_ITER, "func", "bpf_iter_task"),
			{
				name: "tcp_congestion_ops",
				type: PROG_TYPE.STRUCT_OPS,
				attachType: 0,
				attachBtfId: this.btfId("struct", "tcp_congestion_ops"),
			},
		];
	}

	/** The kernel's read-only data, and where it lies: a syscall program copies it out, piece by piece. */
	readOnlyData(): { readonly address: bigint; readonly bytes: Uint8Array } {
		const map = this.kernel.createMap({ type: 2, keySize: 4, valueSize: PIECE, maxEntries: 1 });
		const probeReadKernel = 113;
		const loaded = this.kernel.loadProgram({
			type: PROG_TYPE.SYSCALL,
			flags: BPF_F_SLEEPABLE,
			maps: [map],
			insns: [insn(0x79, 3, 1, 0), ...lddw(1, 6, 0), move(2, PIECE), call(probeReadKernel), EXIT],
		});
		if (!loaded.ok) throw new Error(loaded.log);
		const symbols = kernelSymbols();
		const [start, end] = ["__start_rodata", "_sinittext"].map((name) => symbols.byName.get(name));
		if (start === undefined || end === undefined) throw new Error("/proc/kallsyms doesn't show addresses");
		const pieces: Uint8Array[] = [];
		for (let at = start; at < end; at += BigInt(PIECE)) {
			const context = new Uint8Array(8);
			new DataView(context.buffer).setBigUint64(0, at, true);
			if (loaded.program.run({ context, contextOut: 0 }).retval !== 0) break;
			pieces.push((map.hostLookup(new Uint8Array(4)) as Uint8Array).slice());
		}
		loaded.program.close();
		map.close();
		return { address: start, bytes: new Uint8Array(Buffer.concat(pieces)) };
	}
}

function text(value: unknown): string {
	return typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
}

/** Functions of the kernel's own text, and all names. */
export function kernelSymbols(): {
	readonly byName: ReadonlyMap<string, bigint>;
	readonly functions: ReadonlyMap<bigint, string>;
} {
	const byName = new Map<string, bigint>();
	const functions = new Map<bigint, string>();
	for (const line of readFileSync("/proc/kallsyms", "utf8").split("\n")) {
		const [, address, kind = "", name = ""] = /^([0-9a-f]+) (.) (\S+)$/.exec(line) ?? [];
		if (address === undefined) continue;
		byName.set(name, BigInt(`0x${address}`));
		if (/[tT]/.test(kind) && !name.startsWith("__pfx_")) functions.set(BigInt(`0x${address}`), name);
	}
	return { byName, functions };
}
