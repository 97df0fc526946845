import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { Environment } from "@tailhop/core";

const MARK = "TAILHOP_AGREE_NAMESPACE";

/**
 * Runs this very command again in a network namespace of its own, and says whether it did. What the kernel answers
 * about routes, devices and sockets then does not depend on the machine.
 */
export function inNamespace(): boolean {
	if (process.env[MARK] !== undefined) return false;
	const [, entry = "", ...rest] = process.argv;
	const run = new URL("../run-ts.mjs", import.meta.url).pathname;
	const { status, error } = spawnSync("unshare", ["-n", process.execPath, run, entry, ...rest], {
		stdio: "inherit",
		env: { ...process.env, [MARK]: "1" },
	});
	if (error !== undefined) return false;
	process.exitCode = status ?? 1;
	return true;
}

const MAC = "02:00:00:00:01:00";
const PEER_MAC = "02:00:00:00:01:01";
const NEXT_HOP_MAC = "02:00:00:00:00:02";

/** Two devices that are each other's peer, a network on the first, neighbours, routes; forwarding is on. */
const COMMANDS = `
link set lo up
link add th0 address ${MAC} index 10 type veth peer name th1 address ${PEER_MAC} index 11
link set th0 addrgenmode none
link set th1 addrgenmode none
addr add 10.0.0.254/24 dev th0
addr add 2001:db8::fe/64 dev th0 nodad
link set th0 up
link set th1 up
neigh add 10.0.0.2 lladdr ${NEXT_HOP_MAC} dev th0 nud permanent
neigh add 2001:db8::2 lladdr ${NEXT_HOP_MAC} dev th0 nud permanent
route add 192.168.0.0/16 via 10.0.0.2 dev th0
route add fd00::/16 via 2001:db8::2 dev th0
route add blackhole 203.0.113.0/24
`;

/** @returns what the Environment must say to be alike; nothing where `ip` cannot make it */
export function makeWorld(): Partial<Environment> {
	for (const setting of ["ipv4/ip_forward", "ipv4/conf/all/forwarding", "ipv6/conf/all/forwarding"])
		writeFileSync(`/proc/sys/net/${setting}`, "1");
	for (const line of COMMANDS.trim().split("\n")) {
		const { status, stderr } = spawnSync("ip", line.split(" "), { encoding: "utf8" });
		if (status === 0) continue;
		console.error(`ip ${line}: ${stderr?.trim()}: nothing about routes and devices is compared`);
		return {};
	}
	return {
		interfaces: [
			{ ifindex: 10, mac: MAC, forwarding: true, addresses: ["10.0.0.254/24", "2001:db8::fe/64"] },
			{ ifindex: 11, mac: PEER_MAC, forwarding: true },
		],
		neighbours: [
			{ ip: "10.0.0.2", ifindex: 10, mac: NEXT_HOP_MAC },
			{ ip: "2001:db8::2", ifindex: 10, mac: NEXT_HOP_MAC },
		],
		routes: [
			{ prefix: "192.168.0.0/16", via: "10.0.0.2", ifindex: 10 },
			{ prefix: "fd00::/16", via: "2001:db8::2", ifindex: 10 },
			{ prefix: "203.0.113.0/24", ifindex: 0, kind: "blackhole" },
		],
	};
}
