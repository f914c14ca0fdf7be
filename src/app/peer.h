/*
 * peer: what the parts of a session share: its connection, its name, its two
 * channels, and the one way to say that it must end.
 *
 * Nobody closes a connection in the middle of handling one of its messages:
 * peer_doom notes why, the session acts on it when it is back at its own level.
 * Owned by the net thread.
 */
#ifndef DUET_APP_PEER_H
#define DUET_APP_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/appmsg.h"
#include "app/channel.h"
#include "conn/endpoint.h"
#include "crypto/noise.h"

/* Most bytes waiting for the transport.  ASKS_MAX answers and what transfers say fit; a peer that asks on without ever
 * reading is closed. */
#define PEER_CONTROL_OUT_BYTES (4 * 1024 * 1024)
#define PEER_CHAT_OUT_BYTES (64 * 1024)

#define PEER_NAME_BYTES (LIMIT_NAME_BYTES * 4 + 1)

struct peer {
    conn_id conn;
    uint8_t key[NOISE_KEY_BYTES]; /* who holds it may have several sessions */
    char name[PEER_NAME_BYTES];   /* as peer_name made it */
    bool takes_files, serves;     /* of its HELLO */
    bool gone;                    /* closing or closed: nothing more is said to it */
    bool unreachable;
    bool doomed;
    uint64_t doom_code;      /* enum close_code */
    const char *doom_reason; /* a literal */
    struct channel control, chat;
    uint32_t last_offered;   /* highest transfer number we offered it */
    uint32_t last_offer;     /* highest transfer number it offered */
    uint32_t refused_offers; /* out of hand: ui never saw a transfer */
    bool any_stream;         /* it named a bulk stream before: */
    uint64_t last_stream;
};

/* The display name it chose, as we show it: sanitised, never empty, one word without < and > (they and blanks become
 * '_'), so that "<NAME> text" and "* NAME left" have one reading. */
void peer_name(const char *sent, size_t len, char out[PEER_NAME_BYTES]);

/* Of one holder of a key, be it over one session or two: what is shared out evenly is shared among these. */
bool peer_is_same(const struct peer *a, const struct peer *b);

/* Queues a message on the control stream (TEXT: chat); no effect once gone or doomed.
 * Without room or memory the peer is doomed: nothing is lost silently. */
void peer_send(struct peer *p, const struct appmsg *m);

/* The session has to end; the first reason counts. */
void peer_doom(struct peer *p, enum close_code code, const char *reason);

#endif
