import type { LinkedObject } from "@tailhop/core";
import { type Checked, verdictName } from "./verdict.ts";

/** One annotation of GitHub Actions for each program that is not accepted. */
export function githubLines(_linked: LinkedObject, done: readonly Checked[]): string[] {
	return done
		.filter(({ verdict }) => !verdict.accepted)
		.map((checked) => {
			const source = checked.explanation?.at?.source;
			const level = verdictName(checked.verdict) === "rejected" ? "error" : "warning";
			const place = source === undefined ? "" : `file=${property(source.file)},line=${source.line},`;
			return `::${level} ${place}title=${property(titleOf(checked))}::${data(messageOf(checked))}`;
		});
}

const data = (text: string): string => text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
const property = (text: string): string => data(text).replace(/:/g, "%3A").replace(/,/g, "%2C");

/** A JUnit test suite: a program is a case. */
export function junitLines({ file }: LinkedObject, done: readonly Checked[]): string[] {
	const count = (name: string) => done.filter(({ verdict }) => verdictName(verdict) === name).length;
	const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(3);
	const total = done.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
	const counts = `tests="${done.length}" failures="${count("rejected")}" skipped="${count("unsupported")}"`;
	return [
		'<?xml version="1.0" encoding="UTF-8"?>',
		`<testsuites ${counts}>`,
		`  <testsuite name="${xml(`tailhop verify ${file}`)}" ${counts} time="${seconds(total)}">`,
		...done.flatMap((checked) => {
			const { program, milliseconds, verdict } = checked;
			const open = `    <testcase classname="${xml(file)}" name="${xml(program.name)}" time="${seconds(milliseconds)}"`;
			if (verdict.accepted) return [`${open}/>`];
			const tag = verdict.unsupported === undefined ? "failure" : "skipped";
			return [
				`${open}>`,
				`      <${tag} message="${xml(titleOf(checked))}">${xml(messageOf(checked))}</${tag}>`,
				"    </testcase>",
			];
		}),
		"  </testsuite>",
		"</testsuites>",
	];
}

const titleOf = ({ program, explanation }: Checked): string =>
	explanation === undefined ? program.name : `${program.name}: ${explanation.title}`;

function messageOf({ verdict, explanation }: Checked): string {
	if (verdict.unsupported !== undefined) return `no verdict: not modelled: ${verdict.unsupported}`;
	const { text, code } = explanation?.suggestion ?? { text: "" };
	const why = `${verdict.errno}: ${explanation?.message ?? verdict.lastLine}`;
	return [why, code === undefined ? text : `${text}: ${code}`].filter((line) => line !== "").join("\n");
}

/** Characters that XML 1.0 has no way to hold are left out. */
function xml(text: string): string {
	const entities: Readonly<Record<string, string>> = {
		"&": "&amp;",
		"<": "&lt;",
		">": "&gt;",
		'"': "&quot;",
	};
	return (
		text
			.replace(/[&<>"]/g, (char) => entities[char]!)
			// biome-ignore lint/suspicious/noControlCharactersInRegex: those are the characters
			.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "")
	);
}
