/*
 * state: what is behind a struct duet_node, and what the files of this room do for each other.
 *
 *   node.c    options in, node out, the end                     options.c    what the options say, checked
 *   dial.c    calls: a name is looked up, then called           peers.c      who is there, and who waits to be let in
 *   talk.c    texts, files, questions                           events.c     messages of the node become events
 *
 * A duet_node is used by one thread at a time, so nothing here is locked.
 */
#ifndef DUET_API_STATE_H
#define DUET_API_STATE_H

#include <duet/duet.h>

#include "app/notice.h"
#include "app/request.h"
#include "base/idmap.h"
#include "crypto/fingerprint.h"
#include "io/identity.h"
#include "io/known.h"
#include "io/lookup.h"
#include "io/node.h"
#include "io/resolve.h"

struct duet_identity {
    struct identity id; /* dir "": lives in memory only */
    char name[LIMIT_NAME_BYTES + 1];
};

/* A call of the caller's: from duet_dial to its outcome. */
struct api_call {
    uint32_t id; /* 0: free */
    bool looks_up;
    bool is_called, is_cancelled; /* the event that says so is due */
    duet_time told_at;            /* a slow lookup; NEVER: told, or none */
    duet_time give_up_at;         /* a lookup */
    struct resolve_query query;
    size_t count; /* once it is called */
    struct duet_addr addrs[CALL_ADDRESSES];
};

/* A peer that waits to be let in. */
struct api_stranger {
    struct duet_peer_key key;
    char dialled[RESOLVE_TEXT_BYTES]; /* "": it came to us */
    enum known_verdict on_file;       /* what a yes is about */
    int file_err;
};

/* A peer from NOTICE_PEER_KEY to its end. */
struct api_peer {
    conn_id id;
    bool is_connected;
    struct api_stranger *stranger; /* NULL: it was answered */
};

struct duet_node {
    struct node *node;
    struct duet_identity identity;
    struct lookups *lookups; /* NULL: quitting */
    int epoll_fd, timer_fd;
    duet_time armed; /* what timer_fd is set to */
    enum duet_trust_policy trust;
    struct expected_keys only; /* peer_fingerprint; count 0: any */
    int family;
    uint64_t connect_timeout_us;
    bool quit_sent, stopped;
    struct api_call calls[DUET_CALLS];
    size_t call_count;  /* of them with an id: mostly none, and then nobody looks */
    struct idmap peers; /* of struct api_peer */

    /* The event handed out last. */
    struct duet_event event;
    struct notice message;
    bool has_message;
    struct duet_peer_key key;
    char dialled[RESOLVE_TEXT_BYTES];
    char words[DUET_ERROR_BYTES], known_words[DUET_ERROR_BYTES];
    struct duet_peer_stats stats;
    struct duet_progress progress;
};

/* ---- state.c ---- */

/* A line for the caller, who may want none. */
void api_complain(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* n->event has these words, cut to fit. */
void api_event_text(struct duet_node *n, const char *text);

/* ---- options.c ---- */

/* The caller's options, of whatever size, as ours; checked.  0, DUET_EINVAL, DUET_EUNSUPPORTED and a line. */
int api_options_read(const struct duet_options *from, struct duet_options *out, char *error);

/* ---- dial.c ---- */

/* What lookups and time bring: fills in n->event.  false: nothing. */
bool api_calls_next(struct duet_node *n, duet_time now);
/* Whose answer a call of `dialled` is for. */
void api_calls_expect(const struct duet_node *n, const char *dialled, struct expected_keys *out);
/* The descriptor is readable when api_calls_next has something. */
void api_arm(struct duet_node *n);
/* The number of the call that led to this NOTICE_PEER_KEY, 0: none, and what it had dialled.  The call is over with
 * it. */
uint32_t api_call_answered(struct duet_node *n, uint32_t id, const struct duet_addr *addr,
                           char dialled[RESOLVE_TEXT_BYTES]);
void api_call_over(struct duet_node *n, uint32_t id);
/* Nobody is looked up any more: those calls fail. */
void api_calls_cancel(struct duet_node *n);
void api_calls_free(struct duet_node *n);

/* ---- peers.c ---- */

struct api_peer *api_peer(const struct duet_node *n, uint64_t peer); /* NULL: unknown */
/* NOTICE_PEER_KEY: fills in n->event, having answered it where the policy does.  false: no memory; it was turned
 * away. */
bool api_peer_came(struct duet_node *n, const struct notice *m);
void api_peer_gone(struct duet_node *n, uint64_t peer);
void api_peers_free(struct duet_node *n);

/* ---- identity.c ---- */

/* As much of it as the caller's header knows of: out->size is filled in. */
void api_known_give(const struct known_match *match, struct duet_known *out);

/* known_check and known_accept, where nothing is on file for one that lives in memory only. */
int api_known_check(const struct duet_identity *id, const struct known_peer *who, struct known_match *out,
                    char error[DUET_ERROR_BYTES]);
int api_known_accept(const struct duet_identity *id, const struct known_peer *who, enum known_verdict expected,
                     struct known_match *out, char error[DUET_ERROR_BYTES]);

#endif
