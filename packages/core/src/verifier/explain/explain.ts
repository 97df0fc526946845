import type { LinkedObject, LinkedProgram } from "../../spec/index.ts";
import type { VerifyOptions } from "../options.ts";
import type { Verdict } from "../verdict.ts";
import { verify } from "../verify.ts";
import { advice, type Facts, type Rule } from "./facts.ts";
import { heatOf } from "./heat.ts";
import { type Origin, originOf } from "./origin.ts";
import { turnsOf } from "./path.ts";
import { PathObserver, StepRecorder } from "./record.ts";
import { MEMORY_RULES } from "./rules-memory.ts";
import { PROGRAM_RULES } from "./rules-program.ts";
import { Sources } from "./source.ts";
import type { Explanation, Report, Step } from "./types.ts";
import { valueWords } from "./words.ts";

/** The end of a path that is looked at: longer ones are loops. */
const LONGEST_PATH = 20_000;
const NOTHING: Origin = { events: [], steps: [], number: undefined, scale: 1 };

const RULES: readonly Rule[] = [...MEMORY_RULES, ...PROGRAM_RULES];
const OTHER: Rule = {
	id: "other",
	pattern: /^(?:R(\d+) )?.*$/,
	category: "Verifier Rules",
	title: "Not allowed",
	why: "The verifier's message says which rule is broken.",
	suggest: () => advice("The log's last lines, and the path to here, show what the verifier knew"),
};

/**
 * Verifies a program and says where the verifier's work went. A rejected program is walked once more, so that the
 * registers on the path to the rejection can be looked at: `explanation`.
 */
export function explain(object: LinkedObject, program: LinkedProgram, options: VerifyOptions = {}): Report {
	const walked = new PathObserver(program.insns.length);
	const verdict = verify(object, program, { ...options, observer: walked });
	const heat = heatOf(program, walked.visits);
	if (verdict.accepted || verdict.unsupported !== undefined) return { verdict, heat };
	const recorder = new StepRecorder(walked.path.slice(-LONGEST_PATH));
	const { log } = verify(object, program, { ...options, logLevel: 1, observer: recorder });
	return {
		verdict,
		heat,
		explanation: explanationOf(object, program, verdict, recorder.steps, messagesOf(log)),
	};
}

/** Lines of a log at level 1 that are neither instructions nor states, source lines or statistics. */
const messagesOf = (log: string): string[] =>
	log
		.trimEnd()
		.split("\n")
		.filter(
			(line) =>
				!/^(?:\d+:|; |from \d+ to|processed \d+|stack depth|mark_precise|frame\d+:|func#|Func#|Validating|\s|$)/.test(
					line,
				),
		);

function explanationOf(
	object: LinkedObject,
	program: LinkedProgram,
	verdict: Verdict,
	steps: readonly Step[],
	messages: readonly string[],
): Explanation {
	const sources = new Sources(program);
	const { lastLine } = verdict;
	const step = steps.at(-1);
	const at = step?.insn ?? insnIn(lastLine);
	const source = at === undefined ? undefined : sources.of(at);
	const facts: Facts = {
		match: /^/.exec(lastLine)!,
		messages,
		errno: verdict.errno,
		object,
		program,
		sources,
		steps,
		origin: NOTHING,
		...(step === undefined ? {} : { step, insn: program.insns[step.insn]! }),
		...(source === undefined ? {} : { source }),
	};
	// behind some messages the log has lines that say more of them
	const [rule, known] = choose(facts, [lastLine, ...messages.toReversed()]);
	const answer = rule.suggest(known);
	// where the walk ended says nothing of what is found before it or behind it
	const named = rule.whole ? insnIn(lastLine) : at;
	const place = named === undefined || named >= program.insns.length ? undefined : sources.place(named);
	const { origin, subject, reg } = known;
	const missing = origin.events.some(({ kind }) => kind === "checked") ? undefined : rule.unchecked;
	const learned = new Map<number, string>();
	for (const [k, event] of origin.events.entries())
		if (event.kind === "checked")
			learned.set(origin.steps[k]!, event.words.replace(/^after this check it is/, `${event.holder} is`));
	return {
		rule: rule.id,
		message: known.match.input,
		category: rule.category,
		title: rule.title,
		why: rule.why,
		...(place === undefined ? {} : { at: place }),
		...(reg === undefined
			? {}
			: { subject: { holder: `r${reg}`, value: valueWords(subject), text: subject?.text ?? "" } }),
		path: rule.whole ? [] : turnsOf(sources, steps, learned),
		origin: answer.origin ?? origin.events,
		...(missing === undefined ? {} : { missing }),
		suggestion: answer.suggestion,
	};
}

/** The first rule of the line's pattern that applies, and the facts with what it follows. */
function choose(facts: Facts, lines: readonly string[]): readonly [Rule, Facts] {
	for (const line of lines) {
		for (const rule of RULES) {
			const match = rule.pattern.exec(line);
			if (match === null) continue;
			const known = followed({ ...facts, match }, rule);
			if (rule.when?.(known) ?? true) return [rule, known];
		}
	}
	return [OTHER, followed({ ...facts, match: OTHER.pattern.exec(lines[0]!)! }, OTHER)];
}

function followed(facts: Facts, rule: Rule): Facts {
	const { step, steps, sources, match } = facts;
	const named = /^R(\d+)\b/.test(match[0]) ? Number(match[1]) : undefined;
	const reg = rule.reg?.(facts) ?? named;
	if (reg === undefined || reg > 10 || step === undefined) return facts;
	const subject = step.regs[reg];
	const varies = subject !== undefined && subject.umin !== subject.umax;
	const follow = rule.follow === "offset" && varies ? "offset" : "value";
	return {
		...facts,
		reg,
		...(subject === undefined ? {} : { subject }),
		origin: originOf(sources, steps, steps.length - 1, reg, follow),
	};
}

/** The instruction that a message without a walk names. */
function insnIn(line: string): number | undefined {
	const found = /insn (\d+)/.exec(line);
	return found === null ? undefined : Number(found[1]);
}
