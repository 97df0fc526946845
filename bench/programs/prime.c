/* SPDX-License-Identifier: Apache-2.0 */
/* Primes among the odd numbers from 3 to 599, by trial division with 64-bit remainders. */
#include "bench.h"

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u64 primes = 0;

	LOOP
	for (__u64 n = 3; n < 600; n += 2) {
		__u64 is_prime = 1;

		LOOP
		for (__u64 d = 3; d * d <= n; d += 2) {
			if (n % d == 0) {
				is_prime = 0;
				break;
			}
		}
		primes += is_prime;
	}
	return primes;
}
