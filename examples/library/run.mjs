import { readFileSync } from "node:fs";
import { link, Machine, parse } from "@tailhop/core";

const object = parse(readFileSync("examples/hello/hello.o"), { file: "hello.o" });
const machine = await Machine.create(link(object));
const { verdict, hops, instructions } = machine.run("first", { packet: new Uint8Array(64) });

for (const { from, map, slot, outcome, to } of hops) {
	console.log(`${from.program}, line ${from.source?.line}: ${map}[${slot}] ${outcome} ${to ?? ""}`);
}
console.log(`${verdict.name} after ${instructions} instructions`);
