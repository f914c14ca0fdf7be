/*
 * hub: the application core: all sessions of one endpoint, their chats,
 * transfers and services.  Sans-I/O like the endpoint it drives: messages and
 * endpoint events in, messages out; the net thread (io/net) or the simulator
 * turns the crank.
 *
 *   hub_handle, hub_handle_disk   a request of ui, a result of the disk; takes ownership of it
 *   hub_run       drains the endpoint's events, moves work forward; after every call of the endpoint,
 *                 above all each endpoint_recv: extents point into that train
 *   hub_next_ui, hub_next_disk   messages to push; hub_took_… after the push was accepted
 *   hub_deadline, hub_tick       progress snapshots and timers of its own; the deadline is 0 while work waits
 *
 * Owned by the net thread.
 */
#ifndef DUET_APP_HUB_H
#define DUET_APP_HUB_H

#include <stdbool.h>

#include "app/disk_job.h"
#include "app/hub_config.h"
#include "app/notice.h"
#include "app/request.h"
#include "base/time.h"
#include "conn/endpoint.h"

struct hub;

/* The endpoint is borrowed and outlives the hub.  NULL: out of memory. */
struct hub *hub_new(const struct hub_config *cfg, struct endpoint *e);
void hub_free(struct hub *h);

void hub_handle(struct hub *h, struct request *m, duet_time now);
void hub_handle_disk(struct hub *h, struct disk_result *done, duet_time now);
void hub_run(struct hub *h, duet_time now);

/* The oldest message waiting to leave, NULL: none.  It stays the hub's until hub_took_…. */
struct notice *hub_next_ui(struct hub *h);
void hub_took_ui(struct hub *h);
struct disk_job *hub_next_disk(struct hub *h);
void hub_took_disk(struct hub *h);

duet_time hub_deadline(const struct hub *h);
void hub_tick(struct hub *h, duet_time now);

/* Once after files or sessions have ended and nothing is under way: their memory was freed, and may go back to the
 * system. */
bool hub_gave_back(struct hub *h);

/* Is an attempt to reach somebody under way? */
bool hub_is_calling(const struct hub *h);

/* After REQUEST_QUIT: has every connection been closed and every file let go? */
bool hub_done(const struct hub *h);

#endif
