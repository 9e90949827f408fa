/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the BPF programs and the tests. */
#ifndef SEQ_PUT_DECIMAL_H
#define SEQ_PUT_DECIMAL_H

#define FIFTY_BYTES	"A delimiter is no format: %s, %n and %llu stay so. "
#define LONG_DELIMITER	(FIFTY_BYTES FIFTY_BYTES FIFTY_BYTES FIFTY_BYTES FIFTY_BYTES)

/* the kfunc to call, and the delimiter to pass */
enum which_call { ULL_NONE, ULL_CHAR, ULL_LONG, LL_NONE, LL_CHAR, LL_LONG, NR_CALLS };

#endif /* SEQ_PUT_DECIMAL_H */
