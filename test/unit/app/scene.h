/*
 * scene: a hub with all that is around it, so that a test can look at the
 * application core from every side: the test is its user (tells it messages,
 * reads what it is told), its disk (jobs come here, the test answers them), and
 * its peer, the guest: a bare endpoint at the other end of a wire (conn/pair.h),
 * whose application messages the test writes itself, honest or not.
 *
 * Virtual time; nothing happens but in scene_run and scene_tell.
 */
#ifndef DUET_TEST_SCENE_H
#define DUET_TEST_SCENE_H

#include "../conn/pair.h"
#include "app/hub.h"
#include "app/peer.h"

enum { SCENE_HUB, SCENE_GUEST }; /* sides of the pair */

#define SCENE_KEPT 8192

/* An application message the guest got; its payload is kept in `bytes`. */
struct scene_heard {
    struct appmsg m;
    uint8_t *bytes;
};

struct scene {
    struct pair pair;
    struct hub *hub;
    conn_id peer; /* the guest, as the hub names it: of the last NOTICE_PEER_KEY */
    bool ui_stands_still;
    struct notice told[SCENE_KEPT]; /* to ui, in order */
    size_t told_count;
    struct disk_job jobs[SCENE_KEPT]; /* to disk, in order */
    size_t job_count;
    bool guest_is_deaf; /* reads nothing */
    struct channel guest_in[2];
    struct scene_heard heard[SCENE_KEPT]; /* by the guest, of either stream */
    size_t heard_count;
    bool guest_closed; /* the hub's side ended it: */
    uint64_t guest_close_code;
    char guest_close_reason[LIMIT_REASON_BYTES + 1];
    size_t guest_stopped; /* STOP_STREAMs the guest got */
};

/* The one scene of the test's process, made anew; cfg NULL: takes files, asks first, answers commands. */
struct scene *scene_open(const struct hub_config *cfg);
/* For what hub_config does not say: before endpoints exist.  `params` of both sides. */
struct scene *scene_open_with(const struct hub_config *cfg, const struct params *params);
void scene_close(struct scene *s);

/* The guest calls (again); the user is asked about its key. */
void scene_meet(struct scene *s);
/* What was told and heard so far, and the jobs so far, are not of interest any more. */
void scene_forget(struct scene *s);
/* … is answered yes, and the guest says HELLO with these flags: NOTICE_CONNECTED. */
void scene_befriend(struct scene *s, uint64_t hello_flags);
#define SCENE_HELLO_ALL (HELLO_TAKES_FILES | HELLO_SERVES)

void scene_run(struct scene *s, uint64_t us);
/* From ui.  Text is copied. */
void scene_tell(struct scene *s, struct request m);
void scene_tell_text(struct scene *s, struct request m, const char *text);

/* From disk; it takes over what the result owns. */
void scene_done(struct scene *s, struct disk_result done);
/* A file of that many bytes is open: the answer to the n-th JOB_OPEN. */
void scene_opened(struct scene *s, size_t n, const char *name, uint64_t bytes);
/* The n-th JOB_READ brought a whole chunk. */
void scene_read(struct scene *s, size_t n);

/* What ui was told of this type: how often, and the n-th (from 0; NULL: not so often). */
size_t scene_told_count(const struct scene *s, enum notice_type type);
const struct notice *scene_told(const struct scene *s, enum notice_type type, size_t n);
/* Place among all that ui was told; SIZE_MAX: it was not. */
size_t scene_told_at(const struct scene *s, enum notice_type type);
const struct disk_job *scene_job(const struct scene *s, enum disk_job_type type, size_t n);
size_t scene_job_count(const struct scene *s, enum disk_job_type type);

/* The guest's application messages: well formed; or bytes of any kind.  false: not all of it could
 * be written, since it is over or the hub did not read for two seconds. */
bool scene_guest_says(struct scene *s, const struct appmsg *m);
void scene_guest_hello(struct scene *s, uint64_t flags);
bool scene_guest_text(struct scene *s, uint32_t number, const char *text);
void scene_guest_offers(struct scene *s, uint32_t id, uint64_t stream, const char *name, uint64_t bytes);
bool scene_guest_writes(struct scene *s, uint64_t stream, const uint8_t *bytes, size_t len);
bool scene_guest_payload(struct scene *s, uint64_t stream, uint8_t type, const uint8_t *payload, size_t len);

/* What the guest heard of this type. */
size_t scene_heard_count(const struct scene *s, enum appmsg_type type);
const struct appmsg *scene_heard(const struct scene *s, enum appmsg_type type, size_t n);

#endif
