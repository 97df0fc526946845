import type { Socket } from "@tailhop/core";

/** Sockets that a test asks for, by what they do; ports are the kernel's choice. */
export interface OpenSockets {
	/** As an Environment declares them. */
	readonly sockets: readonly Socket[];
	/** Port of each, by its index. */
	readonly ports: readonly number[];
	close(): void;
}

type Wanted = "listen" | "listen6" | "listen-any6" | "udp" | "udp6";

const HOSTS: Readonly<Record<Wanted, string>> = {
	listen: "127.0.0.1",
	listen6: "::1",
	"listen-any6": "::",
	udp: "127.0.0.1",
	udp6: "::1",
};

/**
 * Opens real sockets of this process on loopback, so that a program's lookups in the kernel find what the
 * Environment declares. In a browser, and where the host lacks the family, nothing is opened: the ports are made up.
 */
export async function openSockets(...wanted: readonly Wanted[]): Promise<OpenSockets> {
	const opened = await Promise.all(wanted.map((kind, index) => open(kind, 40001 + index)));
	return {
		sockets: wanted.map((kind, index): Socket => {
			const host = HOSTS[kind];
			return {
				proto: kind.startsWith("udp") ? "udp" : "tcp",
				local: `${host.includes(":") ? `[${host}]` : host}:${opened[index]!.port}`,
			};
		}),
		ports: opened.map(({ port }) => port),
		close: () => {
			for (const { close } of opened) close();
		},
	};
}

async function open(kind: Wanted, port: number): Promise<{ port: number; close: () => void }> {
	if (typeof process === "undefined" || process.versions?.node === undefined)
		return { port, close: () => {} };
	const host = HOSTS[kind];
	if (kind.startsWith("udp")) {
		const { createSocket } = await import("node:dgram");
		const socket = createSocket(kind === "udp" ? "udp4" : "udp6");
		await new Promise<void>((resolve) => socket.bind(0, host, resolve));
		return { port: socket.address().port, close: () => socket.close() };
	}
	const { createServer } = await import("node:net");
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, host, resolve));
	const address = server.address();
	return { port: typeof address === "object" && address ? address.port : port, close: () => server.close() };
}

/** A TCP connection over loopback: both ends, the client's first. */
export async function openConnection(): Promise<OpenSockets> {
	let ports: readonly number[] = [40001, 40002];
	let close = () => {};
	if (typeof process !== "undefined" && process.versions?.node !== undefined) {
		const { createServer, connect } = await import("node:net");
		const server = createServer();
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		const address = server.address();
		const accepted = new Promise<import("node:net").Socket>((resolve) => server.once("connection", resolve));
		const client = connect(typeof address === "object" && address ? address.port : 0, "127.0.0.1");
		const peer = await accepted;
		ports = [client.localPort ?? 0, peer.localPort ?? 0];
		close = () => {
			client.destroy();
			peer.destroy();
			server.close();
		};
	}
	const [client, server] = ports.map((port) => `127.0.0.1:${port}`);
	return {
		sockets: [
			{ proto: "tcp", local: client!, remote: server! },
			{ proto: "tcp", local: server!, remote: client! },
			{ proto: "tcp", local: server! },
		],
		ports,
		close,
	};
}
