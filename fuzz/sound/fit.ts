import { type FuzzCase, link } from "../case.ts";
import { verdicts } from "./check.ts";
import { BOXES } from "./inputs.ts";

const TRIES = 12;
/** Statistics and what refuses, without the walk. */
const MESSAGES = 4;
const MOST = 1 << 16;
const TOO_SMALL = /^invalid access to map value, value_size=(\d+) off=(-?\d+) size=(\d+)$/;
const isBox = (name: string): boolean => BOXES.some((box) => box === name);
const NEGATIVE = /min value is negative|min value is outside/;

/**
 * Makes the maps BOXES exactly as large as the verifier asks for, and adds to numbers that may be negative what makes
 * them positive: a bound that is wrong by one then is an access outside.
 */
export function fit(test: FuzzCase): FuzzCase {
	let fitted = test;
	let base = 0;
	for (let tries = 0; tries < TRIES; tries++) {
		const [verdict] = verdicts(link(fitted), { logLevel: MESSAGES, limit: 3000 });
		if (verdict === undefined || verdict.accepted || verdict.unsupported !== undefined) return fitted;
		const lines = verdict.log.split("\n");
		const small = lines.map((line) => TOO_SMALL.exec(line)).find((found) => found !== null);
		if (small && Number(small[2]) < 0) {
			base += -Number(small[2]);
			fitted = based(fitted, base);
		} else if (small) {
			const size = Number(small[2]) + Number(small[3]);
			// the message doesn't name the map: boxes have different sizes
			const box = fitted.maps.find(({ name, valueSize }) => isBox(name) && valueSize === Number(small[1]));
			if (box === undefined || size > MOST) return fitted;
			fitted = sized(fitted, box.name, size);
		} else if (NEGATIVE.test(verdict.lastLine) && base < 4096) {
			base = base === 0 ? 16 : base * 4;
			fitted = based(fitted, base);
		} else return fitted;
	}
	return fitted;
}

/** A little larger where another box has this size. */
function sized(test: FuzzCase, box: string, size: number): FuzzCase {
	let valueSize = size;
	while (test.maps.some((map) => isBox(map.name) && map.name !== box && map.valueSize === valueSize))
		valueSize++;
	return { ...test, maps: test.maps.map((map) => (map.name === box ? { ...map, valueSize } : map)) };
}
/** Every number that is added to the map's address in the line behind gets so much more. */
const based = (test: FuzzCase, base: number): FuzzCase => ({
	...test,
	programs: Object.fromEntries(
		Object.entries(test.programs).map(([name, program]) => [
			name,
			{
				...program,
				asm: program.asm.map((line, at) =>
					/^r5 = box\d*\[0\]\+0 ll$/.test(program.asm[at - 1] ?? "")
						? line.replace(/^(r[0-3] \+=) \d+$/, `$1 ${base}`)
						: line,
				),
			},
		]),
	),
});
