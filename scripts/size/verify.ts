/** What somebody downloads who only verifies: no engine, no map code (.size-limit.json). */
export { link, parse, verify } from "../../packages/core/src/index.ts";
