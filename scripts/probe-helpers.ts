/**
 * Asks the running kernel what the helper tables of core say of 6.18, and prints every difference:
 *
 *   node scripts/run-ts.mjs scripts/probe-helpers.ts            which types may call what, GPL, arguments
 *   node scripts/run-ts.mjs scripts/probe-helpers.ts --print    the tables of helpers/allowed.ts anew
 *
 * Programs are only loaded. Exit status 1: something differs.
 */
import {
	type ArgKind,
	type HelperPrototype,
	helpersAllowed,
	type Insn,
	PROTOTYPES,
	prototypeFor,
} from "@tailhop/core";
import { type Kernel, type KernelMap, lastLine, openKernel } from "@tailhop/kernel";
import { ALLOWED_BY_ATTACH_TYPE, ALLOWED_BY_TYPE } from "../packages/core/src/helpers/allowed.ts";
import { add, call, copy, EXIT, insn, lddw, move } from "./probe-insns.ts";

const LAST_ID = 211;
const SYSCALL = 31;
const BPF_F_SLEEPABLE = 1 << 4;
/** An expected attach type for types that need one; others take 0. */
const ATTACH_TYPE: Readonly<Record<number, number>> = {
	9: 2,
	13: 3,
	15: 6,
	18: 10,
	23: 18,
	25: 22,
	30: 36,
	32: 45,
};

/** Types that a program is loaded as without more ado: not tracing and struct_ops (see probe-verifier-data.ts). */
const TYPES = Object.keys(ALLOWED_BY_TYPE)
	.map(Number)
	.filter((type) => type !== 26 && type !== 27);

class Prober {
	readonly kernel: Kernel;
	readonly map: KernelMap;
	differences = 0;

	constructor(kernel: Kernel) {
		this.kernel = kernel;
		this.map = kernel.createMap({ type: 1, keySize: 8, valueSize: 8, maxEntries: 1 });
	}

	differs(text: string): void {
		this.differences++;
		console.log(text);
	}

	/** The verifier's log of a program; "" if it accepts. */
	log(type: number, insns: readonly Insn[], more: { license?: string; attachType?: number } = {}): string {
		const result = this.kernel.loadProgram({
			type,
			insns,
			maps: [this.map],
			license: more.license ?? "GPL",
			expectedAttachType: more.attachType ?? ATTACH_TYPE[type] ?? 0,
			flags: type === SYSCALL ? BPF_F_SLEEPABLE : 0,
		});
		if (!result.ok) return result.log || `errno ${result.errno}`;
		result.program.close();
		return "";
	}

	allowed(type: number, attachType?: number): Set<number> {
		const set = new Set<number>();
		for (let id = 1; id <= LAST_ID; id++) {
			const more = attachType === undefined ? {} : { attachType };
			const log = this.log(type, [...zeros(), call(id), move(0, 1), EXIT], more);
			if (!/cannot use helper|unknown func|invalid func|not allowed in probe/.test(log)) set.add(id);
		}
		return set;
	}
}

const zeros = () => [1, 2, 3, 4, 5].map((register) => move(register, 0));

function checkAllowed(prober: Prober, print: boolean): void {
	const probed = new Map<number, Set<number>>();
	for (const type of TYPES) {
		probed.set(type, prober.allowed(type));
		compare(prober, type, ATTACH_TYPE[type] ?? 0, probed.get(type)!);
	}
	for (const { type, attachTypes } of ALLOWED_BY_ATTACH_TYPE) {
		if (!TYPES.includes(type)) continue;
		// the others of these types that 6.18 knows
		for (const attachType of type === 18 ? [8, 11, 14, 19, 29, 49, 51] : [21]) {
			if (!attachTypes.includes(attachType))
				compare(prober, type, attachType, prober.allowed(type, attachType));
		}
	}
	if (!print) return;
	const ids = Array.from({ length: LAST_ID }, (_, i) => i + 1);
	const everywhere = new Set(ids.filter((id) => [...probed.values()].every((set) => set.has(id))));
	console.log(`everywhere: ${ranges(everywhere)}`);
	for (const [type, set] of probed) {
		const rest = new Set([...set].filter((id) => !everywhere.has(id)));
		console.log(`${type} ${ALLOWED_BY_TYPE[type]?.name}: ${ranges(rest)}`);
	}
}

function compare(prober: Prober, type: number, attachType: number, kernel: ReadonlySet<number>): void {
	const ours = helpersAllowed(type, attachType) ?? new Set();
	for (let id = 1; id <= LAST_ID; id++) {
		if (ours.has(id) === kernel.has(id)) continue;
		const name = ALLOWED_BY_TYPE[type]?.name;
		prober.differs(
			`${name} (attach type ${attachType}): helper ${id} is ${kernel.has(id) ? "" : "not "}allowed`,
		);
	}
}

function ranges(set: ReadonlySet<number>): string {
	const out: [number, number][] = [];
	for (const id of [...set].sort((a, b) => a - b)) {
		const last = out.at(-1);
		if (last !== undefined && last[1] === id - 1) last[1] = id;
		else out.push([id, id]);
	}
	return out.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(" ");
}

/** What the verifier expects where it gets the number 0; undefined: 0 will do. */
const EXPECTED: Readonly<Record<ArgKind, RegExp | undefined>> = (() => {
	const memory = /expected=fp, pkt/;
	return {
		anything: undefined,
		ctx: /expected=ctx$/m,
		ctx_or_null: undefined,
		map: /expected=map_ptr$/m,
		map_key: memory,
		map_value: memory,
		map_value_or_null: undefined,
		map_value_out: memory,
		mem_in: memory,
		mem_in_or_null: undefined,
		mem_out: memory,
		mem_out_or_null: undefined,
		mem_inout: memory,
		mem_inout_or_null: undefined,
		size: /invalid zero-sized read|zero-size/,
		size_or_zero: undefined,
		alloc_size: undefined,
		const_str: /expected=map_value$/m,
		func: /expected=func$/m,
		stack_or_null: undefined,
		ringbuf_mem: /expected=ringbuf_mem$/m,
		sock: /expected=sock$/m,
		sock_or_null: undefined,
		sock_common_or_null: undefined,
		sock_common: /expected=sock_common, sock/,
		spin_lock: /expected=map_value, ptr_$/m,
		timer: /expected=map_value$/m,
		dynptr: /expected=fp, dynptr_ptr$/m,
		dynptr_out: /expected=fp, dynptr_ptr$/m,
		iter: undefined,
		iter_out: undefined,
		long_out: memory,
		int_out: memory,
		btf_ptr: /expected=ptr_, trusted_ptr_/,
		btf_ptr_or_null: undefined,
		percpu_btf_ptr: /expected=percpu_ptr_/,
		kptr: /expected=map_value, ptr_$/m,
	};
})();

/** Instructions that put something right for this kind into a register; undefined: that takes more than a line. */
function valid(kind: ArgKind, register: number): readonly Insn[] | undefined {
	switch (kind) {
		case "ctx":
		case "ctx_or_null":
			return [copy(register, 6)];
		case "map":
			return lddw(register, 5, 0);
		case "anything":
		case "size":
		case "size_or_zero":
		case "alloc_size":
			return [move(register, 8)];
		case "const_str":
		case "func":
		case "ringbuf_mem":
		case "sock":
		case "sock_common":
		case "spin_lock":
		case "timer":
		case "dynptr":
		case "dynptr_out":
		case "btf_ptr":
		case "percpu_btf_ptr":
		case "kptr":
			return undefined;
		case "btf_ptr_or_null":
		case "sock_or_null":
		case "sock_common_or_null":
			return [move(register, 0)];
		default:
			// a piece of initialised stack
			return [copy(register, 10), add(register, -64)];
	}
}

/** The types that may call it; a sleepable one where it needs that. */
function typesFor({ id, mightSleep }: HelperPrototype): number[] {
	const types = mightSleep ? [SYSCALL] : TYPES;
	return types.filter((type) => helpersAllowed(type, ATTACH_TYPE[type] ?? 0)?.has(id));
}

/**
 * GPL, the number of arguments, and what each of them must be: those before it are given something right, so that
 * the verifier comes to it. Ends at an argument that a line of code can't make.
 */
function checkPrototype(prober: Prober, prototype: HelperPrototype, type: number): void {
	const { id, args, gplOnly = false } = prototype;
	const name = `${ALLOWED_BY_TYPE[type]?.name} ${prototype.name}`;
	const gpl = /GPL/.test(prober.log(type, [...zeros(), call(id), move(0, 1), EXIT], { license: "x" }));
	if (gpl !== gplOnly) prober.differs(`${name}: gplOnly is ${gpl}`);

	// context in r6, 64 bytes of stack; get_smp_processor_id leaves r1-r5 unreadable
	const stack = [8, 16, 24, 32, 40, 48, 56, 64].map((offset) => insn(0x7a, 10, 0, -offset, 0));
	const code = [copy(6, 1), ...stack, call(8)];
	const why = (insns: readonly Insn[]) =>
		lastLine(prober.log(type, [...code, ...insns, call(id), move(0, 1), EXIT])) ?? "";
	for (let register = 1; register <= 5; register++) {
		const kind = args[register - 1];
		const read = why([]).startsWith(`R${register} !read_ok`);
		if (read !== (kind !== undefined))
			prober.differs(`${name}: argument ${register} is ${read ? "" : "not "}read`);
		if (kind === undefined) return;
		const text = why([move(register, 0)]);
		const expected = EXPECTED[kind];
		const agrees = expected === undefined ? !text.startsWith(`R${register} `) : expected.test(text);
		if (!agrees) prober.differs(`${name}: argument ${register} is not ${kind}: ${text}`);
		const put = valid(kind, register);
		if (put === undefined) return;
		code.push(...put);
	}
}

/** Where data and data_end lie in the contexts of types that may read packets, and the load that takes them. */
const PACKET_FIELDS: Readonly<Record<number, readonly [data: number, end: number, load: number]>> = {
	3: [76, 80, 0x61],
	6: [0, 4, 0x61],
	10: [76, 80, 0x61],
	12: [76, 80, 0x61],
	14: [76, 80, 0x61],
	16: [0, 8, 0x79],
	19: [76, 80, 0x61],
};

/** Whether a packet pointer is still one behind the call. Undefined: the verifier doesn't come so far. */
function changesPacket(prober: Prober, { id, args }: HelperPrototype, type: number): boolean | undefined {
	const fields = PACKET_FIELDS[type];
	const given = args.map((kind, i) => valid(kind, i + 1));
	if (fields === undefined || !given.every((insns) => insns !== undefined)) return undefined;
	const [data, end, load] = fields;
	const stack = [8, 16, 24, 32, 40, 48, 56, 64].map((offset) => insn(0x7a, 10, 0, -offset, 0));
	const body = [...stack, ...given.flat(), call(id), insn(0x71, 0, 7, 0), move(0, 0), EXIT];
	const log = prober.log(type, [
		copy(6, 1),
		insn(load, 7, 6, data),
		insn(load, 8, 6, end),
		copy(2, 7),
		add(2, 1),
		// data + 1 > data_end: over everything to the last exit
		insn(0x2d, 2, 8, body.length - 2),
		...body,
	]);
	if (log.includes("R7 invalid mem access 'scalar'")) return true;
	return log === "" ? false : undefined;
}

/** How often the kernel said yes and no. */
function checkChanges(prober: Prober): readonly [yes: number, no: number] {
	const answers: [number, number] = [0, 0];
	for (const prototype of PROTOTYPES.values()) {
		for (const type of typesFor(prototype)) {
			const changes = changesPacket(prober, prototypeFor(prototype.id, type) ?? prototype, type);
			if (changes === undefined) continue;
			answers[changes ? 0 : 1]++;
			if (changes !== (prototype.changesPacket ?? false)) {
				prober.differs(`${ALLOWED_BY_TYPE[type]?.name} ${prototype.name}: changesPacket is ${changes}`);
			}
		}
	}
	return answers;
}

const prober = new Prober(await openKernel());
checkAllowed(prober, process.argv.includes("--print"));
for (const prototype of PROTOTYPES.values()) {
	for (const type of typesFor(prototype)) {
		checkPrototype(prober, prototypeFor(prototype.id, type) ?? prototype, type);
	}
}
const [yes, no] = checkChanges(prober);
console.log(
	`${PROTOTYPES.size} prototypes; packet changes: ${yes} yes, ${no} no; ${prober.differences} differences`,
);
process.exitCode = prober.differences > 0 ? 1 : 0;
