/*
 * frames: what a packet full of small frames costs its receiver, against one full of padding.
 *
 * Two endpoints with a session in memory; PACKETS sealed packets of one kind of frame are handed to the accepting side,
 * which opens them and does all that the frames ask; nothing reads the chat, the file has credit for all that comes.
 *
 *   frames         JSON lines, one for each kind: CPU time of one packet, best of RUNS, and the ratio to padding
 *   frames KIND    that kind once: for callgrind (--toggle-collect=frames_receive)
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rand.h"
#include "conn/endpoint.h"
#include "conn/endpoint_state.h"

enum { PACKETS = 64, RUNS = 9, DGRAM_BYTES = 2048, EXIT_USAGE = 2 };

#define BODY_BYTES (LIMIT_PACKET_MIN_BYTES - LIMIT_DATA_HEADER_BYTES - LIMIT_TAG_BYTES)
#define FILE_ID 2 /* the caller's first bulk stream */
#define ID_STEP 8 /* every other id, so that no two of them are one range */
#define SCATTER 4099
#define SCATTERED 8192
#define FILE_BYTES (1 << 20)

struct rig {
    struct endpoint *e[2];
    struct duet_addr addr[2];
    conn_id conn[2];
    duet_time now;
    uint8_t dgrams[PACKETS][LIMIT_PACKET_MIN_BYTES];
    size_t lens[PACKETS];
};

void frames_receive(struct rig *g);

static void must(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "frames: %s failed\n", what);
    exit(1);
}

/* ---- frames, the k-th of its kind ---- */

static struct frame padding(uint64_t k)
{
    (void)k;
    return (struct frame){.type = FRAME_PADDING, .padding = 1};
}

static struct frame ping(uint64_t k)
{
    (void)k;
    return (struct frame){.type = FRAME_PING};
}

static struct frame reset_descending(uint64_t k)
{
    return (struct frame){.type = FRAME_RESET_STREAM, .stream = FILE_ID + ID_STEP * ((UINT64_C(1) << 20) - k)};
}

static struct frame reset_scattered(uint64_t k)
{
    return (struct frame){.type = FRAME_RESET_STREAM, .stream = FILE_ID + ID_STEP * (1 + k * SCATTER % SCATTERED)};
}

static struct frame byte_at(uint64_t stream, uint64_t offset)
{
    static const uint8_t byte = 'x';
    struct frame f = {.type = FRAME_STREAM, .stream = stream};

    f.data.offset = offset;
    f.data.data = &byte;
    f.data.len = 1;
    return f;
}

static struct frame chat_in_order(uint64_t k)
{
    return byte_at(STREAM_CHAT, k % LIMIT_STREAM_FIRST_BYTES);
}

static struct frame chat_descending(uint64_t k)
{
    return byte_at(STREAM_CHAT, LIMIT_STREAM_FIRST_BYTES - 2 - 2 * (k % (LIMIT_ORDERED_RANGES - 1)));
}

static struct frame chat_rising(uint64_t k)
{
    return byte_at(STREAM_CHAT, 2 + 2 * (k % (LIMIT_ORDERED_RANGES - 1)));
}

static struct frame file_in_order(uint64_t k)
{
    return byte_at(FILE_ID, k);
}

static struct frame file_descending(uint64_t k)
{
    return byte_at(FILE_ID, FILE_BYTES - 2 - 2 * k);
}

static struct frame file_scattered(uint64_t k)
{
    return byte_at(FILE_ID, 2 * (k * SCATTER % SCATTERED));
}

static const struct kind {
    const char *name;
    struct frame (*frame)(uint64_t k);
} kinds[] = {
    {"padding", padding},
    {"ping", ping},
    {"reset_descending", reset_descending},
    {"reset_scattered", reset_scattered},
    {"chat_in_order", chat_in_order},
    {"chat_descending", chat_descending},
    {"chat_rising", chat_rising},
    {"file_in_order", file_in_order},
    {"file_descending", file_descending},
    {"file_scattered", file_scattered},
};

/* ---- the session ---- */

static struct endpoint *endpoint_of(uint64_t seed, duet_time now)
{
    struct endpoint_config cfg = {.params = params_default(), .accept = true, .name = "bench"};
    struct duet_rand rng;

    rand_init_u64(&rng, seed);
    rand_bytes(&rng, cfg.seed, sizeof(cfg.seed));
    rand_bytes(&rng, cfg.identity.secret, sizeof(cfg.identity.secret));
    noise_public(cfg.identity.public, cfg.identity.secret);
    return endpoint_new(&cfg, now);
}

static void drain(struct rig *g, int side)
{
    struct endpoint_event ev;

    while (endpoint_poll(g->e[side], &ev)) {
        if (ev.type == EVENT_CONNECTED)
            g->conn[side] = ev.conn;
    }
}

/* Carries everything over, at once. */
static void settle(struct rig *g)
{
    static uint8_t buf[1 << 16];
    struct envelope to;
    size_t segment;
    bool moved = true;

    while (moved) {
        moved = false;
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            endpoint_tick(g->e[i], g->now);
            while ((n = endpoint_send(g->e[i], &to, buf, sizeof(buf), &segment, g->now)) > 0) {
                moved = true;
                (void)endpoint_recv(g->e[1 - i], &(struct envelope){.route.peer = g->addr[i]}, buf, (size_t)n, segment,
                                    g->now);
                drain(g, 1 - i);
            }
            drain(g, i);
        }
    }
}

static void open_session(struct rig *g)
{
    conn_id call;
    uint64_t id;

    *g = (struct rig){.now = DUET_TIME(1000000)};
    for (int i = 0; i < 2; i++) {
        g->e[i] = endpoint_of((uint64_t)i + 1, g->now);
        must(g->e[i] != NULL, "an endpoint");
        g->addr[i] = (struct duet_addr){.family = ADDR_V4, .ip = {10, 0, 0, (uint8_t)(i + 1)}, .port = 6254};
    }
    must(endpoint_connect(g->e[0], &g->addr[1], g->now, &call) == 0, "the call");
    for (int ms = 0; ms < 100; ms++) {
        settle(g);
        g->now = time_add(g->now, 1000);
    }
    must(g->conn[0] != 0 && g->conn[1] != 0, "the handshake");
    must(endpoint_open_bulk(g->e[0], g->conn[0], &id) == 0 && id == FILE_ID, "the file");
    must(endpoint_accept_bulk(g->e[1], g->conn[1], id, FILE_BYTES, g->now) == 0, "accepting it");
}

static void seal_all(struct rig *g, const struct kind *kind)
{
    struct conn *c = idmap_get(&g->e[0]->by_id, g->conn[0]);
    uint64_t k = 0;

    must(c != NULL, "finding the session");
    for (size_t i = 0; i < PACKETS; i++) {
        uint8_t *dgram = g->dgrams[i], *body = dgram + LIMIT_DATA_HEADER_BYTES;
        struct writer w = writer_of(body, BODY_BYTES), before = w;

        for (unsigned count = 0; !w.failed && (count < LIMIT_PACKET_FRAMES || kind == &kinds[0]); count++, k++) {
            const struct frame f = kind->frame(k);

            before = w;
            frame_write(&w, &f);
        }
        if (w.failed) {
            k--; /* the last did not fit */
            w = before;
        }
        const size_t len = writer_used(&w);
        const uint64_t number = c->next_number++;
        packet_write_data_header(dgram, (uint8_t)keys_send_epoch(c->keys, number, g->now), c->peer_cid, number);
        must(keys_seal(c->keys, number, dgram, LIMIT_DATA_HEADER_BYTES, body, len, NULL, 0) == 0, "sealing");
        g->lens[i] = LIMIT_DATA_HEADER_BYTES + len + LIMIT_TAG_BYTES;
    }
}

/* A symbol of its own, for callgrind. */
__attribute__((noinline)) void frames_receive(struct rig *g)
{
    const struct envelope from = {.route.peer = g->addr[0]};

    for (size_t i = 0; i < PACKETS; i++) {
        must(endpoint_recv(g->e[1], &from, g->dgrams[i], g->lens[i], g->lens[i], g->now) == 0, "a packet");
        drain(g, 1);
    }
}

/* ---- what they cost ---- */

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* CPU time of a packet. */
static double once(const struct kind *kind)
{
    static struct rig rig;

    open_session(&rig);
    seal_all(&rig, kind);
    const double began = cpu_us();
    frames_receive(&rig);
    const double took = cpu_us() - began;
    const struct conn *c = idmap_get(&rig.e[1]->by_id, rig.conn[1]);
    must(c != NULL && c->state == CONN_ESTABLISHED, kind->name);
    for (int i = 0; i < 2; i++)
        endpoint_free(rig.e[i]);
    return took / PACKETS;
}

static double best(const struct kind *kind)
{
    double least = once(kind);

    for (int i = 1; i < RUNS; i++) {
        const double us = once(kind);

        least = us < least ? us : least;
    }
    return least;
}

int main(int argc, char **argv)
{
    const size_t count = sizeof(kinds) / sizeof(kinds[0]);

    for (size_t i = 0; argc == 2 && i < count; i++) {
        if (strcmp(kinds[i].name, argv[1]) == 0) {
            (void)once(&kinds[i]);
            return 0;
        }
    }
    if (argc != 1) {
        fprintf(stderr, "usage: frames [KIND]\n");
        return EXIT_USAGE;
    }
    const double base = best(&kinds[0]);
    for (size_t i = 0; i < count; i++) {
        const double us = i == 0 ? base : best(&kinds[i]);

        printf("{\"bench\":\"frames\",\"kind\":\"%s\",\"us\":%.2f,\"to_padding\":%.1f}\n", kinds[i].name, us,
               us / base);
    }
    return 0;
}
