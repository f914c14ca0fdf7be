/*
 * common: what the programs of the section `library` share: their command line, clock, the bytes
 * they move, the figures they print.  One program for each library, all with the same three works
 * between a server and a client process:
 *
 *   NAME serve WORK ADDRESS PORT AMOUNT   says "ready" once it can be reached, serves one client,
 *                                         prints its figures
 *   NAME call  WORK ADDRESS PORT AMOUNT   the same as client
 *
 *   stream BYTES    the client sends so many, in order, from memory to memory; the server answers
 *                   with one byte when it has them all, and that stops the client's clock.  It
 *                   begins once the connection stands.
 *   ping COUNT      PING_BYTES there and back, one after the other
 *   conns COUNT     the client opens so many connections, AT_ONCE under way at a time, and holds
 *                   them until the server has looked at its memory (HOLD_US).  Standing is what
 *                   each side's own library calls it; both print when their last one stood, and
 *                   the later time counts.
 *
 *   --packet BYTES  UDP payload the path carries; without it the path is the loopback interface,
 *                   and a library may take as much as it can
 *   --secret        encrypt, where the library leaves that to the user
 *   --bulk          duet: the stream as files go, out of the sender's memory and unordered into the
 *                   receiver's hands
 *
 * One JSON line to stdout at the end.  Who ends on any error says what to stderr and exits 1.
 */
#ifndef DUET_BENCH_LIBRARY_COMMON_H
#define DUET_BENCH_LIBRARY_COMMON_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PING_BYTES = 100,
    MARK_EVERY = 1 << 20,    /* bytes of a stream from one mark to the next */
    SOCKET_BUFFER = 4 << 20, /* asked for wherever a library lets us ask */
    LOOPBACK_PACKET = 65507, /* the most UDP over IPv4 carries */
    AT_ONCE = 48, /* connections under way at a time: of more duet would ask for a cookie, SRT and usrsctp lose some */
    HOLD_US = 2000000,
    LOOK_AFTER_US = 1000000, /* from the last connection to the look at the memory */
    TIME_LIMIT_S = 120,      /* of a whole run: then something hangs */
};

enum work { WORK_STREAM, WORK_PING, WORK_CONNS };

struct task {
    enum work work;
    bool serves;
    uint64_t amount;       /* bytes, messages or connections */
    struct sockaddr_in at; /* of the server */
    size_t packet_bytes;   /* 0: no --packet */
    bool secret, bulk;
};

/* What each program is: common.c has the main() that calls it. */
extern const char library_name[];
void library_serve(const struct task *t);
void library_call(const struct task *t);

/* Ends the program with a message if that is not so. */
void need(bool fine, const char *what);
/* The same for libraries with words of their own. */
void need_or(bool fine, const char *what, const char *why);

uint64_t now_ns(void); /* CLOCK_MONOTONIC, the same for both processes */
void say_ready(void);
/* The address from which packets to `to` leave. */
struct sockaddr_in local_address(const struct sockaddr_in *to);

/* ---- the bytes of a stream ---- */

/* A mark at each MARK_EVERY, the number of the block in eight bytes; the rest is filler. */
struct source {
    uint8_t *bytes;
    uint64_t *marked; /* by slot: the block whose mark it bears, + 1 */
    size_t slots;
    uint64_t total;
};

/* `slots` blocks of memory: 1 for a library that copies what it is given, else what may be on the
 * way at most. */
void source_init(struct source *s, uint64_t total, size_t slots);
/* The bytes from `offset` on, *len of them to the next mark or to the end.  They stay while no
 * block is asked for that comes `slots` later. */
uint8_t *source_at(struct source *s, uint64_t offset, size_t *len);

struct sink {
    uint64_t received, total;
    size_t connections;
};

/* Bytes from `offset` on have arrived, each once.  Wrong marks end the program. */
void sink_take(struct sink *s, uint64_t offset, const uint8_t *bytes, size_t len);

/* ---- figures ---- */

struct stopwatch {
    uint64_t began_ns, cpu_us;
};

struct stopwatch stopwatch_start(void);
/* Gbit/s, seconds and seconds of CPU of this process since then. */
void report_stream(const struct task *t, const struct stopwatch *since);

struct pings {
    uint64_t *took_ns;
    size_t count, sent_at;
    uint64_t began_ns;
};

void pings_init(struct pings *p, size_t count);
void pings_sent(struct pings *p);
/* true: there is another one to send. */
bool pings_returned(struct pings *p);
void report_pings(const struct task *t, struct pings *p, const struct stopwatch *since);
/* Only its CPU: the server of stream and ping. */
void report_server(const struct task *t, const struct stopwatch *since);

size_t memory_bytes(void); /* resident */
/* Bytes each, on the side that asks for it (the server): memory now less `before`. */
void report_conns(const struct task *t, uint64_t began_ns, uint64_t stood_ns, size_t memory_before);

#endif
