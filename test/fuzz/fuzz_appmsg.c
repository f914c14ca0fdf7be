/*
 * Any application message: what is accepted points into the payload, keeps its
 * bounds, and is the same after being written and read again.
 * Input: type, payload.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/appmsg.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_inside(const void *part, size_t len, const uint8_t *payload, size_t size)
{
    const uint8_t *at = part;

    assert(len == 0 || (at >= payload && len <= size && at <= payload + size - len));
}

static void check_bounds(const struct appmsg *m, const uint8_t *payload, size_t size)
{
    if (m->type == APPMSG_TEXT) {
        assert(m->part.len <= APPMSG_PART_BYTES);
        assert_inside(m->part.bytes, m->part.len, payload, size);
    } else if (m->type == APPMSG_OFFER) {
        assert(m->offer.first.name_len <= APPMSG_NAME_BYTES);
        assert_inside(m->offer.first.name, m->offer.first.name_len, payload, size);
    } else if (m->type == APPMSG_REFUSE || m->type == APPMSG_FAILED || m->type == APPMSG_CANCEL) {
        assert_inside(m->end.reason, m->end.reason_len, payload, size);
    } else if (m->type == APPMSG_ASK) {
        assert(m->ask.command_len <= APPMSG_COMMAND_BYTES && m->ask.arg_len <= APPMSG_ASK_BYTES);
        assert_inside(m->ask.command, m->ask.command_len, payload, size);
        assert_inside(m->ask.arg, m->ask.arg_len, payload, size);
    } else if (m->type == APPMSG_ANSWER) {
        assert(m->answer.len <= APPMSG_ANSWER_BYTES);
        assert_inside(m->answer.text, m->answer.len, payload, size);
    }
}

static bool is_same_text(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static void assert_same(const struct appmsg *a, const struct appmsg *b)
{
    assert(a->type == b->type && a->id == b->id);
    if (a->type == APPMSG_HELLO)
        assert(a->hello_flags == b->hello_flags);
    else if (a->type == APPMSG_TEXT)
        assert(a->part.last == b->part.last && is_same_text(a->part.bytes, a->part.len, b->part.bytes, b->part.len));
    else if (a->type == APPMSG_OFFER)
        assert(
            a->offer.stream == b->offer.stream && a->offer.first.size == b->offer.first.size &&
            a->offer.first.kind == b->offer.first.kind &&
            is_same_text(a->offer.first.name, a->offer.first.name_len, b->offer.first.name, b->offer.first.name_len));
    else if (a->type == APPMSG_ACCEPT)
        assert(a->accept.first.offset == b->accept.first.offset && a->accept.first.len == b->accept.first.len);
    else if (a->type == APPMSG_DIGEST)
        assert(memcmp(a->digest, b->digest, DIGEST_BYTES) == 0);
    else if (a->type == APPMSG_ASK)
        assert(is_same_text(a->ask.command, a->ask.command_len, b->ask.command, b->ask.command_len) &&
               is_same_text(a->ask.arg, a->ask.arg_len, b->ask.arg, b->ask.arg_len));
    else if (a->type == APPMSG_ANSWER)
        assert(a->answer.ok == b->answer.ok &&
               is_same_text(a->answer.text, a->answer.len, b->answer.text, b->answer.len));
    else if (a->type == APPMSG_REFUSE || a->type == APPMSG_FAILED || a->type == APPMSG_CANCEL)
        assert(a->end.code == b->end.code &&
               is_same_text(a->end.reason, a->end.reason_len, b->end.reason, b->end.reason_len));
}

/* Is it one of those that this version writes: one entry, one extent? */
static bool is_written_here(const struct appmsg *m)
{
    return (m->type != APPMSG_OFFER || m->offer.entry_count == 1) &&
           (m->type != APPMSG_ACCEPT || m->accept.extent_count == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct appmsg m, again;

    if (size < 1 || size - 1 > APPMSG_PAYLOAD_BYTES)
        return 0;
    size_t len = size - 1;
    uint8_t *payload = malloc(len + (len == 0));
    if (payload == NULL)
        return 0;
    memcpy(payload, data + 1, len);
    int err = appmsg_parse(&m, data[0], payload, len);
    assert(err == 0 || err == DUET_EMALFORMED || (err == DUET_EUNSUPPORTED && data[0] >= APPMSG_OPTIONAL));
    if (err == 0) {
        check_bounds(&m, payload, len);
        size_t cap = appmsg_bound(&m);
        uint8_t *out = malloc(cap);
        ssize_t n = out != NULL && is_written_here(&m) ? appmsg_write(&m, out, cap) : 0;
        assert(n >= 0);
        if (n > 0) {
            assert(out[APPMSG_HEADER_BYTES - 1] == data[0]);
            assert(appmsg_parse(&again, data[0], out + APPMSG_HEADER_BYTES, (size_t)n - APPMSG_HEADER_BYTES) == 0);
            assert_same(&m, &again);
        }
        free(out);
    }
    free(payload);
    return 0;
}
