/*
 * lookup: names to addresses off everybody's thread, a bounded number at once.
 *
 *   lookups_start ──▶ a thread of its own: getaddrinfo ──▶ lookups_fd is readable ──▶ lookups_next
 *        └── lookups_cancel, lookups_free: the answer is for nobody any more
 *
 * Nothing interrupts getaddrinfo: with a DNS server that is dead it takes half a minute and more,
 * and whoever gives up must not wait for that.  Hence a detached thread for each name, which shares
 * with its owner only what is counted: whoever lets go last frees it. A lookup nobody waits for any
 * more ends when the resolver does, or with the process; its place is taken until then.
 * getaddrinfo_a does the same with threads that nobody can let go of, and wants its memory to stay.
 *
 * All functions: one thread, the ui's.
 */
#ifndef DUET_IO_LOOKUP_H
#define DUET_IO_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "io/resolve.h"

#define LOOKUPS_AT_ONCE 16 /* threads, those of abandoned lookups among them */

struct lookups;

/* What answers, in the thread of the lookup: resolve_name; a test's own. */
typedef void lookup_resolver(const struct resolve_query *q, struct resolve_result *out);

/* NULL: out of memory or file descriptors (errno). */
struct lookups *lookups_new(lookup_resolver *resolver);
/* Those under way are abandoned.  NULL is fine. */
void lookups_free(struct lookups *l);

/* id: the owner's, not 0, of no other under way.  0; DUET_EFULL: too many at once; DUET_ENOMEM; DUET_ESYS: errno. */
int lookups_start(struct lookups *l, uint32_t id, const struct resolve_query *q);
/* No answer will come.  Unknown ids: no effect. */
void lookups_cancel(struct lookups *l, uint32_t id);

/* Readable while lookups_next has something. */
int lookups_fd(const struct lookups *l);
/* false: none for now. */
bool lookups_next(struct lookups *l, uint32_t *id, struct resolve_result *out);

#endif
