export { CALL, type Insn, LDDW } from "./insn.ts";
