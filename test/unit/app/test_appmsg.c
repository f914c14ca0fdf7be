#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/appmsg.h"
#include "base/bytes.h"
#include "base/err.h"
#include "wire/limits.h"

static const char reason[] = "no space left";

/* One good message of every type. */
static size_t samples(struct appmsg m[16])
{
    size_t n = 0;

    memset(m, 0, 16 * sizeof(m[0]));
    m[n++] = (struct appmsg){.type = APPMSG_HELLO, .hello_flags = HELLO_SERVES};
    m[n++] =
        (struct appmsg){.type = APPMSG_TEXT, .id = 7, .part = {.last = true, .bytes = (const uint8_t *)"hi", .len = 2}};
    m[n++] = (struct appmsg){.type = APPMSG_DELIVERED, .id = 9};
    m[n] = (struct appmsg){.type = APPMSG_OFFER, .id = 3, .offer = {.stream = 2, .entry_count = 1}};
    m[n++].offer.first = (struct appmsg_entry){.kind = ENTRY_FILE, .size = 1u << 30, .name = "a.txt", .name_len = 5};
    m[n++] = (struct appmsg){.type = APPMSG_ACCEPT, .id = 3, .accept = {.extent_count = 1, .first = {.len = 1u << 30}}};
    m[n++] =
        (struct appmsg){.type = APPMSG_REFUSE, .id = 3, .end = {.code = WHY_NAME, .reason = reason, .reason_len = 4}};
    m[n++] = (struct appmsg){.type = APPMSG_DIGEST, .id = 3, .digest = {1, 2, 3}};
    m[n++] = (struct appmsg){.type = APPMSG_COMPLETE, .id = 3};
    m[n++] =
        (struct appmsg){.type = APPMSG_FAILED, .id = 3, .end = {.code = WHY_DISK, .reason = reason, .reason_len = 13}};
    m[n++] = (struct appmsg){.type = APPMSG_CANCEL, .id = 3, .end = {.code = WHY_CANCELLED, .reason = reason}};
    m[n++] = (struct appmsg){
        .type = APPMSG_ASK, .id = 1, .ask = {.command = "sum", .command_len = 3, .arg = "1 2", .arg_len = 3}};
    m[n++] = (struct appmsg){.type = APPMSG_ANSWER, .id = 1, .answer = {.ok = true, .text = "3", .len = 1}};
    return n;
}

/* Payload of a written message, copied to a block of its exact size so that the sanitizers see any overread. */
static uint8_t *payload_of(const struct appmsg *m, size_t *len)
{
    uint8_t buf[512];
    const ssize_t n = appmsg_write(m, buf, sizeof(buf));

    cr_assert_gt(n, 0);
    cr_assert_leq((size_t)n, appmsg_bound(m));
    struct reader r = reader_of(buf, (size_t)n);

    *len = reader_u32(&r);
    cr_assert_eq(*len, (size_t)n - APPMSG_HEADER_BYTES);
    cr_assert_eq(reader_u8(&r), m->type);
    uint8_t *payload = malloc(*len + (*len == 0));

    memcpy(payload, buf + APPMSG_HEADER_BYTES, *len);
    return payload;
}

static void assert_same_text(const void *a, size_t a_len, const void *b, size_t b_len)
{
    cr_assert_eq(a_len, b_len);
    cr_assert_eq(a_len == 0 ? 0 : memcmp(a, b, a_len), 0);
}

static void assert_same(const struct appmsg *a, const struct appmsg *b)
{
    cr_assert_eq(a->type, b->type);
    cr_assert_eq(a->id, b->id);
    switch (a->type) {
    case APPMSG_HELLO:
        cr_assert_eq(a->hello_flags, b->hello_flags);
        return;
    case APPMSG_TEXT:
        cr_assert_eq(a->part.last, b->part.last);
        assert_same_text(a->part.bytes, a->part.len, b->part.bytes, b->part.len);
        return;
    case APPMSG_OFFER:
        cr_assert_eq(a->offer.stream, b->offer.stream);
        cr_assert_eq(a->offer.entry_count, b->offer.entry_count);
        cr_assert_eq(a->offer.first.kind, b->offer.first.kind);
        cr_assert_eq(a->offer.first.size, b->offer.first.size);
        assert_same_text(a->offer.first.name, a->offer.first.name_len, b->offer.first.name, b->offer.first.name_len);
        return;
    case APPMSG_ACCEPT:
        cr_assert_eq(a->accept.extent_count, b->accept.extent_count);
        cr_assert_eq(a->accept.first.offset, b->accept.first.offset);
        cr_assert_eq(a->accept.first.len, b->accept.first.len);
        return;
    case APPMSG_REFUSE:
    case APPMSG_FAILED:
    case APPMSG_CANCEL:
        cr_assert_eq(a->end.code, b->end.code);
        assert_same_text(a->end.reason, a->end.reason_len, b->end.reason, b->end.reason_len);
        return;
    case APPMSG_DIGEST:
        cr_assert_arr_eq(a->digest, b->digest, DIGEST_BYTES);
        return;
    case APPMSG_ASK:
        assert_same_text(a->ask.command, a->ask.command_len, b->ask.command, b->ask.command_len);
        assert_same_text(a->ask.arg, a->ask.arg_len, b->ask.arg, b->ask.arg_len);
        return;
    case APPMSG_ANSWER:
        cr_assert_eq(a->answer.ok, b->answer.ok);
        assert_same_text(a->answer.text, a->answer.len, b->answer.text, b->answer.len);
        return;
    case APPMSG_DELIVERED:
    case APPMSG_COMPLETE:
        return;
    }
}

Test(appmsg, reads_back_what_it_wrote)
{
    struct appmsg m[16];
    const size_t n = samples(m);

    cr_assert_eq(n, 12, "one of every type");
    for (size_t i = 0; i < n; i++) {
        size_t len;
        uint8_t *payload = payload_of(&m[i], &len);
        struct appmsg back;

        cr_assert_eq(appmsg_parse(&back, (uint8_t)m[i].type, payload, len), 0, "sample %zu", i);
        assert_same(&m[i], &back);
        free(payload);
    }
}

/* Texts, reasons and answers end where the message does, so a shorter one is just a shorter text. */
static size_t shortest(enum appmsg_type type, size_t len)
{
    switch (type) {
    case APPMSG_TEXT:
        return 5;
    case APPMSG_REFUSE:
    case APPMSG_FAILED:
    case APPMSG_CANCEL:
        return 5;
    case APPMSG_ASK:
        return 4 + 1 + 3;
    case APPMSG_ANSWER:
        return 5;
    case APPMSG_HELLO:
    case APPMSG_DELIVERED:
    case APPMSG_OFFER:
    case APPMSG_ACCEPT:
    case APPMSG_DIGEST:
    case APPMSG_COMPLETE:
        return len;
    }
    return len;
}

Test(appmsg, refuses_every_truncation)
{
    struct appmsg m[16];
    const size_t n = samples(m);

    for (size_t i = 0; i < n; i++) {
        size_t len;
        uint8_t *payload = payload_of(&m[i], &len);

        for (size_t cut = 0; cut < shortest(m[i].type, len); cut++) {
            struct appmsg back;
            uint8_t *exact = malloc(cut + (cut == 0));

            memcpy(exact, payload, cut);
            cr_assert_eq(appmsg_parse(&back, (uint8_t)m[i].type, exact, cut), DUET_EMALFORMED, "sample %zu cut %zu", i,
                         cut);
            free(exact);
        }
        free(payload);
    }
}

Test(appmsg, refuses_bytes_after_a_fixed_message)
{
    static const uint8_t types[] = {APPMSG_DELIVERED, APPMSG_COMPLETE, APPMSG_DIGEST, APPMSG_OFFER, APPMSG_ACCEPT};
    struct appmsg m[16];
    const size_t n = samples(m);

    for (size_t i = 0; i < n; i++) {
        size_t len;
        uint8_t *payload = payload_of(&m[i], &len);
        uint8_t more[512] = {0};
        struct appmsg back;

        memcpy(more, payload, len);
        if (memchr(types, (int)m[i].type, sizeof(types)) != NULL)
            cr_assert_eq(appmsg_parse(&back, (uint8_t)m[i].type, more, len + 1), DUET_EMALFORMED, "sample %zu", i);
        free(payload);
    }
}

Test(appmsg, hostile_payloads)
{
    static const struct {
        uint8_t type;
        size_t len;
        uint8_t payload[40];
        int expected;
    } rows[] = {
        /* HELLO with more flags and fields than we know */
        {.type = 0x01, .len = 10, .payload = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2}, .expected = 0},
        /* TEXT with an unknown flag */
        {.type = 0x10, .len = 5, .payload = {0, 0, 0, 1, 0x02}, .expected = DUET_EMALFORMED},
        /* TEXT without a byte, last or not */
        {.type = 0x10, .len = 5, .payload = {0, 0, 0, 1, 0x01}, .expected = DUET_EMALFORMED},
        {.type = 0x10, .len = 5, .payload = {0, 0, 0, 1, 0x00}, .expected = DUET_EMALFORMED},
        /* OFFER of no entries */
        {.type = 0x20, .len = 6, .payload = {0, 0, 0, 1, 2, 0}, .expected = DUET_EMALFORMED},
        /* OFFER of 2^62-1 entries in no bytes */
        {.type = 0x20,
         .len = 13,
         .payload = {0, 0, 0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
         .expected = DUET_EMALFORMED},
        /* entry longer than the message */
        {.type = 0x20, .len = 10, .payload = {0, 0, 0, 1, 2, 1, 9, 0, 5, 0}, .expected = DUET_EMALFORMED},
        /* name longer than its entry, the message goes on */
        {.type = 0x20, .len = 11, .payload = {0, 0, 0, 1, 2, 1, 3, 0, 5, 1, 'a'}, .expected = DUET_EMALFORMED},
        /* entry with metadata of a later version: skipped */
        {.type = 0x20, .len = 13, .payload = {0, 0, 0, 1, 2, 1, 6, 0, 5, 1, 'a', 'x', 'y'}, .expected = 0},
        /* entry of length 2^62-1 */
        {.type = 0x20,
         .len = 15,
         .payload = {0, 0, 0, 1, 2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0},
         .expected = DUET_EMALFORMED},
        /* two entries: well-formed, for the receiver to refuse */
        {.type = 0x20, .len = 16, .payload = {0, 0, 0, 1, 2, 2, 4, 0, 5, 1, 'a', 4, 0, 5, 1, 'b'}, .expected = 0},
        /* ACCEPT of 2^62-1 extents */
        {.type = 0x21,
         .len = 12,
         .payload = {0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
         .expected = DUET_EMALFORMED},
        /* ASK: command longer than any, longer than the message */
        {.type = 0x30, .len = 5, .payload = {0, 0, 0, 1, 33}, .expected = DUET_EMALFORMED},
        {.type = 0x30, .len = 6, .payload = {0, 0, 0, 1, 2, 'a'}, .expected = DUET_EMALFORMED},
        /* ANSWER: ok is a boolean */
        {.type = 0x31, .len = 5, .payload = {0, 0, 0, 1, 2}, .expected = DUET_EMALFORMED},
        /* unknown types */
        {.type = 0x00, .len = 0, .expected = DUET_EMALFORMED},
        {.type = 0x7f, .len = 4, .expected = DUET_EMALFORMED},
        {.type = 0x80, .len = 4, .expected = DUET_EUNSUPPORTED},
        {.type = 0xff, .len = 0, .expected = DUET_EUNSUPPORTED},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct appmsg m;

        cr_assert_eq(appmsg_parse(&m, rows[i].type, rows[i].payload, rows[i].len), rows[i].expected, "row %zu", i);
    }
}

Test(appmsg, holds_its_bounds_both_ways)
{
    static const char big[APPMSG_ANSWER_BYTES + 1];
    uint8_t *buf = malloc(APPMSG_PAYLOAD_BYTES + APPMSG_HEADER_BYTES);
    struct appmsg m = {.type = APPMSG_ANSWER, .answer = {.text = big, .len = APPMSG_ANSWER_BYTES}};

    cr_assert_gt(appmsg_write(&m, buf, APPMSG_PAYLOAD_BYTES + APPMSG_HEADER_BYTES), APPMSG_ANSWER_BYTES);
    m.answer.len++;
    cr_assert_eq(appmsg_write(&m, buf, APPMSG_PAYLOAD_BYTES + APPMSG_HEADER_BYTES), DUET_ERANGE);
    m = (struct appmsg){.type = APPMSG_FAILED, .end = {.code = 1, .reason = big, .reason_len = LIMIT_REASON_BYTES + 1}};
    cr_assert_eq(appmsg_write(&m, buf, 1000), DUET_ERANGE);
    m.end.reason_len = LIMIT_REASON_BYTES;
    cr_assert_gt(appmsg_write(&m, buf, 1000), 0);
    cr_assert_eq(appmsg_write(&m, buf, 20), DUET_ERANGE, "cap");
    memset(buf, 0, 5 + LIMIT_REASON_BYTES + 1);
    cr_assert_eq(appmsg_parse(&m, APPMSG_FAILED, buf, 5 + LIMIT_REASON_BYTES + 1), DUET_EMALFORMED);
    cr_assert_eq(appmsg_parse(&m, APPMSG_TEXT, buf, 5 + APPMSG_PART_BYTES + 1), DUET_EMALFORMED);
    free(buf);
}

Test(appmsg, words_and_codes_of_why)
{
    cr_assert_str_eq(transfer_code_text(WHY_CANCELLED), "cancelled");
    cr_assert_str_eq(transfer_code_text(999), "unknown reason");
    cr_assert_eq(transfer_code_err(WHY_INTEGRITY), DUET_EINTEGRITY);
    cr_assert_eq(transfer_code_err(0), DUET_EREFUSED);
}
