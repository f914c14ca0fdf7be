/*
 * acks: what an acknowledgement costs with much in flight.
 *
 * The real bookkeeping of both ends of one file, joined by a path of their own in virtual time: at the sender the
 * choice of the next piece (bulk), its record (loss, sentmap) and what an ACK frame does to both; at the receiver the
 * extents (recvstate), what to acknowledge (acktr) and the frame.  No sealing, no copying of file bytes, no sockets, no
 * congestion control: a packet leaves with every step of the clock as long as fewer than WINDOW are out.
 *
 *   acks            JSON lines: window 1k, 10k, 100k packets; random loss both ways 0, 1, 5, 20 %; 1 % of the packets
 *                   come up to RTT/16 late.  in_flight: the mean that was reached.  Nanoseconds of one core and steps,
 *                   per packet: send, ack (parsing, loss, streams), receive; a step is a record, a word of a bitmap, a
 *                   line of ranges looked at or a range moved.
 *   acks WINDOW LOSS   one of these lines, LOSS in per cent
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rand.h"
#include "recovery/acktr.h"
#include "recovery/loss.h"
#include "stream/bulk.h"
#include "wire/frame.h"
#include "wire/limits.h"

#define PACKET_BYTES 1200u
#define FRAME_BYTES 1100u /* room of an ACK frame */
#define RTT_US 100000u
#define SOURCE_BYTES (8u << 20) /* BULK_PIECES of them hold many windows */
#define STEP_PACKETS 8          /* packets of one step of the clock: what the clock itself costs is shared by so many */
#define LATE_ONE_IN 100
#define PING_ACKS 32 /* as conn.h: of so many ACKs one is acknowledged */
#define WARM_WINDOWS 4
#define MEASURED_MIN 400000u
#define CALENDAR 32768u /* steps; more than a one-way delay and its lateness */

enum part { SEND, ACK, RECEIVE, PARTS };
static const char *const part_names[] = {"send", "ack", "receive"};

/* A datagram of either direction on its way. */
struct transit {
    struct transit *next;
    uint64_t number; /* data */
    struct stream_piece piece;
    uint64_t lowest;   /* of what the ACK lists */
    uint64_t confirms; /* ACK of an ACK: the largest that one named */
    size_t len;        /* ACK frame */
    uint8_t frame[];
};

struct rig {
    struct duet_rand rand;
    uint64_t window;
    double loss;
    struct bulksend file;
    struct loss sender;
    struct bulkrecv sink;
    struct acktr acktr;
    uint64_t next_number, acks, supplied;
    uint64_t step, delay_steps;
    struct transit *data[CALENDAR], *ack[CALENDAR], *confirm[CALENDAR];
    struct frame_ack parsed;
    uint8_t scratch[FRAME_BYTES];
    /* What was measured. */
    double ns[PARTS], flight_sum;
    uint64_t steps_at_start[PARTS], packets, frames, ranges, steps_run;
    bool measuring;
};

static uint8_t source_bytes[SOURCE_BYTES];

static void must(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "acks: %s failed\n", what);
    exit(1);
}

static void *zeroed(size_t bytes)
{
    void *p = calloc(1, bytes);

    if (p == NULL) {
        fprintf(stderr, "acks: no memory\n");
        exit(1);
    }
    return p;
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static duet_time now(const struct rig *g)
{
    return DUET_TIME(g->step * STEP_PACKETS * RTT_US / g->window);
}

static uint64_t moved(const struct extents *x)
{
    uint64_t sum = x->moved;

    for (size_t i = 0; i < x->leaf_count; i++)
        sum += x->leaves[i].moved;
    return sum;
}

static uint64_t steps_of(const struct rig *g, enum part part)
{
    const struct sendstate *s = &g->file.state;

    switch (part) {
    case SEND:
        return moved(&s->ready);
    case ACK:
        return g->sender.sent.work + moved(&s->acked) + moved(&s->lost);
    case RECEIVE:
        return moved(&g->sink.state.got) + g->acktr.received.moved;
    case PARTS:
        break;
    }
    return 0;
}

static void post(struct rig *g, struct transit **calendar, const struct transit *t)
{
    uint64_t at = g->step + g->delay_steps;

    if (rand_unit(&g->rand) < g->loss)
        return;
    struct transit *copy = zeroed(sizeof *copy + t->len);
    memcpy(copy, t, sizeof *copy);
    memcpy(copy->frame, g->scratch, t->len);
    if (rand_below(&g->rand, LATE_ONE_IN) == 0)
        at += rand_below(&g->rand, g->delay_steps / 8 + 1);
    copy->next = calendar[at % CALENDAR];
    calendar[at % CALENDAR] = copy;
}

/* What came at this step, in the order it was sent. */
static struct transit *take(struct rig *g, struct transit **calendar)
{
    struct transit *list = NULL, *t = calendar[g->step % CALENDAR];

    calendar[g->step % CALENDAR] = NULL;
    while (t != NULL) {
        struct transit *next = t->next;
        t->next = list;
        list = t;
        t = next;
    }
    return list;
}

static void supply(struct rig *g)
{
    while (g->file.count < BULK_PIECES && g->file.state.ready.count == 0) {
        const struct bulk_source s = {.offset = g->supplied, .bytes = source_bytes, .len = SOURCE_BYTES};
        must(bulksend_supply(&g->file, &s) == 0, "supplying");
        g->supplied += SOURCE_BYTES;
    }
}

static bool send_one(struct rig *g)
{
    struct transit t = {.number = g->next_number};
    bool fresh;

    if (g->sender.bytes_in_flight >= g->window * PACKET_BYTES || !loss_has_room(&g->sender, g->next_number))
        return false;
    supply(g);
    if (!sendstate_next(&g->file.state, PACKET_BYTES, UINT64_MAX, &t.piece, &fresh))
        return false;
    must(sendstate_sent(&g->file.state, &t.piece) == 0, "sending");
    struct sent_packet *p = loss_sent(&g->sender, g->next_number++, PACKET_BYTES, true, false, now(g));
    if (p == NULL) {
        must(false, "recording");
        return false;
    }
    p->items[0] = (struct sent_item){
        .kind = FRAME_STREAM, .len = (uint32_t)t.piece.len, .stream = g->file.id, .offset = t.piece.offset};
    p->item_count = 1;
    post(g, g->data, &t);
    return true;
}

static void resolve(struct rig *g)
{
    const struct sent_packet *p;
    uint64_t cookie;
    bool spurious;

    while ((p = loss_take_acked(&g->sender, &spurious)) != NULL) {
        const struct stream_piece piece = {.offset = p->items[0].offset, .len = p->items[0].len};
        must(sendstate_acked(&g->file.state, &piece) == 0, "acknowledging");
        while (bulksend_release(&g->file, piece.offset, piece.offset + piece.len, &cookie))
            continue;
        g->packets += g->measuring;
    }
    while ((p = loss_take_lost(&g->sender)) != NULL) {
        const struct stream_piece piece = {.offset = p->items[0].offset, .len = p->items[0].len};
        must(sendstate_lost(&g->file.state, &piece) == 0, "losing");
    }
}

static void on_ack(struct rig *g, const struct transit *t)
{
    struct reader r = reader_of(t->frame, t->len);
    struct loss_summary s;
    struct frame f;

    must(frame_parse(&f, &g->parsed, &r) == 0, "parsing");
    must(loss_ack(&g->sender, &g->parsed, now(g), &s) == 0, "the ACK");
    resolve(g);
    if (g->measuring) {
        g->frames++;
        g->ranges += g->parsed.range_count;
    }
}

static void on_timer(struct rig *g)
{
    struct loss_summary s;

    if (!time_due(loss_deadline(&g->sender), now(g)))
        return;
    loss_timer(&g->sender, now(g), &s);
    resolve(g);
}

static void write_ack(struct rig *g)
{
    if (!time_due(acktr_deadline(&g->acktr), now(g)))
        return;
    struct writer w = writer_of(g->scratch, sizeof g->scratch);
    const struct frame_ack_news news = {
        .received = &g->acktr.received, .from = acktr_from(&g->acktr), .delay_us = acktr_delay_us(&g->acktr, now(g))};
    uint64_t lowest;
    must(frame_write_ack(&w, &news, &lowest), "writing the ACK");
    const uint64_t largest = acktr_sent(&g->acktr, now(g));
    post(g, g->ack, &(struct transit){.len = writer_used(&w), .lowest = lowest, .confirms = largest});
}

static void on_data(struct rig *g, const struct transit *t)
{
    uint64_t fresh;

    must(recvstate_check(&g->sink.state, &t->piece, &fresh) == 0, "checking");
    must(recvstate_add(&g->sink.state, &t->piece, fresh) == 0, "receiving");
    must(acktr_received(&g->acktr, t->number, true, false, 0, RTT_US, now(g)) == 0, "acktr");
    write_ack(g);
}

static void send_part(struct rig *g)
{
    for (int i = 0; i < STEP_PACKETS && send_one(g); i++)
        continue;
}

static void ack_part(struct rig *g)
{
    for (struct transit *next, *t = take(g, g->ack); t != NULL; t = next) {
        next = t->next;
        on_ack(g, t);
        if (g->acks++ % PING_ACKS == 0)
            post(g, g->confirm, &(struct transit){.lowest = t->lowest, .confirms = t->confirms});
        free(t);
    }
    on_timer(g);
}

static void receive_part(struct rig *g)
{
    for (struct transit *next, *t = take(g, g->data); t != NULL; t = next) {
        next = t->next;
        on_data(g, t);
        free(t);
    }
    for (struct transit *next, *t = take(g, g->confirm); t != NULL; t = next) {
        next = t->next;
        acktr_confirmed(&g->acktr, t->lowest, t->confirms);
        free(t);
    }
    write_ack(g);
}

static void one_step(struct rig *g)
{
    static void (*const parts[])(struct rig *) = {[SEND] = send_part, [ACK] = ack_part, [RECEIVE] = receive_part};
    double before = now_ns();

    for (int part = 0; part < PARTS; part++) {
        parts[part](g);
        const double after = now_ns();
        if (g->measuring)
            g->ns[part] += after - before;
        before = after;
    }
    g->step++;
    if (g->measuring) {
        g->flight_sum += (double)g->sender.eliciting_in_flight;
        g->steps_run++;
    }
}

static struct rig *rig_new(uint64_t window, double loss)
{
    struct rig *g = zeroed(sizeof *g);

    rand_init_u64(&g->rand, window);
    g->window = window;
    g->loss = loss;
    g->delay_steps = window / STEP_PACKETS / 2;
    g->step = 1;
    bulksend_init(&g->file, 2);
    g->file.state.limit_bytes = UINT64_MAX;
    bulkrecv_init(&g->sink, 2);
    g->sink.state.limit_bytes = UINT64_MAX;
    loss_init(&g->sender);
    acktr_init(&g->acktr);
    return g;
}

static void rig_free(struct rig *g)
{
    for (size_t i = 0; i < CALENDAR; i++) {
        struct transit **lists[] = {&g->data[i], &g->ack[i], &g->confirm[i]};
        for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
            for (struct transit *next; *lists[k] != NULL; *lists[k] = next) {
                next = (*lists[k])->next;
                free(*lists[k]);
            }
        }
    }
    bulksend_dispose(&g->file);
    bulkrecv_dispose(&g->sink);
    loss_dispose(&g->sender);
    acktr_dispose(&g->acktr);
    free(g);
}

static void print(const struct rig *g)
{
    const double packets = (double)g->packets;

    printf("{\"bench\":\"acks\",\"window\":%" PRIu64 ",\"loss_percent\":%g,\"in_flight\":%.0f,\"frames\":%" PRIu64
           ",\"ranges_per_frame\":%.1f,\"packets_per_frame\":%.1f",
           g->window, g->loss * 100, g->flight_sum / (double)g->steps_run, g->frames,
           (double)g->ranges / (double)g->frames, packets / (double)g->frames);
    for (int part = 0; part < PARTS; part++)
        printf(",\"%s_ns\":%.0f,\"%s_steps\":%.1f", part_names[part], g->ns[part] / packets, part_names[part],
               (double)(steps_of(g, (enum part)part) - g->steps_at_start[part]) / packets);
    printf("}\n");
    fflush(stdout);
}

static void measure(uint64_t window, double loss)
{
    struct rig *g = rig_new(window, loss);
    const uint64_t packets = window * 2 > MEASURED_MIN ? window * 2 : MEASURED_MIN;

    while (g->step < WARM_WINDOWS * window / STEP_PACKETS)
        one_step(g);
    for (int part = 0; part < PARTS; part++)
        g->steps_at_start[part] = steps_of(g, (enum part)part);
    g->measuring = true;
    while (g->packets < packets)
        one_step(g);
    print(g);
    rig_free(g);
}

int main(int argc, char **argv)
{
    static const uint64_t windows[] = {1000, 10000, 100000};
    static const double losses[] = {0, 1, 5, 20};

    if (argc == 3) {
        measure(strtoull(argv[1], NULL, 10), strtod(argv[2], NULL) / 100);
        return 0;
    }
    if (argc != 1) {
        fprintf(stderr, "usage: acks [WINDOW LOSS]\n");
        return 2;
    }
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        for (size_t l = 0; l < sizeof losses / sizeof *losses; l++)
            measure(windows[w], losses[l] / 100);
    return 0;
}
