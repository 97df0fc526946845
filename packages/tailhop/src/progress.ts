import { Presets, SingleBar } from "cli-progress";

/** A progress bar on a terminal's stderr; nothing anywhere else. */
export class Progress {
	readonly #bar: SingleBar | undefined;
	#done = 0;

	constructor(total: number, wanted: boolean) {
		if (!wanted || !process.stderr.isTTY) return;
		this.#bar = new SingleBar(
			{
				stream: process.stderr,
				clearOnComplete: true,
				format: "{bar} {value}/{total} packets, {eta} s left",
			},
			Presets.shades_classic,
		);
		this.#bar.start(total, 0);
	}

	step(): void {
		this.#done++;
		// a redraw for every packet would cost more than the packet
		if (this.#bar !== undefined && this.#done % 64 === 0) this.#bar.update(this.#done);
	}

	stop(): void {
		this.#bar?.stop();
	}
}
