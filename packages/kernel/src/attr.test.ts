import { expect, it } from "vitest";
import { Attr, struct } from "./attr.ts";
import {
	BTF_LOAD,
	MAP_BATCH,
	MAP_CREATE,
	MAP_ELEM,
	MAP_INFO,
	OBJ,
	PERF_ATTR,
	PROG_INFO,
	PROG_LOAD,
	TEST_RUN,
} from "./uapi.ts";

// offsetof and sizeof as gcc answers on linux/bpf.h
it("places fields where C does", () => {
	expect([MAP_CREATE.offsets.btf_fd, MAP_CREATE.offsets.map_extra, MAP_CREATE.size]).toEqual([48, 64, 72]);
	expect([MAP_ELEM.offsets.key, MAP_ELEM.offsets.flags, MAP_ELEM.size]).toEqual([8, 24, 32]);
	expect([PROG_LOAD.offsets.prog_name, PROG_LOAD.offsets.func_info, PROG_LOAD.offsets.line_info]).toEqual([
		48, 80, 96,
	]);
	expect([PROG_LOAD.offsets.fd_array, PROG_LOAD.offsets.log_true_size]).toEqual([120, 140]);
	expect([TEST_RUN.offsets.ctx_in, TEST_RUN.offsets.batch_size, TEST_RUN.size]).toEqual([48, 72, 76]);
	expect([BTF_LOAD.offsets.btf_log_level, BTF_LOAD.size]).toEqual([24, 32]);
	expect([PROG_INFO.offsets.netns_dev, PROG_INFO.offsets.btf_id, PROG_INFO.offsets.verified_insns]).toEqual([
		88, 128, 216,
	]);
	expect([MAP_BATCH.offsets.count, MAP_BATCH.offsets.elem_flags, MAP_BATCH.size]).toEqual([32, 40, 56]);
	expect([OBJ.offsets.file_flags, OBJ.size]).toEqual([12, 16]);
	expect([PERF_ATTR.offsets.flags, PERF_ATTR.offsets.config1, PERF_ATTR.size]).toEqual([40, 56, 64]);
	expect([MAP_INFO.offsets.netns_dev, MAP_INFO.offsets.map_extra]).toEqual([48, 80]);
});

it("writes numbers, text and pointers", () => {
	const of = struct({ name: 4, count: "u32", data: "u64" });
	const attr = new Attr(of, { name: "longer", count: 7, data: Uint8Array.of(1) }, () => 0x1234n);
	expect([...attr.bytes]).toEqual([108, 111, 110, 0, 7, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0]);
	expect([attr.text("name"), attr.u32("count"), attr.u64("data")]).toEqual(["lon", 7, 0x1234n]);
});
