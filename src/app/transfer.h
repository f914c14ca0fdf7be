/*
 * transfer: what both directions of a file transfer share: the table of all
 * transfers, their end, their progress.  The work is in transfer_send and
 * transfer_recv; what may happen when is in transfer_rules.
 *
 * Life: an entry is made, moves through the states, tells ui its outcome once
 * (transfer_fail, or NOTICE_SENT / NOTICE_RECEIVED) and is then ENDED; it is freed by
 * transfers_sweep when the disk has answered every job and the endpoint holds no
 * piece of it.  `peer` is NULL once the session is gone.
 *
 * Owned by the net thread.
 */
#ifndef DUET_APP_TRANSFER_H
#define DUET_APP_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/chunk.h"
#include "app/disk_job.h"
#include "app/env.h"
#include "app/peer.h"
#include "app/progress.h"
#include "app/transfer_rules.h"

struct transfer {
    uint32_t id; /* ours, as ui knows it; on the wire when we send */
    bool sending;
    enum transfer_state state;
    struct peer *peer; /* NULL: its session is gone */
    conn_id conn;
    uint64_t stream; /* bulk */
    bool has_stream; /* the endpoint knows it as ours to reset or stop */
    bool quiet;      /* the peer reset or stopped it; why comes on the control stream */
    bool shown;      /* ui knows it by its id */
    bool on_disk;    /* the disk was told to open or create it, and not yet to forget it */
    char *name;      /* sanitised; sending: the path until it is open */
    uint64_t size;
    unsigned jobs_out; /* jobs queued and not answered (JOB_ABORT: not handed over) */
    struct progress progress;
    bool limited_by_disk; /* since the last snapshot */
    union {
        struct {
            uint32_t ui_id;       /* of REQUEST_SEND */
            uint64_t asked_bytes; /* read or being read */
            uint64_t supplied_bytes;
            uint64_t released_bytes;
            uint64_t acked_bytes; /* by the peer, as last looked at: it never shrinks */
            unsigned pieces;      /* chunks of the pool that are the endpoint's; their holder is our id */
        } out;
        struct {
            uint32_t remote_id; /* the sender's number */
            struct chunk *open; /* being filled */
            duet_time open_since;
            duet_time moved_at;  /* when it began, or bytes last came or were written */
            unsigned chunks_out; /* being written */
            bool partial_out;    /* one of them was not full */
            uint64_t cap;        /* the share of the pool last given: most it may have outstanding */
            uint64_t limit;      /* highest credit ever granted: a promise that stays */
            uint64_t received_bytes, consumed_bytes;
            bool finished, has_digest;
            uint8_t digest[DIGEST_BYTES];
        } in;
    };
};

/* Why a transfer fails. */
struct transfer_trouble {
    int err;                /* DUET_E… for ui */
    int sys;                /* errno where err is DUET_ESYS and the disk is ours; else 0 */
    uint64_t code;          /* enum transfer_code for the peer; 0: it knows, or is gone */
    const char *words;      /* for ui; NULL: those of code */
    const char *peer_words; /* for the peer; NULL: the same */
};

/* May one that holds `mine` of the `held` places in all have one more?  Nobody gets more than are
 * left for the others: so two, three or four who take what they can still leave places, and only
 * the ninth finds none of 128. */
bool place_is_fair(size_t mine, size_t held, size_t places);

/* NULL: no room for one more with this peer or at all (*why WHY_BUSY), or no memory (WHY_MEMORY).  name is copied. */
struct transfer *transfer_new(struct env *env, struct peer *peer, bool sending, const char *name,
                              enum transfer_code *why);
size_t transfer_count(const struct env *env, const struct peer *peer, bool sending); /* not ENDED */

bool transfers_full(const struct env *env, bool sending); /* no place for one more at all */

struct transfer *transfer_find(struct env *env, uint32_t id);
struct transfer *transfer_by_stream(struct env *env, conn_id conn, uint64_t stream, bool sending);

/* Asks the table; a violation dooms the peer.  True: act. */
bool transfer_may(struct transfer *t, enum transfer_event event);

/* Queues a job for the disk; the transfer stays until it was answered, or, JOB_ABORT, was handed over. */
void transfer_job(struct env *env, struct transfer *t, struct disk_job job);
void transfer_job_left(struct env *env, const struct disk_job *job); /* it was handed over */

/* Tells ui and peer, stops the stream, has the disk forget the file; the state is ENDED. */
void transfer_fail(struct env *env, struct transfer *t, const struct transfer_trouble *why);
/* Ends without a word to ui (it was told) and has the disk forget the file. */
void transfer_end(struct env *env, struct transfer *t);

/* Trouble on our own disk, as its answer says. */
void transfer_fail_disk(struct env *env, struct transfer *t, const struct disk_result *done);

/* The peer ended it with REFUSE, FAILED or CANCEL. */
void transfer_ended_by_peer(struct env *env, struct transfer *t, const struct appmsg *m);

/* From ui. */
void transfer_cancel(struct env *env, struct transfer *t);

/* The session ended: `words` say how.  Its pieces stay the endpoint's until transfers_forget_peer. */
void transfers_gone(struct env *env, const struct peer *peer, int err, const char *words);
/* EVENT_CLOSED: the connection holds nothing any more, `peer` goes away. */
void transfers_forget_peer(struct env *env, const struct peer *peer);

/* Snapshots of what is under way, for ui. */
void transfers_report(struct env *env);
bool transfers_moving(const struct env *env);

/* Frees ended transfers that nobody holds on to. */
void transfers_sweep(struct env *env);
void transfers_dispose(struct env *env);

#endif
