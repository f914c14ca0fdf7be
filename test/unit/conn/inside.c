#include "inside.h"

#include "unit.h"
#include <string.h>

struct conn *inside_conn(const struct endpoint *e, conn_id id)
{
    if (id != 0)
        return idmap_get(&e->by_id, id);
    return e->count == 1 ? e->all[0] : NULL;
}

struct conn *inside_session(const struct pair *p, int side)
{
    struct conn *c = inside_conn(p->e[side], p->conn[side]);
    cr_assert_not_null(c);
    return c;
}

size_t inside_seal(struct conn *c, const struct writer *frames, uint8_t dgram[LIMIT_PACKET_MIN_BYTES], duet_time now)
{
    const size_t len = writer_used(frames);
    cr_assert(!frames->failed && len <= LIMIT_PACKET_MIN_BYTES - LIMIT_DATA_HEADER_BYTES - LIMIT_TAG_BYTES);
    const uint64_t number = c->next_number++;
    const int epoch = keys_send_epoch(c->keys, number, now);
    cr_assert_geq(epoch, 0);
    packet_write_data_header(dgram, (uint8_t)epoch, c->peer_cid, number);
    memcpy(dgram + LIMIT_DATA_HEADER_BYTES, frames->start, len);
    cr_assert_eq(
        keys_seal(c->keys, number, dgram, LIMIT_DATA_HEADER_BYTES, dgram + LIMIT_DATA_HEADER_BYTES, len, NULL, 0), 0);
    const size_t whole = LIMIT_DATA_HEADER_BYTES + len + LIMIT_TAG_BYTES;
    cr_assert_not_null(loss_sent(&c->loss, number, (uint32_t)whole, true, false, now)); /* it will be acknowledged */
    return whole;
}

int inside_send(struct pair *p, int from, const struct writer *frames)
{
    uint8_t dgram[LIMIT_PACKET_MIN_BYTES];
    const size_t len = inside_seal(inside_session(p, from), frames, dgram, p->now);
    return endpoint_recv(p->e[1 - from], &(struct envelope){.route.peer = p->addr[from]}, dgram, len, len, p->now);
}

int inside_send_frame(struct pair *p, int from, const struct frame *f)
{
    uint8_t buf[LIMIT_PACKET_MIN_BYTES];
    struct writer w = writer_of(buf, sizeof buf);
    frame_write(&w, f);
    return inside_send(p, from, &w);
}

void inside_fix_crc(uint8_t *dgram, size_t len)
{
    struct writer w = writer_of(dgram + len - 4, 4);
    writer_u32(&w, packet_crc32c(dgram, len - 4));
}

void inside_save(const struct endpoint *e, struct inside_state *s)
{
    memset(s, 0, sizeof *s);
    s->count = e->count;
    s->half_open = e->half_open;
    s->events = e->shared.events.count;
    cr_assert_leq(e->count, sizeof s->conns / sizeof *s->conns);
    for (size_t i = 0; i < e->count; i++) {
        memcpy(&s->conns[i], e->all[i], sizeof s->conns[i]);
        if (e->all[i]->hs != NULL)
            memcpy(&s->hs[i], e->all[i]->hs, sizeof s->hs[i]);
    }
}

bool inside_same(const struct endpoint *e, const struct inside_state *s)
{
    static struct inside_state now;
    if (e->count > sizeof s->conns / sizeof *s->conns)
        return false;
    inside_save(e, &now);
    return memcmp(&now, s, sizeof now) == 0;
}
