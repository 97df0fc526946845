/* SPDX-License-Identifier: Apache-2.0 */
/* hop-random with a bounds check and a read-modify-write of the packet in each program. */
#define TOUCH
#include "hop-random.c"
