/* Two nodes in one process, as a program has them: all by duet.h. */
#ifndef TEST_UNIT_API_TWO_H
#define TEST_UNIT_API_TWO_H

#include <duet/duet.h>

#define TWO_WAIT_MS 200000 /* everything here takes milliseconds: only a bug takes this long */

/* On loopback, at a free port, with a key of its own and nothing on disk. */
struct duet_options two_options(void);

struct duet_node *two_start(const struct duet_options *options, char secret);

/* The next event of this type, everything before it let go. */
const struct duet_event *two_await(struct duet_node *n, uint32_t type);

/* Where it can be dialled, by its LISTENING. */
const char *two_host(struct duet_node *n, char out[DUET_DIALLED_BYTES]);

struct two {
    struct duet_node *a, *b; /* a waits, b dialled it */
    uint64_t at_a, at_b;     /* the peer, as each knows it */
};

/* Connected, both trusting everybody. */
struct two two_connect(const struct duet_options *a, const struct duet_options *b);
void two_free(struct two *t);

#endif
