import { skbHook } from "./skb.ts";
import { socketFilterFields } from "./skb-fields.ts";

/** A socket filter's verdict is the number of bytes to keep, 0 to drop; it has no names. */
export const socketFilterHook = /* @__PURE__ */ skbHook({
	name: "socket_filter",
	programType: 1,
	fields: socketFilterFields,
	verdictName: () => undefined,
	layer: 3,
});
