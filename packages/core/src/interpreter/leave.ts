import { OP } from "../isa/index.ts";
import type { Execution } from "./execution.ts";
import { LOWERED } from "./lower.ts";

/** The instructions that leave the straight line: calls, exits, and the packet loads that may end a function. */
export function leave(x: Execution, num: number, d: number, s: number, a: number): void {
	switch (num) {
		case OP.call:
			x.callHelper(a);
			break;
		case OP.call_kfunc:
			x.callKfunc();
			break;
		case OP.call_local:
			x.callLocal(a);
			break;
		case OP.callx:
			x.callRegister(d);
			break;
		case OP.exit:
			x.exit();
			break;
		case LOWERED.TAIL_CALL:
			x.tailCall();
			break;
		case OP.ld_abs_b:
		case OP.ld_abs_h:
		case OP.ld_abs_w:
			x.loadAbsolute(a, PACKET_LOAD_SIZE[num - OP.ld_abs_b]!);
			break;
		default:
			x.loadIndirect(s, a, PACKET_LOAD_SIZE[num - OP.ld_ind_b]!);
	}
}

const PACKET_LOAD_SIZE = [1, 2, 4] as const;
