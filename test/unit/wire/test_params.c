/* params: the negotiation as a table, and lists that are not lists. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "wire/params.h"

#define BOTH (SUITE_AES128GCM | SUITE_CHACHA20POLY1305)

static int read_bytes(const uint8_t *bytes, size_t len, struct params *p)
{
    struct reader r = reader_of(bytes, len);

    return params_read(p, &r);
}

static bool same(const struct params *a, const struct params *b)
{
    return a->mode == b->mode && a->max_packet_bytes == b->max_packet_bytes && a->window_bytes == b->window_bytes &&
           a->heartbeat_us == b->heartbeat_us && a->lost_us == b->lost_us && a->suites == b->suites &&
           a->features == b->features;
}

Test(params, defaults_are_within_the_limits)
{
    struct params p = params_default();

    cr_assert_eq(params_check(&p), 0);
    cr_assert_eq(p.mode, MODE_BURST);
    cr_assert_eq(p.window_bytes, LIMIT_WINDOW_DEFAULT_BYTES);
    cr_assert_eq(p.heartbeat_us, HEARTBEAT_DEFAULT_US);
    cr_assert_eq(p.lost_us, LOST_DEFAULT_US);
    cr_assert_eq(p.suites, BOTH);
}

Test(params, survive_a_round_trip)
{
    const struct params rows[] = {
        params_default(),
        {MODE_STEP, LIMIT_PACKET_MIN_BYTES, LIMIT_WINDOW_MIN_BYTES, HEARTBEAT_MIN_US, UNREACHABLE_US, SUITE_AES128GCM,
         0, 0},
        {MODE_BURST, LIMIT_PACKET_MAX_BYTES, LIMIT_WINDOW_MAX_BYTES, HEARTBEAT_MAX_US, VARINT_MAX, BOTH, 99, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t buf[128];
        struct params got;
        struct writer w = writer_of(buf, sizeof(buf));
        params_write(&rows[i], &w);
        cr_assert(!w.failed);
        cr_assert_eq(read_bytes(buf, writer_used(&w), &got), 0, "row %zu", i);
        cr_assert(same(&rows[i], &got), "row %zu", i);
        cr_assert_eq(got.prefer, 0, "a preference is not on the wire");
    }
}

Test(params, an_empty_list_is_the_defaults)
{
    struct params expected = params_default();
    struct params got;

    cr_assert_eq(read_bytes(NULL, 0, &got), 0);
    cr_assert(same(&expected, &got));
}

Test(params, each_field_has_its_limits)
{
    enum { MODE, PACKET, WINDOW, HEARTBEAT, LOST, SUITES };
    static const struct {
        int field;
        uint64_t value;
        bool fine;
    } rows[] = {
        {MODE, 0, false},
        {MODE, 3, false},
        {MODE, MODE_STEP, true},
        {PACKET, LIMIT_PACKET_MIN_BYTES - 1, false},
        {PACKET, LIMIT_PACKET_MIN_BYTES, true},
        {PACKET, LIMIT_PACKET_MAX_BYTES, true},
        {PACKET, LIMIT_PACKET_MAX_BYTES + 1, false},
        {WINDOW, LIMIT_WINDOW_MIN_BYTES - 1, false},
        {WINDOW, LIMIT_WINDOW_MIN_BYTES, true},
        {WINDOW, LIMIT_WINDOW_MAX_BYTES, true},
        {WINDOW, LIMIT_WINDOW_MAX_BYTES + 1, false},
        {HEARTBEAT, HEARTBEAT_MIN_US - 1, false},
        {HEARTBEAT, HEARTBEAT_MIN_US, true},
        {HEARTBEAT, HEARTBEAT_MAX_US, true},
        {HEARTBEAT, HEARTBEAT_MAX_US + 1, false},
        {LOST, UNREACHABLE_US - 1, false},
        {LOST, UNREACHABLE_US, true},
        {SUITES, 0, false},
        {SUITES, SUITE_CHACHA20POLY1305, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct params p = params_default();
        struct params got;
        uint8_t buf[128];
        uint64_t v = rows[i].value;
        p.mode = rows[i].field == MODE ? (enum params_mode)v : p.mode;
        p.max_packet_bytes = rows[i].field == PACKET ? (uint32_t)v : p.max_packet_bytes;
        p.window_bytes = rows[i].field == WINDOW ? v : p.window_bytes;
        p.heartbeat_us = rows[i].field == HEARTBEAT ? v : p.heartbeat_us;
        p.lost_us = rows[i].field == LOST ? v : p.lost_us;
        p.suites = rows[i].field == SUITES ? (uint32_t)v : p.suites;
        cr_assert_eq(params_check(&p), rows[i].fine ? 0 : DUET_ERANGE, "row %zu", i);
        struct writer w = writer_of(buf, sizeof(buf));
        params_write(&p, &w);
        cr_assert_eq(read_bytes(buf, writer_used(&w), &got), rows[i].fine ? 0 : DUET_EMALFORMED, "row %zu", i);
    }
}

Test(params, malformed_lists_are_refused)
{
    static const struct {
        const char *what;
        uint8_t bytes[24];
        size_t len;
        int expected;
    } rows[] = {
        {"one field", {1, 1, 2}, 3, 0},
        {"an unknown field is skipped", {0x3f, 2, 0xff, 0xff, 1, 1, 2}, 7, 0},
        {"an unknown empty field", {0x3f, 0}, 2, 0},
        {"a repeated field", {1, 1, 2, 1, 1, 2}, 6, DUET_EMALFORMED},
        {"a repeated unknown field", {0x3f, 0, 0x3f, 0}, 4, DUET_EMALFORMED},
        {"a repeated field in another spelling", {1, 1, 2, 0x40, 1, 1, 2}, 7, DUET_EMALFORMED},
        {"an id alone", {1}, 1, DUET_EMALFORMED},
        {"a length past the end", {1, 2, 2}, 3, DUET_EMALFORMED},
        {"an unknown field past the end", {0x3f, 9, 0}, 3, DUET_EMALFORMED},
        {"a length of 2^62-1", {0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, 10, DUET_EMALFORMED},
        {"an empty value", {1, 0}, 2, DUET_EMALFORMED},
        {"bytes after the value", {1, 2, 2, 0}, 4, DUET_EMALFORMED},
        {"a value cut short", {2, 2, 0x80, 0}, 4, DUET_EMALFORMED},
        {"a mode of 257", {1, 2, 0x41, 0x01}, 4, DUET_EMALFORMED},
        {"a packet size of 2^32 + 1200", {2, 8, 0xc0, 0, 0, 1, 0, 0, 0x04, 0xb0}, 10, DUET_EMALFORMED},
        {"suites of 2^32 + 1", {6, 8, 0xc0, 0, 0, 1, 0, 0, 0, 1}, 10, DUET_EMALFORMED},
        {"id cut", {0xc0, 1}, 2, DUET_EMALFORMED},
    };
    struct params p;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(read_bytes(rows[i].bytes, rows[i].len, &p), rows[i].expected, "%s", rows[i].what);
}

Test(params, the_number_of_fields_is_bounded)
{
    uint8_t buf[256];
    struct params p;

    for (uint64_t count = 32; count <= 33; count++) {
        struct writer w = writer_of(buf, sizeof(buf));
        for (uint64_t id = 100; id < 100 + count; id++) {
            writer_varint(&w, id);
            writer_varint(&w, 0);
        }
        cr_assert_eq(read_bytes(buf, writer_used(&w), &p), count == 32 ? 0 : DUET_EMALFORMED);
    }
}

Test(params, unknown_suites_are_dropped)
{
    static const uint8_t some[] = {6, 1, 0x0a};
    static const uint8_t none_known[] = {6, 1, 0x08};
    struct params own = params_default();
    struct params p, result;

    cr_assert_eq(read_bytes(some, sizeof(some), &p), 0);
    cr_assert_eq(p.suites, SUITE_CHACHA20POLY1305);
    cr_assert_eq(read_bytes(none_known, sizeof(none_known), &p), 0);
    cr_assert_eq(params_negotiate(&p, &own, &result), DUET_EUNSUPPORTED);
}

/* mode, packet, window, heartbeat, lost, suites, features, prefer */
Test(params, negotiation_follows_its_table)
{
    static const struct {
        struct params proposed, own, result;
    } rows[] = {
        {{MODE_BURST, 1452, 1 << 20, 5000000, 20000000, BOTH, 0, 0},
         {MODE_BURST, 9000, 1 << 22, 1000000, 60000000, BOTH, 0, 0},
         {MODE_BURST, 1452, 1 << 20, 1000000, 20000000, SUITE_AES128GCM, 0, 0}},
        {{MODE_STEP, 9000, 1 << 22, 1000000, 60000000, BOTH, 5, 0},
         {MODE_BURST, 1452, 1 << 20, 5000000, 20000000, BOTH, 6, SUITE_CHACHA20POLY1305},
         {MODE_STEP, 1452, 1 << 20, 1000000, 20000000, SUITE_CHACHA20POLY1305, 4, 0}},
        {{MODE_BURST, 1452, 1 << 20, 5000000, 20000000, SUITE_CHACHA20POLY1305, 0, 0},
         {MODE_STEP, 1452, 1 << 20, 5000000, 20000000, BOTH, 0, SUITE_AES128GCM},
         {MODE_STEP, 1452, 1 << 20, 5000000, 20000000, SUITE_CHACHA20POLY1305, 0, 0}},
        {{MODE_STEP, 1452, 1 << 20, 5000000, 20000000, BOTH, 0, SUITE_CHACHA20POLY1305},
         {MODE_STEP, 1452, 1 << 20, 5000000, 20000000, BOTH, 0, SUITE_AES128GCM},
         {MODE_STEP, 1452, 1 << 20, 5000000, 20000000, SUITE_AES128GCM, 0, 0}},
        {{MODE_BURST, 1452, 1 << 20, 5000000, 20000000, BOTH, 0, 0},
         {MODE_BURST, 1452, 1 << 20, 5000000, 20000000, SUITE_AES128GCM, 0, SUITE_CHACHA20POLY1305},
         {MODE_BURST, 1452, 1 << 20, 5000000, 20000000, SUITE_AES128GCM, 0, 0}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct params got;
        cr_assert_eq(params_negotiate(&rows[i].proposed, &rows[i].own, &got), 0, "row %zu", i);
        cr_assert(same(&got, &rows[i].result), "row %zu", i);
        cr_assert(params_result_fits(&rows[i].proposed, &got), "row %zu", i);
    }
}

Test(params, no_common_suite_is_no_session)
{
    struct params proposed = params_default();
    struct params own = params_default();
    struct params result;

    proposed.suites = SUITE_AES128GCM;
    own.suites = SUITE_CHACHA20POLY1305;
    cr_assert_eq(params_negotiate(&proposed, &own, &result), DUET_EUNSUPPORTED);
}

Test(params, a_result_that_grew_does_not_fit)
{
    const struct params proposed = {MODE_STEP, 1452, 1 << 20, 5000000, 20000000, SUITE_AES128GCM, 1, 0};
    const struct params good = proposed;
    struct params bad[9];

    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].mode = MODE_BURST;
    bad[1].max_packet_bytes++;
    bad[2].window_bytes++;
    bad[3].heartbeat_us++;
    bad[4].lost_us++;
    bad[5].suites = SUITE_CHACHA20POLY1305;
    bad[6].suites = BOTH;
    bad[7].features = 2;
    bad[8].window_bytes = LIMIT_WINDOW_MIN_BYTES - 1;

    cr_assert(params_result_fits(&proposed, &good));
    for (size_t i = 0; i < 9; i++)
        cr_assert(!params_result_fits(&proposed, &bad[i]), "row %zu", i);
}

Test(params, refusals_have_words)
{
    cr_assert_str_eq(params_refusal_text(REFUSAL_BUSY), "the peer has too many connections");
    cr_assert_str_eq(params_refusal_text(4711), "for a reason this version does not know");
    cr_assert_str_eq(params_refusal_text(UINT64_MAX), "for a reason this version does not know");
}

Test(params, what_is_read_from_random_bytes_is_within_the_limits)
{
    struct duet_rand rng;

    rand_init_u64(&rng, 42);
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[40];
        struct params p;
        size_t len = (size_t)rand_below(&rng, sizeof(bytes));
        rand_bytes(&rng, bytes, len);
        for (size_t k = 0; k < len; k++)
            bytes[k] &= 0x47;
        if (read_bytes(bytes, len, &p) < 0)
            continue;
        p.suites = p.suites != 0 ? p.suites : BOTH; /* unknown ones only: that is for negotiate */
        cr_assert_eq(params_check(&p), 0);
    }
}
