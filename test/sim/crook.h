/*
 * crook: a node that keeps to the transport and to nothing else: a bare endpoint whose application messages are
 * written here, as bytes, to wear its victim out.  World and ui know that it is one: nothing it does is a deed, and
 * what its victim hears of it is not checked.
 */
#ifndef SIM_CROOK_H
#define SIM_CROOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "conn/endpoint.h"

struct world;
struct node;
struct source;
struct crook;

/* X(name, what it does) */
#define CROOK_LIST(X)                                                                   \
    X(CROOK_FLOOD, "says texts of one byte as fast as it may")                          \
    X(CROOK_LONG, "says texts as long as they may be, one after the other")             \
    X(CROOK_OFFERS, "offers files and sends none of them")                              \
    X(CROOK_NAMES, "offers and cancels files of one name without end")                  \
    X(CROOK_DEAF, "asks, and reads nothing")                                            \
    X(CROOK_MISER, "accepts, and gives no credit, no receipt and no answer")            \
    X(CROOK_RESETS, "resets streams that nobody knows, as many as fit")                 \
    X(CROOK_SESSIONS, "begins one session after the other with one key")                \
    X(CROOK_PARK, "comes as one stranger after the other, fills its windows, and dies") \
    X(CROOK_STRANGERS, "a thousand strangers a minute, of ten hosts")
enum crook_kind {
#define X(name, what) name,
    CROOK_LIST(X)
#undef X
};
#define X(name, what) +1
enum { CROOK_KINDS = CROOK_LIST(X) };
#undef X

const char *crook_name(enum crook_kind kind);
/* Comes without being asked for, one key after the other; the victim's user lets none of them in. */
bool crook_is_stranger(enum crook_kind kind);

/* Makes the node a crook, to be started like any other; from `at_us` until `until_us` it does its worst to `victim`. */
void crook_make(struct world *w, struct node *n, enum crook_kind kind, size_t victim, uint64_t at_us,
                uint64_t until_us);
void crook_free(struct crook *c);

/* Its part of a turn: takes the events of its endpoint, and writes what it has to say. */
void crook_work(struct world *w, struct node *n);

#endif
