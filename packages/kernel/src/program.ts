import type { Insn } from "@tailhop/core";
import { Descriptor } from "./handle.ts";
import type { Kernel, KernelBtf } from "./kernel.ts";
import type { KernelMap } from "./map.ts";
import { rejected } from "./rejected.ts";
import { CMD, PROG_INFO, TEST_RUN } from "./uapi.ts";

/** Fields of BPF_PROG_LOAD. */
export interface ProgramDefinition {
	/** BPF_PROG_TYPE_*. */
	readonly type: number;
	/** Maps are named by index: BPF_PSEUDO_MAP_IDX or BPF_PSEUDO_MAP_IDX_VALUE, imm = index in `maps`. */
	readonly insns: readonly Insn[] | Uint8Array;
	readonly maps?: readonly KernelMap[];
	readonly name?: string;
	/** Default "GPL". */
	readonly license?: string;
	readonly expectedAttachType?: number;
	/** BPF_F_* of BPF_PROG_LOAD. */
	readonly flags?: number;
	readonly kernelVersion?: number;
	readonly btf?: KernelBtf;
	/** struct bpf_func_info records: instruction, BTF id of the FUNC. */
	readonly funcInfo?: Uint8Array;
	/** struct bpf_line_info records: instruction, file and line as string offsets, line << 10 | column. */
	readonly lineInfo?: Uint8Array;
	readonly attachBtfId?: number;
	readonly attachProgFd?: number;
	/** Level of the verifier's log: 1 brief, 2 every state, 4 statistics. Absent: 1, only for a program that is refused. 0: none. */
	readonly log?: number;
}

export type LoadResult =
	| { readonly ok: true; readonly program: KernelProgram; readonly log: string }
	| { readonly ok: false; readonly errno: number; readonly error: string; readonly log: string };

/** Fields of BPF_PROG_TEST_RUN. */
export interface TestRunInput {
	readonly data?: Uint8Array;
	readonly context?: Uint8Array;
	/** Default: the size of `context`. */
	readonly contextOut?: number;
	readonly repeat?: number;
	/** BPF_F_TEST_*. */
	readonly flags?: number;
	readonly cpu?: number;
	readonly batchSize?: number;
}

export interface TestRunOutput {
	/** r0's low 32 bits. */
	readonly retval: number;
	readonly data: Uint8Array;
	readonly context: Uint8Array;
	/** Mean of one run in ns, over `repeat` runs. */
	readonly duration: number;
}

export interface ProgramInfo {
	readonly id: number;
	readonly type: number;
	readonly name: string;
	readonly tag: string;
	/** Bytes of machine code; 0 = the kernel's interpreter runs it. */
	readonly jitedLength: number;
	/** Bytes of the program as the verifier left it. */
	readonly xlatedLength: number;
	/** Instructions that the verifier walked. */
	readonly verifiedInsns: number;
	/** Ids of the maps that it uses. */
	readonly mapIds: readonly number[];
	/** Of its BTF; 0 = none. */
	readonly btfId: number;
	/** Bytes of machine code of each function, the main one first. */
	readonly jitedFunctions: readonly number[];
	/** When it was loaded: CLOCK_BOOTTIME, ns. */
	readonly loadTime: bigint;
	readonly gplCompatible: boolean;
	/** Records of func_info and line_info that the kernel holds for it. */
	readonly funcInfoCount: number;
	readonly lineInfoCount: number;
}

/** How much a program may add to its packet: skb_change_head adds up to 64 KiB a call, more than once to GSO packets. */
const ROOM = 512 << 10;

/** A program of the kernel. */
const EINVAL = 22;
const INPUT_HINT = "The interpreter says what 6.18 does not take of the same packet and context.";

export class KernelProgram extends Descriptor {
	/** Absent for a program that was opened by its id. */
	readonly definition: ProgramDefinition | undefined;

	constructor(kernel: Kernel, fd: number, definition: ProgramDefinition | undefined) {
		super(kernel, fd);
		this.definition = definition;
	}

	/** As `bpftool prog` shows it. */
	get id(): number {
		return this.getInfo(PROG_INFO, "program", {}).u32("id");
	}

	/** BPF_PROG_TEST_RUN, or -errno: EINVAL for an input that the kernel refuses, ENOTSUPP for a type without test runs. */
	tryRun(input: TestRunInput = {}): TestRunOutput | number {
		const { data, context } = input;
		const dataOut = data === undefined ? undefined : this.kernel.room(data.length + ROOM);
		const contextSize = input.contextOut ?? context?.length ?? 0;
		const contextOut = contextSize === 0 ? undefined : new Uint8Array(contextSize);
		const attr = this.kernel.attr(TEST_RUN, {
			prog_fd: this.fd,
			data_in: data,
			data_size_in: data?.length,
			data_out: dataOut,
			data_size_out: dataOut?.length,
			ctx_in: context,
			ctx_size_in: context?.length,
			ctx_out: contextOut,
			ctx_size_out: contextOut?.length,
			repeat: input.repeat,
			flags: input.flags,
			cpu: input.cpu,
			batch_size: input.batchSize,
		});
		const result = this.kernel.call(CMD.PROG_TEST_RUN, attr);
		if (result < 0) return result;
		return {
			retval: attr.u32("retval"),
			data: dataOut?.slice(0, attr.u32("data_size_out")) ?? new Uint8Array(),
			context: contextOut?.subarray(0, attr.u32("ctx_size_out")) ?? new Uint8Array(),
			duration: attr.u32("duration"),
		};
	}

	/** BPF_PROG_TEST_RUN. */
	run(input: TestRunInput = {}): TestRunOutput {
		const output = this.tryRun(input);
		if (typeof output !== "number") return output;
		const name = this.definition?.name;
		const where = name === undefined ? {} : { program: name };
		throw rejected("the test run", -output, where, "", -output === EINVAL ? INPUT_HINT : undefined);
	}

	info(): ProgramInfo {
		const counts = this.getInfo(PROG_INFO, "program");
		const mapIds = new Uint32Array(counts.u32("nr_map_ids"));
		const lengths = new Uint32Array(counts.u32("nr_jited_func_lens"));
		const info = this.getInfo(PROG_INFO, "program", {
			nr_map_ids: mapIds.length,
			map_ids: new Uint8Array(mapIds.buffer),
			nr_jited_func_lens: lengths.length,
			jited_func_lens: new Uint8Array(lengths.buffer),
		});
		return {
			id: info.u32("id"),
			type: info.u32("type"),
			name: info.text("name"),
			tag: Buffer.from(info.bytes.subarray(8, 16)).toString("hex"),
			jitedLength: info.u32("jited_prog_len"),
			xlatedLength: info.u32("xlated_prog_len"),
			verifiedInsns: info.u32("verified_insns"),
			mapIds: [...mapIds],
			btfId: info.u32("btf_id"),
			jitedFunctions: [...lengths],
			loadTime: info.u64("load_time"),
			gplCompatible: (info.u32("gpl_compatible") & 1) !== 0,
			funcInfoCount: info.u32("nr_func_info"),
			lineInfoCount: info.u32("nr_line_info"),
		};
	}

	/** The instructions as the verifier left them: context accesses converted, helpers inlined, dead code gone. */
	xlated(): Uint8Array {
		const insns = new Uint8Array(this.info().xlatedLength);
		this.getInfo(PROG_INFO, "program", { xlated_prog_insns: insns, xlated_prog_len: insns.length });
		return insns;
	}
}
