/*
 * outsider: who attacks a node without a session: it has addresses of its own,
 * or forges those of others, and no node of the world is it.  What the victim
 * sends to such an address comes to it (world.h, stray).
 */
#ifndef SIM_OUTSIDER_H
#define SIM_OUTSIDER_H

#include <stddef.h>
#include <stdint.h>

struct world;
struct outsider;

/* X(name, what it does) */
#define OUTSIDER_LIST(X)                                                                 \
    X(OUTSIDER_SIEGE, "few hosts, with good tokens, hold all half-open places")          \
    X(OUTSIDER_WASTE, "few hosts repeat SYNs with good tokens that can only be refused") \
    X(OUTSIDER_FORGER, "sees the SYN, and answers it before the victim does with whatever it can")
enum outsider_kind {
#define X(name, what) name,
    OUTSIDER_LIST(X)
#undef X
};
#define X(name, what) +1
enum { OUTSIDER_KINDS = OUTSIDER_LIST(X) };
#undef X

const char *outsider_name(enum outsider_kind kind);

/* It does its worst to `victim`, and to those who call it, from now until `until_us`. */
void outsider_begin(struct world *w, enum outsider_kind kind, size_t victim, uint64_t until_us);
/* Did it attack at all, and was it held to what it may cost? */
void outsider_check(struct world *w);
void outsider_free(struct outsider *o);

#endif
