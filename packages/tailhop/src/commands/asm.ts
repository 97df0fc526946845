import { writeFile } from "node:fs/promises";
import { parse } from "@tailhop/core";
import { type Arguments, EXIT, type ExitStatus, usage } from "../command.ts";
import { assembled, ioError, readBytes, refuseOverwriting } from "../object-file.ts";
import { printLine, toJson } from "../output.ts";

export async function asm(args: Arguments): Promise<ExitStatus> {
	const path = args.positional[0]!;
	const output = args.text("output");
	if (output === undefined) throw usage("-o OUT is missing", "tailhop asm FILE.asm -o FILE.o");
	refuseOverwriting("-o", output, [path]);
	const bytes = assembled(path, await readBytes(path));
	// what cannot be read back is not written
	const spec = parse(bytes, { file: output });
	try {
		await writeFile(output, bytes);
	} catch (error) {
		throw ioError(output, "written", error);
	}
	const programs = spec.functions.filter((each) => each.program).map((each) => each.name);
	const maps = spec.maps.map((each) => each.name);
	if (args.flag("json")) printLine(toJson({ schema: 1, file: output, bytes: bytes.length, programs, maps }));
	else
		printLine(
			`${output}: ${bytes.length} bytes, programs ${programs.join(", ") || "none"}, maps ${maps.join(", ") || "none"}`,
		);
	return EXIT.OK;
}
