import { encodeInsns, errnoName, TailhopError } from "@tailhop/core";
import { Attr, cString, type FieldValue, type Struct } from "./attr.ts";
import { ThreadCapabilities } from "./capabilities.ts";
import { cPath, Descriptor, pinError } from "./handle.ts";
import { KernelMap, type MapDefinition } from "./map.ts";
import { type Native, native } from "./native.ts";
import { KernelProgram, type LoadResult, type ProgramDefinition } from "./program.ts";
import { rejected } from "./rejected.ts";
import { BTF_INFO, BTF_LOAD, CMD, GET_ID, MAP_CREATE, OBJ, PROG_LOAD } from "./uapi.ts";

const EAGAIN = 11;
const EINVAL = 22;
const ENOSPC = 28;

/** A first log buffer: nearly every log of a rejected program fits. It grows to what the kernel says it needs. */
const LOG_SIZE = 64 << 10;
const LOG_LIMIT = 256 << 20;

/** BTF that the kernel has taken. */
export class KernelBtf extends Descriptor {
	get id(): number {
		return this.getInfo(BTF_INFO, "BTF").u32("id");
	}
}

/**
 * bpf(2) of the running kernel. All calls are synchronous; a refusal is `TailhopError` "kernel/rejected", except
 * where a method says that it returns the errno.
 */
export class Kernel {
	/** libc; for the handles. */
	readonly native: Native;
	/** Of the calling thread. */
	readonly capabilities: ThreadCapabilities;
	readonly #logLimit: number;
	#scratch = new Uint8Array(LOG_SIZE);
	#room = new Uint8Array(0);

	/** `logLimit` in bytes: of a longer log only the end is kept. */
	constructor(functions: Native, logLimit = LOG_LIMIT) {
		this.native = functions;
		this.capabilities = new ThreadCapabilities(functions);
		this.#logLimit = logLimit;
	}

	/** Possible CPUs: per-CPU maps have so many values of `roundUp(valueSize, 8)` bytes. */
	get cpus(): number {
		return this.native.cpus;
	}

	/** A structure of linux/bpf.h with these fields; pointers are given as bytes. */
	attr<Name extends string>(of: Struct<Name>, values: Partial<Record<Name, FieldValue>>): Attr<Name> {
		return new Attr(of, values, this.native.address);
	}

	/** Bytes for the kernel to write into, until the next call: zeroing new ones costs more than a test run. */
	room(size: number): Uint8Array {
		if (this.#room.length < size) this.#room = new Uint8Array(size);
		return this.#room.subarray(0, size);
	}

	/** One bpf(2) call: the result, or -errno. EAGAIN (a signal came in) is tried again, as libbpf does. */
	call<Name extends string>(command: number, attr: Attr<Name>): number {
		for (let tries = 0; ; tries++) {
			const result = this.native.bpf(command, attr.bytes, attr.size);
			if (result !== -EAGAIN || tries === 5) return result;
		}
	}

	/** BPF_MAP_CREATE. */
	createMap(definition: MapDefinition): KernelMap {
		return new KernelMap(this, this.createMapFd(definition), definition);
	}

	/** BPF_MAP_CREATE: the descriptor, which the caller must close. */
	createMapFd(definition: MapDefinition): number {
		const fd = this.call(
			CMD.MAP_CREATE,
			this.attr(MAP_CREATE, {
				map_type: definition.type,
				key_size: definition.keySize,
				value_size: definition.valueSize,
				max_entries: definition.maxEntries,
				map_flags: definition.flags,
				inner_map_fd: definition.inner?.fd,
				numa_node: definition.numaNode,
				map_name: kernelName(definition.name),
				btf_fd: definition.btf?.fd,
				btf_key_type_id: definition.keyTypeId,
				btf_value_type_id: definition.valueTypeId,
				map_extra: definition.mapExtra,
			}),
		);
		if (fd < 0) {
			const name = definition.name;
			throw rejected(
				`map ${name ?? `of type ${definition.type}`}`,
				-fd,
				name === undefined ? {} : { map: name },
			);
		}
		return fd;
	}

	/** BPF_MAP_GET_FD_BY_ID: a further reference, or -errno. */
	openMapId(id: number): number {
		return this.call(CMD.MAP_GET_FD_BY_ID, this.attr(GET_ID, { id }));
	}

	/** BPF_PROG_GET_FD_BY_ID: a further reference to a program, such as a prog array's lookup names. */
	openProgramId(id: number): KernelProgram {
		const fd = this.call(CMD.PROG_GET_FD_BY_ID, this.attr(GET_ID, { id }));
		if (fd < 0) throw rejected(`program id ${id}`, -fd);
		return new KernelProgram(this, fd, undefined);
	}

	/** BPF_OBJ_GET of a pinned map; "kernel/rejected" too where something else is pinned there. */
	openPinnedMap(path: string): KernelMap {
		const fd = this.#openPin(path, "map");
		const unread = new KernelMap(this, fd, { type: 0, keySize: 0, valueSize: 0, maxEntries: 0 });
		const { name, type, keySize, valueSize, maxEntries, flags, mapExtra } = unread.info();
		return new KernelMap(this, fd, { name, type, keySize, valueSize, maxEntries, flags, mapExtra });
	}

	/** BPF_OBJ_GET of a pinned program. */
	openPinnedProgram(path: string): KernelProgram {
		return new KernelProgram(this, this.#openPin(path, "prog"), undefined);
	}

	#openPin(path: string, kind: "map" | "prog"): number {
		const fd = this.call(CMD.OBJ_GET, this.attr(OBJ, { pathname: cPath(path) }));
		if (fd < 0) throw pinError("the opening of", path, -fd);
		// a command on the wrong kind would answer EINVAL, or something odd
		if (this.native.readLink(`/proc/self/fd/${fd}`) !== `anon_inode:bpf-${kind}`) {
			this.native.close(fd);
			throw pinError(`what is no ${kind === "map" ? "map" : "program"}:`, path, EINVAL);
		}
		return fd;
	}

	/** BPF_BTF_LOAD of a whole .BTF section. */
	loadBtf(btf: Uint8Array): KernelBtf {
		const first = this.call(CMD.BTF_LOAD, this.attr(BTF_LOAD, { btf, btf_size: btf.length }));
		if (first >= 0) return new KernelBtf(this, first);
		const { result, log } = this.#logged((log) => {
			const attr = this.attr(BTF_LOAD, {
				btf,
				btf_size: btf.length,
				btf_log_buf: log,
				btf_log_size: log.length,
				btf_log_level: 1,
			});
			return { result: this.call(CMD.BTF_LOAD, attr), need: attr.u32("btf_log_true_size") };
		});
		if (result >= 0) return new KernelBtf(this, result);
		throw rejected("the BTF", -result, {}, log);
	}

	/**
	 * BPF_PROG_LOAD. A refusal is a result, not an exception: `accepted` turns it into one.
	 * Without `log`, a program that is refused is given a second time for its log at level 1; one that is accepted
	 * costs one call (about 140 us) and has no log.
	 */
	loadProgram(definition: ProgramDefinition): LoadResult {
		const { btf } = definition;
		const insns = definition.insns instanceof Uint8Array ? definition.insns : encodeInsns(definition.insns);
		const fds = definition.maps === undefined ? undefined : fdArray(definition.maps);
		const values = {
			prog_type: definition.type,
			insn_cnt: insns.length / 8,
			insns,
			license: new TextEncoder().encode(`${definition.license ?? "GPL"}\0`),
			kern_version: definition.kernelVersion,
			prog_flags: definition.flags,
			prog_name: kernelName(definition.name),
			expected_attach_type: definition.expectedAttachType,
			prog_btf_fd: btf?.fd,
			func_info_rec_size: definition.funcInfo === undefined ? undefined : 8,
			func_info: definition.funcInfo,
			func_info_cnt: definition.funcInfo === undefined ? undefined : definition.funcInfo.length / 8,
			line_info_rec_size: definition.lineInfo === undefined ? undefined : 16,
			line_info: definition.lineInfo,
			line_info_cnt: definition.lineInfo === undefined ? undefined : definition.lineInfo.length / 16,
			attach_btf_id: definition.attachBtfId,
			attach_prog_fd: definition.attachProgFd,
			fd_array: fds,
		};

		let result = -ENOSPC;
		let log = "";
		if (definition.log === undefined || definition.log === 0) {
			result = this.call(CMD.PROG_LOAD, this.attr(PROG_LOAD, values));
		}
		if (result < 0 && definition.log !== 0) {
			({ result, log } = this.#logged((buffer) => {
				const attr = this.attr(PROG_LOAD, {
					...values,
					log_level: definition.log ?? 1,
					log_buf: buffer,
					log_size: buffer.length,
				});
				return { result: this.call(CMD.PROG_LOAD, attr), need: attr.u32("log_true_size") };
			}));
			// the log was beyond the limit, which hides the verdict
			if (result === -ENOSPC) result = this.call(CMD.PROG_LOAD, this.attr(PROG_LOAD, values));
		}
		if (result >= 0) return { ok: true, program: new KernelProgram(this, result, definition), log };
		return { ok: false, errno: -result, error: errnoName(-result), log };
	}

	/** Calls with a log buffer until the log fits. */
	#logged(call: (log: Uint8Array) => { result: number; need: number }): { result: number; log: string } {
		for (;;) {
			const buffer = this.#scratch;
			buffer[0] = 0;
			const { result, need } = call(buffer);
			if (result === -ENOSPC && buffer.length < this.#logLimit) {
				this.#scratch = new Uint8Array(Math.min(this.#logLimit, Math.max(need, 4 * buffer.length)));
				continue;
			}
			const log = cString(buffer);
			// a huge log's buffer isn't kept for the next small one
			if (buffer.length > 4 << 20) this.#scratch = new Uint8Array(LOG_SIZE);
			return { result, log };
		}
	}
}

let opening: Promise<Kernel> | undefined;

/**
 * The running kernel, opened once. Throws "kernel/unavailable" where there is no Linux, no koffi, no known syscall
 * number, or no permission.
 */
export function openKernel(): Promise<Kernel> {
	opening ??= open();
	return opening;
}

async function open(): Promise<Kernel> {
	const kernel = new Kernel(await native());
	try {
		// the cheapest thing that needs permission: an array of one byte
		kernel.createMap({ type: 2, keySize: 4, valueSize: 1, maxEntries: 1 }).close();
	} catch (cause) {
		throw new TailhopError(
			"kernel/unavailable",
			"bpf(2) is not allowed here",
			{},
			{
				hint: "Run as root, or with CAP_BPF and CAP_NET_ADMIN; containers often filter bpf(2).",
				cause,
				...(cause instanceof TailhopError && cause.detail !== undefined ? { detail: cause.detail } : {}),
			},
		);
	}
	return kernel;
}

/** The program of an accepted load; a refusal is thrown as "kernel/rejected" with the verifier's log in detail. */
export function accepted(result: LoadResult, name = "the program"): KernelProgram {
	if (result.ok) return result.program;
	throw rejected(`program ${name}`, result.errno, { program: name }, result.log);
}

/** Object names of the kernel are 15 bytes of [A-Za-z0-9_.]. */
function kernelName(name: string | undefined): string | undefined {
	return name?.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15);
}

function fdArray(maps: readonly KernelMap[]): Uint8Array {
	return new Uint8Array(Int32Array.from(maps, (map) => map.fd).buffer);
}
