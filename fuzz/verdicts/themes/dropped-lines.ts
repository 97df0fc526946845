import { type Draft, hand, linesOf, made, type ThemeScript } from "../theme.ts";

/** Small programs as network programs are: right as they stand. */
const PROGRAMS: readonly (readonly [name: string, header: string, asm: string])[] = [
	[
		"count-protocols",
		"xdp",
		`
		r2 = *(u32 *)(r1 + 0)
		r3 = *(u32 *)(r1 + 4)
		r4 = r2
		r4 += 34
		if r4 > r3 goto pass
		r5 = *(u16 *)(r2 + 12)
		if r5 != 8 goto pass
		r5 = *(u8 *)(r2 + 23)
		*(u32 *)(r10 - 4) = w5
		r1 = hash8 ll
		r2 = r10
		r2 += -4
		call bpf_map_lookup_elem
		if r0 == 0 goto pass
		r1 = 1
		lock *(u64 *)(r0 + 0) += r1
		pass:
		r0 = 2
		exit`,
	],
	[
		"tcp-port-filter",
		"xdp",
		`
		r2 = *(u32 *)(r1 + 0)
		r3 = *(u32 *)(r1 + 4)
		r6 = r2
		r6 += 14
		r4 = r6
		r4 += 20
		if r4 > r3 goto pass
		r5 = *(u8 *)(r6 + 0)
		r5 &= 15
		r5 <<= 2
		if r5 < 20 goto pass
		r6 += r5
		r4 = r6
		r4 += 20
		if r4 > r3 goto pass
		r0 = *(u16 *)(r6 + 2)
		r0 = be16 r0
		if r0 == 22 goto drop
		pass:
		r0 = 2
		exit
		drop:
		r0 = 1
		exit`,
	],
	[
		"swap-addresses",
		"xdp",
		`
		r2 = *(u32 *)(r1 + 0)
		r3 = *(u32 *)(r1 + 4)
		r4 = r2
		r4 += 14
		if r4 > r3 goto pass
		r5 = *(u32 *)(r2 + 0)
		r6 = *(u16 *)(r2 + 4)
		r7 = *(u32 *)(r2 + 6)
		r8 = *(u16 *)(r2 + 10)
		*(u32 *)(r2 + 0) = r7
		*(u16 *)(r2 + 4) = r8
		*(u32 *)(r2 + 6) = r5
		*(u16 *)(r2 + 10) = r6
		r0 = 3
		exit
		pass:
		r0 = 2
		exit`,
	],
	[
		"encapsulate",
		"xdp",
		`
		r6 = r1
		r2 = -20
		call bpf_xdp_adjust_head
		if r0 != 0 goto drop
		r2 = *(u32 *)(r6 + 0)
		r3 = *(u32 *)(r6 + 4)
		r4 = r2
		r4 += 34
		if r4 > r3 goto drop
		*(u8 *)(r2 + 14) = 0x45
		*(u8 *)(r2 + 15) = 0
		*(u8 *)(r2 + 22) = 64
		*(u8 *)(r2 + 23) = 4
		r0 = 3
		exit
		drop:
		r0 = 1
		exit`,
	],
	[
		"pull-and-parse",
		"sched_cls",
		`
		r6 = r1
		r2 = 54
		call bpf_skb_pull_data
		r7 = *(u32 *)(r6 + 76)
		r8 = *(u32 *)(r6 + 80)
		r1 = r7
		r1 += 54
		if r1 > r8 goto out
		r1 = *(u8 *)(r7 + 23)
		if r1 != 6 goto out
		r9 = *(u16 *)(r7 + 36)
		r1 = r6
		r2 = 50
		r3 = 0
		r4 = r9
		r5 = 2
		call bpf_l4_csum_replace
		r7 = *(u32 *)(r6 + 76)
		r8 = *(u32 *)(r6 + 80)
		r1 = r7
		r1 += 38
		if r1 > r8 goto out
		*(u16 *)(r7 + 36) = 0
		out:
		r0 = 0
		exit`,
	],
	[
		"dispatch",
		"xdp",
		`
		r6 = r1
		r2 = *(u32 *)(r1 + 0)
		r3 = *(u32 *)(r1 + 4)
		r4 = r2
		r4 += 14
		if r4 > r3 goto pass
		r3 = 1
		r5 = *(u16 *)(r2 + 12)
		if r5 == 8 goto go
		r3 = 2
		if r5 == 0xdd86 goto go
		goto pass
		go:
		r1 = r6
		r2 = jumps ll
		call bpf_tail_call
		pass:
		r0 = 2
		exit`,
	],
	[
		"socket-lookup",
		"sched_cls",
		`
		r6 = r1
		r7 = *(u32 *)(r1 + 76)
		r8 = *(u32 *)(r1 + 80)
		r2 = r7
		r2 += 38
		if r2 > r8 goto out
		r1 = *(u32 *)(r7 + 26)
		*(u32 *)(r10 - 12) = w1
		r1 = *(u32 *)(r7 + 30)
		*(u32 *)(r10 - 8) = w1
		r1 = *(u32 *)(r7 + 34)
		*(u32 *)(r10 - 4) = w1
		r1 = r6
		r2 = r10
		r2 += -12
		r3 = 12
		r4 = -1
		r5 = 0
		call bpf_skc_lookup_tcp
		if r0 == 0 goto out
		r9 = *(u32 *)(r0 + 4)
		r1 = r0
		call bpf_sk_release
		if r9 == 2 goto out
		r0 = 2
		exit
		out:
		r0 = 0
		exit`,
	],
	[
		"report-event",
		"xdp",
		`
		r6 = *(u32 *)(r1 + 12)
		r7 = *(u32 *)(r1 + 16)
		r1 = ring ll
		r2 = 16
		r3 = 0
		call bpf_ringbuf_reserve
		if r0 == 0 goto pass
		*(u32 *)(r0 + 0) = w6
		*(u32 *)(r0 + 4) = w7
		*(u64 *)(r0 + 8) = 0
		r1 = r0
		r2 = 0
		call bpf_ringbuf_submit
		pass:
		r0 = 2
		exit`,
	],
	[
		"options-loop",
		"xdp",
		`
		r2 = *(u32 *)(r1 + 0)
		r3 = *(u32 *)(r1 + 4)
		r2 += 54
		r6 = 0
		again:
		r4 = r2
		r4 += 2
		if r4 > r3 goto pass
		r5 = *(u8 *)(r2 + 0)
		if r5 == 0 goto pass
		if r5 == 2 goto drop
		r5 = *(u8 *)(r2 + 1)
		if r5 < 2 goto pass
		if r5 > 40 goto pass
		r2 += r5
		r6 += 1
		if r6 < 10 goto again
		pass:
		r0 = 2
		exit
		drop:
		r0 = 1
		exit`,
	],
	[
		"token-bucket",
		"sched_cls",
		`
		r6 = r1
		*(u32 *)(r10 - 4) = 0
		r1 = locked_hash ll
		r2 = r10
		r2 += -4
		call bpf_map_lookup_elem
		if r0 == 0 goto pass
		r7 = r0
		r8 = *(u32 *)(r6 + 0)
		r1 = r7
		r1 += 8
		call bpf_spin_lock
		r9 = *(u64 *)(r7 + 0)
		if r9 < r8 goto +2
		r9 -= r8
		*(u64 *)(r7 + 0) = r9
		r1 = r7
		r1 += 8
		call bpf_spin_unlock
		pass:
		r0 = 0
		exit`,
	],
	[
		"subprograms",
		"xdp",
		`
		.btf
		r6 = r1
		r2 = *(u32 *)(r1 + 4)
		r1 = *(u32 *)(r1 + 0)
		call parse
		if r0 == 0 goto pass
		r1 = r0
		call decide
		exit
		pass:
		r0 = 2
		exit
		parse:
		r0 = 0
		r3 = r1
		r3 += 14
		if r3 > r2 goto done
		r0 = *(u16 *)(r1 + 12)
		done:
		exit
		decide:
		r0 = 1
		if r1 == 8 goto yes
		exit
		yes:
		r0 = 2
		exit`,
	],
	[
		"callback-sum",
		"xdp",
		`
		.btf
		*(u64 *)(r10 - 8) = 0
		*(u64 *)(r10 - 16) = 0
		r1 = 16
		r2 = step ll
		r3 = r10
		r3 += -16
		r4 = 0
		call bpf_loop
		r0 = *(u64 *)(r10 - 16)
		r0 &= 3
		exit
		step:
		r3 = *(u64 *)(r2 + 0)
		r3 += r1
		*(u64 *)(r2 + 0) = r3
		r0 = 0
		if r1 < 8 goto done
		r0 = 1
		done:
		exit`,
	],
	[
		"rate-by-address",
		"xdp",
		`
		r6 = *(u32 *)(r1 + 0)
		r7 = *(u32 *)(r1 + 4)
		r2 = r6
		r2 += 34
		if r2 > r7 goto pass
		r1 = *(u32 *)(r6 + 26)
		*(u32 *)(r10 - 4) = w1
		r1 = lru16 ll
		r2 = r10
		r2 += -4
		call bpf_map_lookup_elem
		if r0 != 0 goto known
		*(u64 *)(r10 - 24) = 1
		*(u64 *)(r10 - 16) = 0
		r1 = lru16 ll
		r2 = r10
		r2 += -4
		r3 = r10
		r3 += -24
		r4 = 0
		call bpf_map_update_elem
		goto pass
		known:
		r1 = *(u64 *)(r0 + 0)
		r1 += 1
		*(u64 *)(r0 + 0) = r1
		if r1 > 1000 goto drop
		pass:
		r0 = 2
		exit
		drop:
		r0 = 1
		exit`,
	],
	[
		"connect-rewrite",
		"cgroup_sock_addr attach=cgroup_inet4_connect",
		`
		r6 = r1
		r1 = *(u32 *)(r6 + 4)
		*(u32 *)(r10 - 8) = w1
		r1 = *(u32 *)(r6 + 24)
		*(u32 *)(r10 - 4) = w1
		r1 = hash16 ll
		r2 = r10
		r2 += -8
		call bpf_map_lookup_elem
		if r0 == 0 goto out
		r1 = *(u32 *)(r0 + 0)
		*(u32 *)(r6 + 4) = w1
		r1 = *(u32 *)(r0 + 4)
		*(u32 *)(r6 + 24) = w1
		out:
		r0 = 1
		exit`,
	],
	[
		"message-redirect",
		"sk_msg attach=sk_msg_verdict",
		`
		r6 = r1
		r2 = *(u64 *)(r1 + 0)
		r3 = *(u64 *)(r1 + 8)
		r4 = r2
		r4 += 4
		if r4 > r3 goto pass
		r7 = *(u8 *)(r2 + 0)
		r7 &= 3
		r1 = r6
		r2 = socks ll
		r3 = r7
		r4 = 0
		call bpf_msg_redirect_map
		exit
		pass:
		r0 = 1
		exit`,
	],
	[
		"classic-filter",
		"socket_filter",
		`
		r6 = r1
		r0 = *(u16 *)skb[12]
		if r0 != 0x800 goto no
		r0 = *(u8 *)skb[23]
		if r0 != 17 goto no
		r0 = *(u8 *)skb[14]
		r0 &= 15
		r0 <<= 2
		r7 = r0
		r0 = *(u16 *)skb[r7 + 16]
		if r0 != 53 goto no
		r0 = -1
		exit
		no:
		r0 = 0
		exit`,
	],
	[
		"iterator-table",
		"sched_cls",
		`
		r7 = one48[0]+0 ll
		r8 = 0
		r1 = r10
		r1 += -8
		r2 = 0
		r3 = 48
		call kfunc bpf_iter_num_new
		again:
		r1 = r10
		r1 += -8
		call kfunc bpf_iter_num_next
		if r0 == 0 goto done
		r1 = *(u32 *)(r0 + 0)
		if r1 > 47 goto done
		r1 += r7
		r1 = *(u8 *)(r1 + 0)
		r8 += r1
		goto again
		done:
		r1 = r10
		r1 += -8
		call kfunc bpf_iter_num_destroy
		r0 = 0
		exit`,
	],
	[
		"sockops",
		"sock_ops attach=cgroup_sock_ops",
		`
		r6 = r1
		r2 = *(u32 *)(r1 + 0)
		if r2 != 4 goto out
		r3 = *(u32 *)(r1 + 68)
		*(u32 *)(r10 - 4) = w3
		r1 = r6
		r2 = socks_hash ll
		r3 = r10
		r3 += -4
		r4 = 0
		call bpf_sock_hash_update
		out:
		r0 = 1
		exit`,
	],
];

/** One line changed: a check that lets one byte more, or one value more, through. */
function* weakened(lines: readonly string[]): Generator<readonly [name: string, lines: string[]]> {
	for (const [i, line] of lines.entries()) {
		const put = (text: string): string[] => lines.with(i, text);
		const added = /^(r\d) \+= (-?\d+)$/.exec(line);
		if (added !== null) yield [`less-${i}`, put(`${added[1]} += ${Number(added[2]) - 1}`)];
		const jump = /^if (r\d+) (>|<|==|!=) (\S+) goto (.+)$/.exec(line);
		if (jump !== null) {
			const other = { ">": "<=", "<": ">=", "==": "!=", "!=": "==" }[jump[2]!];
			yield [`inverted-${i}`, put(`if ${jump[1]} ${other} ${jump[3]} goto ${jump[4]}`)];
		}
		const load = /\*\(u(8|16|32) \*\)\((r[^)]+)\)/.exec(line);
		if (load !== null && !line.includes("lock") && i % 2 === 0)
			yield [`wider-${i}`, put(line.replace(`*(u${load[1]} `, `*(u${Number(load[1]) * 2} `))];
	}
}

export const droppedLines: ThemeScript = {
	about:
		"Programs as people write them, right as they stand; then each with one line dropped, or one check changed.",
	*programs(): Iterable<Draft> {
		for (const [name, header, asm] of PROGRAMS) {
			const lines = linesOf(asm);
			yield hand(name, header, asm);
			yield hand(`${name}-cap-bpf`, `${header} cap_bpf`, asm);
			for (const [i, line] of lines.entries()) {
				if (/:$|^exit$/.test(line)) continue;
				yield made(`${name}-without-${i}`, header, lines.toSpliced(i, 1).join("\n"));
			}
			for (const [change, changed] of weakened(lines)) {
				// a 64-bit store takes no w register
				const text = changed.join("\n").replace(/(\*\(u64 \*\)\([^)]+\) = )w/g, "$1r");
				yield made(`${name}-${change}`, header, text);
			}
		}
	},
};
