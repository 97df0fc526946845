import { ensure, lookup, OUT, packet, plus, SIZES, uint } from "../parts.ts";
import { type Draft, made, type ThemeScript } from "../theme.ts";

export const alignment: ThemeScript = {
	about:
		"Alignment: always asked of stack and context, of packets and values only with BPF_F_STRICT_ALIGNMENT; BPF_F_ANY_ALIGNMENT.",
	*programs(): Iterable<Draft> {
		for (const flag of ["", " strict_alignment", " any_alignment"]) {
			for (const size of SIZES) {
				for (const offset of [0, 1, 2, 4, 6, 14]) {
					yield made(
						`packet${flag.trim()}-${size}-${offset}`,
						`xdp${flag}`,
						`${packet("xdp")}\n${ensure(32)}\nr0 = *(${uint(size)} *)(r2 + ${offset})\n${OUT}`,
					);
					yield made(
						`packet-skb${flag.trim()}-${size}-${offset}`,
						`sched_cls${flag}`,
						`${packet("sched_cls")}\n${ensure(32)}\n*(${uint(size)} *)(r2 + ${offset}) = 0\n${OUT}`,
					);
					yield made(
						`value${flag.trim()}-${size}-${offset}`,
						`xdp${flag}`,
						`${lookup("array48")}\nr0 = *(${uint(size)} *)(r0 + ${offset})\n${OUT}`,
					);
					yield made(
						`stack${flag.trim()}-${size}-${offset}`,
						`xdp${flag}`,
						`*(${uint(size)} *)(r10 ${plus(offset - 32)}) = 0\nr0 = 0\nexit`,
					);
				}
				for (const shift of [0, 1, 2, 3]) {
					yield made(
						`variable${flag.trim()}-${size}-${shift}`,
						`xdp${flag}`,
						`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 0)\nr5 &= 15\nr5 <<= ${shift}\nr2 += r5\n${ensure(32)}\nr0 = *(${uint(size)} *)(r2 + 16)\n${OUT}`,
					);
					yield made(
						`variable-ethernet${flag.trim()}-${size}-${shift}`,
						`xdp${flag}`,
						`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 0)\nr5 &= 15\nr5 <<= ${shift}\nr2 += r5\nr2 += 14\n${ensure(32)}\nr0 = *(${uint(size)} *)(r2 + 2)\n${OUT}`,
					);
					yield made(
						`value-variable${flag.trim()}-${size}-${shift}`,
						`xdp${flag}`,
						`${lookup("array48")}\nr5 = *(u8 *)(r0 + 0)\nr5 &= 3\nr5 <<= ${shift}\nr0 += r5\nr1 = *(${uint(size)} *)(r0 + 0)\n${OUT}`,
					);
				}
			}
		}
	},
};
