/* SPDX-License-Identifier: Apache-2.0 */
/* hop-dynamic with a bounds check and a read-modify-write of the packet in each program. */
#define TOUCH
#include "hop-dynamic.c"
