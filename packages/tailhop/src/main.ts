import { TailhopError } from "@tailhop/core";
import pkg from "../package.json" with { type: "json" };
import { commandHelp, EXIT, type ExitStatus, parseCommand, table, usage } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";
import { errorLine, errorText } from "./errors.ts";
import { printError, printLine } from "./output.ts";

/** Runs a command line; the exit status. Nothing that a user can type or feed in ends in a stack trace. */
export async function main(argv: readonly string[]): Promise<ExitStatus> {
	const json = argv.includes("--json");
	try {
		return await dispatch(argv);
	} catch (error) {
		if (!(error instanceof TailhopError)) throw error;
		if (json) printLine(errorLine(error));
		else printError(errorText(error));
		return error.code === "cli/usage" ? EXIT.USAGE : EXIT.FAILED;
	}
}

async function dispatch(argv: readonly string[]): Promise<ExitStatus> {
	const [name, ...rest] = argv;
	if (name === undefined || name === "--help" || name === "-h" || name === "help") {
		const wanted = name === "help" ? COMMANDS.find((each) => each.name === rest[0]) : undefined;
		printLine(wanted === undefined ? overview() : commandHelp(wanted));
		return name === undefined ? EXIT.USAGE : EXIT.OK;
	}
	if (name === "--version" || name === "-V") {
		printLine(pkg.version);
		return EXIT.OK;
	}
	const command = COMMANDS.find((each) => each.name === name);
	if (command === undefined) {
		throw usage(`no command "${name}"`, `Commands: ${COMMANDS.map((each) => each.name).join(", ")}.`);
	}
	if (rest.includes("--help") || rest.includes("-h")) {
		printLine(commandHelp(command));
		return EXIT.OK;
	}
	const args = parseCommand(command, rest);
	const action = await command.load();
	return action(args);
}

function overview(): string {
	return [
		"Usage: tailhop COMMAND [arguments]",
		"",
		"Runs, traces and tests eBPF programs joined by tail calls.",
		"",
		"Commands:",
		...table(COMMANDS.map((each) => [`  ${each.name}`, each.summary])),
		"",
		"tailhop COMMAND --help lists a command's options.",
		"Exit status: 0 ran, 1 the program or the input failed, 2 usage.",
	].join("\n");
}
