/*
 * duet: chat, files and requests between peers, encrypted, over UDP.
 *
 * A node is one UDP socket with all its peers, and the threads that serve it.  Start one, dial somebody or wait, decide
 * whom to trust, and take events until you are done:
 *
 *     struct duet_options options;
 *     struct duet_node *node;
 *     const struct duet_event *event;
 *     char error[DUET_ERROR_BYTES];
 *
 *     duet_options_init(&options, sizeof(options));
 *     options.trust = DUET_TRUST_NEW;
 *     if (duet_node_new(&options, &node, error) != 0)
 *         errx(1, "%s", error);
 *     duet_dial(node, 1, "example.org", NULL);
 *     while (duet_wait(node, -1, &event) == 1)
 *         if (event->type == DUET_EVENT_CONNECTED)
 *             duet_say(node, event->peer, 1, "hello", 5);
 *         else if (event->type == DUET_EVENT_DELIVERED)
 *             duet_quit(node, false);
 *     duet_node_free(node);
 *
 * THREADS.  A node is used by one thread at a time; different nodes, of which a process may have several, by different
 * threads.  There is no global state.  The threads inside block every signal, and nothing calls back: duet_fd is one
 * descriptor to poll, duet_next gives what has happened since.
 *
 * NUMBERS.  A peer is a uint64_t, a transfer a uint32_t; both are given by the library, are never 0, and are not used
 * again while the node lives.  What you begin (a call, a text, a file, a question) has a number of your choice, `id`,
 * which comes back in the events about it.  Sizes are bytes, UTF-8 for text; durations microseconds, as their names say.
 *
 * MEMORY.  What you pass in is copied.  An event, and everything it points to, belongs to the node and is valid until
 * the next duet_next, duet_wait or duet_node_free.  Structs that you fill in or have filled in begin with their size:
 * a program that was built with an older header works with a newer library.
 *
 * ERRORS.  Functions return 0 or a negative code of common.h.  DUET_EINVAL: an argument is NULL, empty or out of range,
 * as said there; nothing was done.  DUET_ENOMEM: nothing was done.  Both are possible wherever int is returned, and are
 * not named again below.  Where a function takes `error` (DUET_ERROR_BYTES, or NULL), it has a line for people, which
 * says what failed, why, and what to do.
 *
 * TRUST.  Nothing of a peer is processed before its key is trusted.  Each peer, whoever called whom, begins with
 * DUET_EVENT_KEY; `trust` of the options says who decides.  The file known_peers in the directory of the identity
 * remembers which key had which name and answered at which address.
 *
 * ORDER.  Each DUET_EVENT_KEY is followed by exactly one DUET_EVENT_LEFT or DUET_EVENT_LOST of that peer, each call by
 * DUET_EVENT_KEY with its number, DUET_EVENT_ALREADY or DUET_EVENT_FAILED; each text by DELIVERED or UNSENT while its
 * peer lasts; each file sent by SENT or TRANSFER_FAILED, each OFFER by RECEIVED or TRANSFER_FAILED, each question by
 * ANSWER.  What belongs to a peer comes before its end, with one exception: a file all of whose bytes had arrived is
 * still stored, and RECEIVED (or its failure) may come later.
 */
#ifndef DUET_DUET_H
#define DUET_DUET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <duet/common.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUET_ERROR_BYTES 256
#define DUET_DIALLED_BYTES 300        /* "host:port" */
#define DUET_SHOWN_NAME_BYTES 257     /* a peer's display name, made safe to show */
#define DUET_TEXT_BYTES (1 << 20)     /* most bytes of one text */
#define DUET_QUESTION_BYTES (1 << 14) /* most bytes of one question */
#define DUET_CALLS 64                 /* under way at once, of which 16 still look up their name */
#define DUET_TRANSFERS 128            /* under way in each direction; 32 with one peer */

/* Limits of the options of the same names. */
#define DUET_WINDOW_MIN_BYTES (64 * 1024)
#define DUET_WINDOW_MAX_BYTES (48 * 1024 * 1024)
#define DUET_PACKET_MIN_BYTES 1200
#define DUET_PACKET_MAX_BYTES 65507
#define DUET_HEARTBEAT_MIN_US 500000
#define DUET_HEARTBEAT_MAX_US 60000000

/* Microseconds since 1970, UTC, for what people read. */
DUET_API uint64_t duet_wall_us(void);

/* Who encrypts on this machine, in words: "AES-128-GCM by ipsec-mb, ChaCha20-Poly1305 by libcrypto".  Returns out. */
#define DUET_CIPHERS_BYTES 160
DUET_API const char *duet_ciphers(char out[DUET_CIPHERS_BYTES]);

/* ---- identity ---- */

/* The key pair of a user, and the directory where it lives.  Any thread, one at a time. */
struct duet_identity;

/* Loads the key, and makes it when there is none.  `home`: the directory; NULL: $DUET_HOME, else $XDG_STATE_HOME/duet,
 * else ~/.local/state/duet; made 0700 when missing.  DUET_ENOTFOUND: there is no place for it; DUET_ETRUST: others can
 * read or write it; DUET_EMALFORMED: that is not a key; DUET_ERANGE: the path is too long; DUET_ESYS. */
DUET_API int duet_identity_open(const char *home, struct duet_identity **out, char *error);
/* One that lives in memory only: nothing is read or written, nobody is remembered.  `secret`: DUET_KEY_BYTES bytes;
 * NULL: random ones.  DUET_ESYS: no randomness. */
DUET_API int duet_identity_new(const uint8_t *secret, struct duet_identity **out);
/* Wipes it.  Nodes that were started with it have their own copy.  NULL is fine. */
DUET_API void duet_identity_free(struct duet_identity *id);

/* Its public key, DUET_KEY_BYTES; its directory, "" for none; the name of a user who chose none: "user-abcd". */
DUET_API const uint8_t *duet_identity_key(const struct duet_identity *id);
DUET_API const char *duet_identity_directory(const struct duet_identity *id);
DUET_API const char *duet_identity_name(const struct duet_identity *id);

/* ---- who is known ---- */

enum duet_known_verdict {
    DUET_KNOWN_NEW = 0,     /* never seen, and nothing contradicts */
    DUET_KNOWN_SAME = 1,    /* this key is known */
    DUET_KNOWN_MOVED = 2,   /* it is known, but dialled at an address and showing a name that are both new */
    DUET_KNOWN_CHANGED = 3, /* the address dialled, or the name, belongs to another key: somebody may be in between */
};

/* What known_peers says of a peer. */
struct duet_known {
    size_t size;                      /* filled in by you: sizeof(struct duet_known) */
    int32_t verdict;                  /* enum duet_known_verdict */
    bool fresh;                       /* not CHANGED: there is something to remember, the key, a name or an address */
    bool renamed;                     /* SAME, MOVED: it never had this name; `name` is one it had */
    uint32_t line;                    /* of the file, for advice */
    char name[DUET_SHOWN_NAME_BYTES]; /* of the line on file */
    char old_fingerprint[DUET_FINGERPRINT_BYTES]; /* CHANGED: of the key on file */
};

/* `dialled`: "host:port" as DUET_EVENT_KEY gives it, NULL for a peer that came to us; `name`: its display name, NULL:
 * none.  0; DUET_ETRUST: others may write to the file; DUET_EMALFORMED: a line of it, which `error` names; DUET_ESYS;
 * then the verdict is NEW, and nobody should be let in. */
DUET_API int duet_known_check(const struct duet_identity *id, const uint8_t key[DUET_KEY_BYTES], const char *dialled,
                              const char *name, struct duet_known *out, char *error);
/* The same, and if it is `expected`, or SAME where something weaker was expected, it is on the disk when this returns:
 * of two programs only one can take a name or an address for a key.  Any other verdict writes nothing.  Besides the
 * errors above DUET_EFULL. */
DUET_API int duet_known_accept(const struct duet_identity *id, const uint8_t key[DUET_KEY_BYTES], const char *dialled,
                               const char *name, enum duet_known_verdict expected, struct duet_known *out, char *error);

/* ---- a node ---- */

struct duet_node;

enum duet_trust_policy {
    DUET_TRUST_ASK = 0,   /* you answer each DUET_EVENT_KEY, with duet_trust or duet_refuse */
    DUET_TRUST_KNOWN = 1, /* who is on file is let in, everybody else refused */
    DUET_TRUST_NEW = 2,   /* new keys, too, and they are remembered; a key that changed is refused */
};

struct duet_options {
    size_t size; /* set by duet_options_init, like every other default */

    uint32_t trust;      /* enum duet_trust_policy; ASK */
    uint16_t port;       /* 0: any free one; DUET_DEFAULT_PORT */
    bool port_is_a_wish; /* where it is in use, any free one will do */
    bool refuse_calls;   /* nobody can call us, and whom we call is connected a round trip sooner */
    bool receive_files;  /* false: every offer is refused */
    bool accept_offers;  /* offers are accepted without asking you */
    bool serve;          /* the built-in questions, echo, reverse, time, sum, ping and status, are answered */
    bool no_gso;         /* never hand several packets to the kernel at once (UDP_SEGMENT) */
    bool step;           /* one data packet in flight at a time, for teaching and tests */
    int32_t family;      /* 4, 6; 0: both where possible */

    const struct duet_identity *identity; /* borrowed for the call; NULL: that of `home` is opened */
    const char *home;                     /* NULL: as duet_identity_open says */
    const char *name;             /* the name peers see: 1 to DUET_NAME_BYTES of UTF-8; NULL: duet_identity_name */
    const char *peer_fingerprint; /* only this key: others are refused (ASK: you do that), and of several addresses the
                                   * one that shows it has the call; NULL: any */
    const char *bind;             /* an address of this host; NULL: any */
    const char *out_dir;          /* where received files go; NULL: the current directory */
    const char *cc;               /* congestion controller, one of duet_controller; NULL: the default */
    const char *trace;            /* a file for what the transport does, as JSON lines; NULL: none */
    const uint8_t *shared_secret; /* DUET_KEY_BYTES that the peer must know as well; NULL: none */

    uint64_t window_bytes;       /* most file bytes in flight; DUET_WINDOW_MAX_BYTES */
    uint64_t max_packet_bytes;   /* largest UDP payload we take; 0: what the path carries */
    uint64_t limit_bytes_per_s;  /* most that is sent to each peer; 0: no limit */
    uint64_t heartbeat_us;       /* a sign of life so often when idle; 5 s */
    uint64_t connect_timeout_us; /* a call, looking up its name included; 30 s */
    uint64_t give_up_us;         /* a peer silent for so long is lost; 0: 10 minutes */
};

/* Defaults.  `size`: sizeof(struct duet_options). */
DUET_API void duet_options_init(struct duet_options *options, size_t size);

/* Binds, opens files, starts the threads.  DUET_EVENT_LISTENING is the first event.  0, or a line in `error` and
 * DUET_ESYS (port in use, no permission, out_dir or trace cannot be written to), DUET_EINVAL (`bind`, or a value out of
 * its limits), DUET_ENOTFOUND (`cc`), DUET_EUNSUPPORTED (an option of a later version), or what duet_identity_open
 * says. */
DUET_API int duet_node_new(const struct duet_options *options, struct duet_node **out, char *error);
/* Says goodbye to everybody at once, unless duet_quit has; waits until they have heard it or 3 s have passed; frees
 * everything.  NULL is fine. */
DUET_API void duet_node_free(struct duet_node *node);

/* A line like "192.0.2.1", "example.org:6254", "::1", "[fe80::1%eth0]:6254": can it be dialled?  `dialled` gets its
 * canonical form, "host:port", as known_peers has it, and may be NULL.  family: as in the options.  DUET_EINVAL. */
DUET_API int duet_host_parse(const char *host, int family, char *dialled, char *error);

/* Calls whoever is at `host`.  id: your number, not 0, of no other call under way.  What follows: LOOKING_UP where the
 * name takes its time, CALLING, TRIED for each of several addresses that came to nothing, then KEY, ALREADY or FAILED.
 * DUET_EINVAL and DUET_ENOTFOUND: an address that cannot be called; DUET_EEXIST: the id; DUET_EFULL: too many calls. */
DUET_API int duet_dial(struct duet_node *node, uint32_t id, const char *host, char *error);
/* Gives up a call whose name is still looked up; no event follows.  DUET_ENOTFOUND: there is none, or it got further,
 * and ends by itself. */
DUET_API int duet_dial_cancel(struct duet_node *node, uint32_t id);

/* The answers to DUET_EVENT_KEY.  remember: the peer is written to known_peers first; it is not let in, and still waits
 * for an answer, where that fails, with the errors of duet_known_accept, or DUET_ETRUST when the file says something
 * else by now than when the event came.  DUET_ENOTFOUND: nobody of this number waits. */
DUET_API int duet_trust(struct duet_node *node, uint64_t peer, bool remember);
/* reason: a line for the peer; NULL: its key is not trusted.  DUET_EVENT_LEFT follows. */
DUET_API int duet_refuse(struct duet_node *node, uint64_t peer, const char *reason);

/* Says goodbye to one peer, at once; DUET_EVENT_LEFT follows.  DUET_ENOTFOUND. */
DUET_API int duet_close(struct duet_node *node, uint64_t peer);
/* We leave as soon as everything under way has come to its end, in either direction: from now on 30 s of silence make
 * a peer lost. */
DUET_API int duet_leave(struct duet_node *node);
/* Ends the node once everything sent is delivered: texts, files, answers.  Files being received are not waited for.
 * at_once: now.  DUET_EVENT_STOPPED is the last event. */
DUET_API int duet_quit(struct duet_node *node, bool at_once);

/* ---- texts, files, questions ----
 *
 * For a peer that is connected: from DUET_EVENT_CONNECTED on (files from duet_trust on: their offers need not wait).
 * DUET_ENOTFOUND: no such peer.  id: your number for it. */

/* Instead of a peer in duet_say, duet_send_file and duet_ask: each that is connected (DUET_ENOTFOUND: nobody).  Each
 * has its own events, with the same id. */
#define DUET_EVERYBODY UINT64_C(0)

/* `bytes` of UTF-8 without a NUL.  DELIVERED follows when the peer has it; UNSENT when it cannot be sent: longer than
 * DUET_TEXT_BYTES, or too many wait already. */
DUET_API int duet_say(struct duet_node *node, uint64_t peer, uint32_t id, const char *text, size_t bytes);

/* SENDING follows when the file was opened and offered, SENT when the peer has verified, synced and stored it;
 * TRANSFER_FAILED otherwise.  More than may be under way wait for their turn. */
DUET_API int duet_send_file(struct duet_node *node, uint64_t peer, uint32_t id, const char *path);

/* The answers to DUET_EVENT_OFFER.  After a no, TRANSFER_FAILED (DUET_EREFUSED) follows here too. */
DUET_API int duet_accept(struct duet_node *node, uint32_t transfer);
DUET_API int duet_reject(struct duet_node *node, uint32_t transfer);
/* Gives up a transfer of either direction. */
DUET_API int duet_cancel(struct duet_node *node, uint32_t transfer);

/* A question, as in "echo hello": a word, a blank, and the rest.  ANSWER follows.  At most DUET_QUESTION_BYTES. */
DUET_API int duet_ask(struct duet_node *node, uint64_t peer, uint32_t id, const char *question);

/* DUET_EVENT_STATS follows. */
DUET_API int duet_stats(struct duet_node *node, uint64_t peer);

/* ---- events ----
 *
 * X(name, value).  The values are frozen; a program ignores those it does not know. */
#define DUET_EVENT_LIST(X)            \
    X(DUET_EVENT_LISTENING, 1)        \
    X(DUET_EVENT_LOOKING_UP, 2)       \
    X(DUET_EVENT_CALLING, 3)          \
    X(DUET_EVENT_TRIED, 4)            \
    X(DUET_EVENT_FAILED, 5)           \
    X(DUET_EVENT_ALREADY, 6)          \
    X(DUET_EVENT_KEY, 7)              \
    X(DUET_EVENT_CONNECTED, 8)        \
    X(DUET_EVENT_UNREACHABLE, 9)      \
    X(DUET_EVENT_BACK, 10)            \
    X(DUET_EVENT_LEFT, 11)            \
    X(DUET_EVENT_LOST, 12)            \
    X(DUET_EVENT_TEXT, 13)            \
    X(DUET_EVENT_DELIVERED, 14)       \
    X(DUET_EVENT_UNSENT, 15)          \
    X(DUET_EVENT_OFFER, 16)           \
    X(DUET_EVENT_SENDING, 17)         \
    X(DUET_EVENT_PROGRESS, 18)        \
    X(DUET_EVENT_RECEIVED, 19)        \
    X(DUET_EVENT_SENT, 20)            \
    X(DUET_EVENT_TRANSFER_FAILED, 21) \
    X(DUET_EVENT_ANSWER, 22)          \
    X(DUET_EVENT_STATS, 23)           \
    X(DUET_EVENT_NOTICE, 24)          \
    X(DUET_EVENT_RESTING, 25)         \
    X(DUET_EVENT_STOPPED, 26)

/*
 * Which fields an event has; all others are zero.
 *
 * LISTENING        addr: the bound address and port
 * LOOKING_UP       id: of the call, text: the name: the resolver has not answered for half a second
 * CALLING          id, text: "host:port": its addresses are known, and called
 * TRIED            id, text: in words: one of several addresses came to nothing, the call goes on
 * FAILED           id, err, text: why.  DUET_ETIMEOUT: nobody answered; DUET_EREFUSED: code is the peer's reason;
 *                  DUET_EAUTH: another key answered; DUET_ESELF; DUET_EUNSUPPORTED; DUET_ENOTFOUND: no such name;
 *                  DUET_ECANCELLED: we are quitting
 * ALREADY          peer, id, text: there is a session with one of the addresses, which serves
 * KEY              peer, id: of the call that led here, or 0; key.  ok: it was let in, by the policy.  Otherwise err:
 *                  DUET_ETRUST (or what duet_known_accept says): it was refused, and text says why; 0: you answer
 * CONNECTED        peer, takes_files, serves: trusted by us and by it
 * UNREACHABLE      peer, time_us: of silence
 * BACK             peer, time_us: it was silent
 * LEFT             peer, code (enum duet_close_code), text: reason or NULL, ours: we ended it
 * LOST             peer, code, text: as above; err DUET_ETIMEOUT: it never was there for good
 * TEXT             peer, text, text_bytes: as it was said.  Make it safe before you show it: it may have control
 *                  characters, but is UTF-8 and has no NUL
 * DELIVERED        peer, id
 * UNSENT           peer, id, err, text: why it was not sent
 * OFFER            peer, transfer, bytes, text: name; ok: accepted already, by the options
 * SENDING          peer, transfer, id, bytes, text: name
 * PROGRESS         transfer, progress; at most ten a second of each, some may be left out
 * RECEIVED         peer, transfer, bytes, text: final path: verified, synced and renamed
 * SENT             peer, transfer, bytes, text: name
 * TRANSFER_FAILED  peer, transfer (0: there was no OFFER or SENDING before), err, sys, text: what, which, why;
 *                  ours: we were the sender, and id is that of duet_send_file.  DUET_ESYS with sys 0: trouble at the
 *                  peer's; DUET_EAGAIN: a newer session of the peer took its place, in which it may come again
 * ANSWER           peer, id, ok, text; not ok: err DUET_ECLOSED: the session ended; to "ping" time_us: what it took
 * STATS            peer, stats
 * NOTICE           peer or 0, text: worth a line; is_error: a trouble; sys
 * RESTING          nothing is under way any more, and the memory it took was freed: a program that wants to be small
 *                  may return it to the system (malloc_trim)
 * STOPPED          err: the node has ended; the last event
 *
 * Names, reasons, file names and lines of ours are safe to show on one line of a terminal; texts and answers are not.
 */
enum duet_event_type {
#define X(name, value) name = (value),
    DUET_EVENT_LIST(X)
#undef X
};

/* Why a peer left, in `code`; others are told as they came. */
enum duet_close_code {
    DUET_CLOSE_OK = 0,       /* done, goodbye */
    DUET_CLOSE_PROTOCOL = 1, /* malformed or forbidden */
    DUET_CLOSE_FLOW = 2,     /* more than was allowed */
    DUET_CLOSE_INTERNAL = 3, /* out of memory or numbers */
    DUET_CLOSE_TRUST = 4,    /* the key is not trusted there */
    DUET_CLOSE_REFUSED = 5,  /* not wanted now */
    DUET_CLOSE_REPLACED = 6, /* a newer session with the same peer took over */
    DUET_CLOSE_BUSY = 7,     /* no room for one more */
};

/* Who it is that wants to be let in. */
struct duet_peer_key {
    uint8_t key[DUET_KEY_BYTES];
    char fingerprint[DUET_FINGERPRINT_BYTES];
    char name[DUET_SHOWN_NAME_BYTES]; /* as it calls itself */
    struct duet_addr addr;
    const char *dialled;     /* "host:port" that was called; NULL: it came to us */
    struct duet_known known; /* what known_peers says of it */
    int32_t known_err;       /* 0, or why that is not to be had, as of duet_known_check: nobody should be let in */
    const char *known_error; /* then a line that says so */
};

struct duet_progress {
    uint32_t transfer;
    bool sending;
    bool stalled; /* the peer is unreachable */
    bool limited_by_disk;
    uint64_t done_bytes; /* acknowledged when sending, received when receiving */
    uint64_t total_bytes;
    uint64_t rate_bytes_per_s; /* smoothed */
    uint64_t eta_us;           /* UINT64_MAX: unknown */
};

struct duet_peer_stats {
    uint64_t rtt_us, min_rtt_us;
    uint64_t cwnd_bytes, bytes_in_flight;
    uint64_t sent_packets, lost_packets, spurious_packets, received_packets;
    uint64_t sent_bytes, received_bytes; /* UDP payload */
    uint64_t pacing_bytes_per_s;
    uint64_t delivered_bytes;
    uint32_t packet_bytes;
    bool unreachable;
    struct duet_addr addr;
    const char *state; /* of the connection, in a word */
    const char *cc;    /* NULL: none yet */
};

struct duet_event {
    size_t size; /* of this struct in the library */
    uint32_t type;
    int32_t err; /* 0 or a negative code */
    uint64_t peer;
    uint32_t id;
    uint32_t transfer;
    const char *text;  /* ends in a NUL; NULL: none */
    size_t text_bytes; /* without it */
    uint64_t bytes;
    uint64_t time_us;
    uint64_t code;
    int32_t sys; /* errno of this host */
    bool ok, ours, is_error, takes_files, serves;
    const struct duet_addr *addr;
    const struct duet_peer_key *key;
    const struct duet_progress *progress;
    const struct duet_peer_stats *stats;
};

/* Readable while duet_next has something.  Negative: DUET_EINVAL. */
DUET_API int duet_fd(const struct duet_node *node);
/* The next event.  1; 0: none now, *event is NULL; DUET_ECLOSED: DUET_EVENT_STOPPED was the last one. */
DUET_API int duet_next(struct duet_node *node, const struct duet_event **event);
/* The same, and waits for one, at most so many milliseconds; -1: as long as it takes.  A signal handler ends the wait
 * with 0. */
DUET_API int duet_wait(struct duet_node *node, int timeout_ms, const struct duet_event **event);

/* "DUET_EVENT_TEXT"; "DUET_EVENT_?" for one that is not in the list. */
DUET_API const char *duet_event_name(uint32_t type);

#ifdef __cplusplus
}
#endif

#endif
