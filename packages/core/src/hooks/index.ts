export { fieldAt, loadAllowed, loadedFrom, storeAllowed, storeField } from "./access.ts";
export { cgroupSkbHook } from "./cgroup-skb.ts";
export { HOOKS, hookFor } from "./hooks.ts";
export {
	isSocketOnes,
	onesAt,
	SOCKET_VIEWS,
	type SocketView,
	type SockField,
	socketField,
} from "./sock-fields.ts";
export { socketFilterHook } from "./socket-filter.ts";
export { schedActHook, schedClsHook } from "./tc.ts";
export type {
	ContextField,
	FieldPointer,
	Hook,
	HookInput,
	HookOutput,
	PacketBounds,
} from "./types.ts";
export { xdpHook } from "./xdp.ts";
