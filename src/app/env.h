/*
 * env: what the hub lends to its sessions and transfers: endpoint, outboxes,
 * chunk pools, the table of transfers, the time of the current call.
 *
 * Names and reasons of peers leave for the ui through env_tell, which sanitises.
 * What a peer says goes through env_tell_raw: it is made safe where it is shown.  Owned by the net thread.
 */
#ifndef DUET_APP_ENV_H
#define DUET_APP_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/chunk.h"
#include "app/hub_config.h"
#include "app/notice.h"
#include "app/outbox.h"
#include "app/served.h"
#include "base/time.h"
#include "conn/endpoint.h"

#define TRANSFERS_PER_PEER 32                              /* under way to one session, or from one key */
#define TRANSFERS_MAX 256                                  /* in all, half of them for each direction */
#define DISK_JOBS_MAX (2 * CHUNK_POOL + 2 * TRANSFERS_MAX) /* queued for the disk at once */

/* From here on a session's streams are left unread until the ui caught up. */
#define UI_LONG_MESSAGES 256
#define UI_LONG_TEXT_BYTES (4 * 1024 * 1024)

/* Of all peers together.  Beyond it the session whose text stays unfinished longest is closed. */
#define UNFINISHED_TEXT_BYTES (16 * 1024 * 1024)

struct transfer;

struct env {
    struct hub_config cfg;
    struct endpoint *endpoint;
    duet_time now; /* of the call the hub is in */
    struct outbox ui, disk;
    struct served served; /* commands that the front end answers */
    struct chunk_pool *send_pool, *recv_pool;
    struct transfer *transfers[TRANSFERS_MAX];
    size_t transfer_count;
    size_t live_count;    /* sessions that are LIVE: peers that trust us and are trusted */
    size_t transfer_turn; /* whose turn it is to read first */
    uint32_t last_transfer;
    size_t unfinished_text_bytes; /* memory of texts of which parts are missing */
    bool quitting;                /* no new offers */
    bool dirty;                   /* something may be able to move on */
};

/* A message to ui.  If there is no memory for it, ui.lost is set, and every session ends. */
void env_post(struct env *env, struct notice m);
/* A snapshot of a transfer: replaces the one still waiting, if any. */
void env_post_progress(struct env *env, struct notice m);

/* Posts m with a text made of fmt and sanitised as one line; m.text is overwritten. */
void env_tell(struct env *env, struct notice m, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* What a peer said, `len` bytes, as it came; only a NUL becomes U+0001.  false: out of memory, nothing was pushed. */
bool env_tell_raw(struct env *env, struct notice m, const char *text, size_t len);

/* NOTICE_WORDS of a trouble of ours or news about `conn`. */
#define env_notice(env, conn, error, ...) \
    env_tell((env), (struct notice){.type = NOTICE_WORDS, .peer = (conn), .words = {.is_error = (error)}}, __VA_ARGS__)

bool env_ui_is_long(const struct env *env);

#endif
