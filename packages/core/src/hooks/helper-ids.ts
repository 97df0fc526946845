/**
 * Which helpers 6.18 lets a program type call (what the verifier answers to a program that calls just that one;
 * `npm run check:hooks` asks again).
 */
function ids(text: string): ReadonlySet<number> {
	const set = new Set<number>();
	for (const part of text.split(" ")) {
		const [first, last] = part.split("-").map(Number);
		for (let id = first!; id <= (last ?? first!); id++) set.add(id);
	}
	return set;
}

export const XDP_HELPERS = ids(
	"1-3 5-8 12 14-17 22-23 25 28 35 37 42 44 51 54-55 65 69 80 84-89 93-94 99-100 105-106 109-110 112-115 117-118 120 123 125 130-134 136-141 148-149 153-154 156-158 160 163-165 169-172 175-178 180-182 188-191 194-211",
);
export const TC_HELPERS = ids(
	"1-3 5-26 28-35 37-43 46-48 50 55 66 68-69 79-80 83-89 93-100 105-110 112-115 117-118 120 122-125 130-141 148-149 151-158 160 163-165 169-172 175-178 180-182 191-192 194-211",
);
export const SOCKET_FILTER_HELPERS = ids(
	"1-3 5-8 12 14-17 22 25-26 35 37 42 46-47 55 68 80 87-89 93-94 105-106 109 112-115 117-118 120 122-123 125 130-134 136-141 148-149 153-154 156-158 160 164-165 169-172 175-178 180-182 191 194-203 208-211",
);
