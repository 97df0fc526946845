import { errnoName, TailhopError, type Where } from "@tailhop/core";

/** Lines that the verifier prints after the line that says why. */
const AFTERWORD =
	/^(processed \d+ insns|verification time|stack depth|mark_precise|max_states|peak_states|\s*$)/;

/** The line of a verifier or BTF log that says why: the last one that is not statistics. */
export function lastLine(log: string): string | undefined {
	return (
		log
			// some messages lack their newline
			.replace(/(?<=[^\n])(?=processed \d+ insns)/g, "\n")
			.split("\n")
			.reverse()
			.find((line) => !AFTERWORD.test(line))
			?.trim()
	);
}

/** What to try next, where an errno has one usual reason. */
const HINTS: Readonly<Record<string, string>> = {
	EPERM: "Run as root, or with CAP_BPF and CAP_NET_ADMIN (CAP_PERFMON for tracing types).",
	E2BIG: "The program, a key index or an attribute is larger than this kernel takes.",
	ENOMEM: "Make the map smaller, or raise the memory limit.",
	EMFILE: "Close kernel handles that are no longer used.",
	ENOTSUPP: "This kernel does not support the operation for this type.",
	ENOSPC: "The map is full, or an output buffer too small.",
};

const LOG_HINT = "The error's detail.log has the whole log; tailhop verify --kernel prints it.";
const USUAL_HINT = "Compare the attributes with what linux/bpf.h says of this command.";

/**
 * "kernel/rejected": `detail` has errno (number), name and, where there is one, the whole log. `hint` takes the place
 * of what the errno usually means.
 */
export function rejected(
	what: string,
	errno: number,
	where: Where = {},
	log = "",
	hint?: string,
): TailhopError {
	const name = errnoName(errno);
	const line = lastLine(log);
	return new TailhopError(
		"kernel/rejected",
		`the kernel refused ${what}: ${name}${line === undefined ? "" : `: ${line}`}`,
		where,
		{
			hint: hint ?? (log === "" ? (HINTS[name] ?? USUAL_HINT) : LOG_HINT),
			detail: { errno, name, ...(log === "" ? {} : { log }) },
		},
	);
}
