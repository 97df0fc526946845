export { type ReadOptions, readPcap } from "./read.ts";
export { type Capture, type CapturedPacket, LINKTYPE, linktypeName } from "./types.ts";
export { type PacketToWrite, writePcap, writePcapng } from "./write.ts";
