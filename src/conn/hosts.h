/*
 * hosts: what each host that sends SYNs has here: half-open places, and answers
 * it may still ask for.  A host is what addr_same_site says: whoever has one
 * address of an IPv6 /64 has all of them.
 *
 * Answers are a token bucket: HOSTS_ANSWERS at once, one more each
 * HOSTS_ANSWER_US; one that came to nothing costs HOSTS_WASTED of them.
 *
 * A table of fixed size, made when the first host needs an entry: who only calls has none.  A host
 * without a place gives way to the next one when its set is full.  The secret keeps strangers from
 * choosing sets.  Virtual time.
 */
#ifndef DUET_CONN_HOSTS_H
#define DUET_CONN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

#define HOSTS_SETS 128
#define HOSTS_WAYS 8          /* 256 half-open hosts at random leave no room in a set once in some thousand times */
#define HOSTS_ANSWERS 128     /* to a host that was silent for 8 s */
#define HOSTS_ANSWER_US 62500 /* 16 a second: 2 ms of CPU time */
#define HOSTS_WASTED 8        /* two wasted ones a second */

struct host {
    uint64_t tag; /* keyed hash of the site; 0: free */
    uint32_t half_open;
    duet_time owed_until; /* the answers it had, at one each HOSTS_ANSWER_US, take until then */
    duet_time wasted_at;  /* when an answer to it last came to nothing; DUET_NEVER */
};

struct hosts {
    uint64_t secret;
    struct host (*set)[HOSTS_WAYS]; /* HOSTS_SETS of them; NULL: none yet */
};

void hosts_init(struct hosts *h, uint64_t secret);
void hosts_dispose(struct hosts *h);

/* Its entry, made if need be; stays valid while half_open > 0 or until the next call.  NULL: no
 * room for one more, or no memory. */
struct host *hosts_at(struct hosts *h, const struct duet_addr *addr, duet_time now);

/* Has it an answer left?  Takes it. */
bool host_takes_answer(struct host *h, duet_time now);
/* The answer came to nothing. */
void host_wasted(struct host *h, duet_time now);

#endif
