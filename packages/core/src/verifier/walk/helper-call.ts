import type { Insn } from "../../isa/index.ts";
import type { Walk } from "./walk.ts";

export function checkHelperCall(w: Walk, insn: Insn): void {
	w.env.notModelled(`helper ${insn.imm}`);
}
