/* packet: six headers there and back; damage and wrong lengths are refused. */
#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/rand.h"
#include "wire/packet.h"

#define CID_I UINT64_C(0x0102030405060708)
#define CID_R UINT64_C(0xf1f2f3f4f5f6f7f8)
#define CAP 2048

struct sample {
    const char *name;
    uint8_t bytes[CAP];
    size_t len;
};

enum { SAMPLE_SYN, SAMPLE_SYN_TOKEN, SAMPLE_RETRY, SAMPLE_SYN_ACK, SAMPLE_ACK, SAMPLE_VERSION, SAMPLE_COUNT };

static uint8_t noise[256];
static uint8_t token[LIMIT_TOKEN_BYTES];

static void make_samples(struct sample s[SAMPLE_COUNT])
{
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)(i * 7 + 1);
    memset(token, 0x5a, sizeof(token));
    const ssize_t lens[SAMPLE_COUNT] = {
        packet_write_syn(s[SAMPLE_SYN].bytes, CAP, 0, CID_I, NULL, noise, 100),
        packet_write_syn(s[SAMPLE_SYN_TOKEN].bytes, CAP, 0, CID_I, token, noise, 100),
        packet_write_retry(s[SAMPLE_RETRY].bytes, CAP, CID_I, token),
        packet_write_syn_ack(s[SAMPLE_SYN_ACK].bytes, CAP, CID_I, CID_R, noise, 150),
        packet_write_ack(s[SAMPLE_ACK].bytes, CAP, CID_R, noise, 160),
        packet_write_version(s[SAMPLE_VERSION].bytes, CAP, CID_I),
    };
    static const char *const names[SAMPLE_COUNT] = {"syn", "syn with token", "retry", "syn_ack", "ack", "version"};
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        cr_assert_gt(lens[i], 0, "%s", names[i]);
        s[i].len = (size_t)lens[i];
        s[i].name = names[i];
    }
}

/* From memory of exactly this length, so that ASan sees a step too far. */
static int parse_exact(const uint8_t *bytes, size_t len, struct packet *p)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    cr_assert_not_null(copy);
    memcpy(copy, bytes, len);
    int err = packet_parse(p, copy, len);
    free(copy);
    return err;
}

/* Writes a right CRC behind the first len - 4 bytes: hostile, not damaged. */
static void reseal(uint8_t *bytes, size_t len)
{
    struct writer w = writer_of(bytes + len - 4, 4);

    writer_u32(&w, packet_crc32c(bytes, len - 4));
}

/* RFC 3720 §B.4, which prints the values low byte first, and the usual check string. */
Test(packet, crc32c_gives_the_published_answers)
{
    static const uint8_t read_pdu[48] = {
        0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
        0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0,    0,
    };
    uint8_t zeros[32], ones[32], up[32], down[32];

    for (size_t i = 0; i < 32; i++) {
        zeros[i] = 0;
        ones[i] = 0xff;
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    cr_assert_eq(packet_crc32c(zeros, 32), 0x8a9136aa);
    cr_assert_eq(packet_crc32c(ones, 32), 0x62a8ab43);
    cr_assert_eq(packet_crc32c(up, 32), 0x46dd794e);
    cr_assert_eq(packet_crc32c(down, 32), 0x113fdb5c);
    cr_assert_eq(packet_crc32c(read_pdu, sizeof(read_pdu)), 0xd9963a56);
    cr_assert_eq(packet_crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
    cr_assert_eq(packet_crc32c(NULL, 0), 0);
}

Test(packet, a_syn_carries_its_noise_and_token)
{
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    make_samples(s);
    for (int i = SAMPLE_SYN; i <= SAMPLE_SYN_TOKEN; i++) {
        cr_assert_eq(s[i].len, LIMIT_SYN_BYTES);
        cr_assert_eq(packet_parse(&p, s[i].bytes, s[i].len), 0);
        cr_assert_eq(p.type, PACKET_SYN);
        cr_assert_eq(p.version, DUET_VERSION_WIRE);
        cr_assert_eq(p.flags, 0);
        cr_assert_eq(p.cid_i, CID_I);
        cr_assert_eq(p.noise_len, 100);
        cr_assert_arr_eq(p.noise, noise, 100);
        cr_assert_eq(p.token != NULL, i == SAMPLE_SYN_TOKEN);
        cr_assert(p.token == NULL || memcmp(p.token, token, sizeof(token)) == 0);
    }
}

Test(packet, the_other_unkeyed_packets_survive_a_round_trip)
{
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    make_samples(s);
    cr_assert_eq(packet_parse(&p, s[SAMPLE_RETRY].bytes, s[SAMPLE_RETRY].len), 0);
    cr_assert_eq(p.type, PACKET_RETRY);
    cr_assert_eq(p.cid_i, CID_I);
    cr_assert_arr_eq(p.token, token, sizeof(token));

    cr_assert_eq(packet_parse(&p, s[SAMPLE_SYN_ACK].bytes, s[SAMPLE_SYN_ACK].len), 0);
    cr_assert_eq(p.type, PACKET_SYN_ACK);
    cr_assert_eq(p.cid_i, CID_I);
    cr_assert_eq(p.cid_r, CID_R);
    cr_assert_eq(p.noise_len, 150);
    cr_assert_arr_eq(p.noise, noise, 150);

    cr_assert_eq(packet_parse(&p, s[SAMPLE_ACK].bytes, s[SAMPLE_ACK].len), 0);
    cr_assert_eq(p.type, PACKET_ACK);
    cr_assert_eq(p.cid_r, CID_R);
    cr_assert_eq(p.noise_len, 160);
    cr_assert_arr_eq(p.noise, noise, 160);

    cr_assert_eq(packet_parse(&p, s[SAMPLE_VERSION].bytes, s[SAMPLE_VERSION].len), 0);
    cr_assert_eq(p.type, PACKET_VERSION);
    cr_assert_eq(p.cid_i, CID_I);
    cr_assert_eq(p.versions_len, 1);
    cr_assert_eq(p.versions[0], DUET_VERSION_WIRE);
    cr_assert_leq(s[SAMPLE_VERSION].len, 40);
}

/* One flip can make the type that of DATA; then it is the tag's to refuse. */
Test(packet, every_flipped_bit_of_an_unkeyed_packet_is_refused)
{
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    make_samples(s);
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        for (size_t bit = 0; bit < s[i].len * 8; bit++) {
            s[i].bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            int err = packet_parse(&p, s[i].bytes, s[i].len);
            if (bit == 6)
                cr_assert(err == DUET_EMALFORMED || p.type == PACKET_DATA, "%s", s[i].name);
            else
                cr_assert_eq(err, DUET_EMALFORMED, "%s bit %zu", s[i].name, bit);
            s[i].bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        cr_assert_eq(packet_parse(&p, s[i].bytes, s[i].len), 0);
    }
}

Test(packet, every_truncation_and_extension_is_refused)
{
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    make_samples(s);
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        for (size_t len = 0; len < s[i].len; len++)
            cr_assert_eq(parse_exact(s[i].bytes, len, &p), DUET_EMALFORMED, "%s cut to %zu", s[i].name, len);
        s[i].bytes[s[i].len] = 0;
        cr_assert_eq(parse_exact(s[i].bytes, s[i].len + 1, &p), DUET_EMALFORMED, "%s and a byte", s[i].name);
    }
}

/* The same with a right CRC: what is cut must be refused for its length, or be a shorter message. */
Test(packet, a_right_crc_does_not_excuse_a_wrong_length)
{
    static const struct {
        int sample;
        size_t len;
    } rows[] = {
        {SAMPLE_SYN, LIMIT_SYN_BYTES - 1},
        {SAMPLE_SYN, LIMIT_SYN_BYTES + 1},
        {SAMPLE_SYN, 20},
        {SAMPLE_RETRY, 53},
        {SAMPLE_RETRY, 55},
        {SAMPLE_RETRY, 14},
        {SAMPLE_SYN_ACK, 22},
        {SAMPLE_SYN_ACK, 10},
        {SAMPLE_SYN_ACK, LIMIT_SYN_ACK_BYTES},
        {SAMPLE_ACK, 14},
        {SAMPLE_ACK, 5},
        {SAMPLE_ACK, LIMIT_PACKET_MIN_BYTES + 1},
        {SAMPLE_VERSION, 14},
        {SAMPLE_VERSION, 16},
        {SAMPLE_VERSION, 31},
    };
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    make_samples(s);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[CAP];
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes, s[rows[i].sample].bytes, s[rows[i].sample].len - 4);
        reseal(bytes, rows[i].len);
        cr_assert_eq(parse_exact(bytes, rows[i].len, &p), DUET_EMALFORMED, "row %zu", i);
    }
}

Test(packet, hostile_syn_fields_are_refused)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } rows[] = {
        {"no noise", 13, 0},
        {"token length 1", 3, 1},
        {"token length 39", 3, 39},
        {"token length 255", 3, 255},
        {"noise length above the packet", 12, 0x80},
        {"padding that is not zero", 1195, 1},
    };
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        make_samples(s);
        s[SAMPLE_SYN].bytes[rows[i].at] = rows[i].value;
        reseal(s[SAMPLE_SYN].bytes, LIMIT_SYN_BYTES);
        cr_assert_eq(packet_parse(&p, s[SAMPLE_SYN].bytes, LIMIT_SYN_BYTES), DUET_EMALFORMED, "%s", rows[i].what);
    }
}

Test(packet, the_noise_of_a_syn_may_fill_it_to_its_crc_and_no_further)
{
    struct packet p;

    for (uint16_t len = 1182; len <= 1183; len++) {
        uint8_t bytes[LIMIT_SYN_BYTES] = {PACKET_SYN, DUET_VERSION_WIRE};
        bytes[12] = (uint8_t)(len >> 8);
        bytes[13] = (uint8_t)len;
        reseal(bytes, sizeof(bytes));
        cr_assert_eq(parse_exact(bytes, sizeof(bytes), &p), len == 1182 ? 0 : DUET_EMALFORMED);
    }
}

Test(packet, unknown_syn_flags_are_read_and_left_to_the_transcript)
{
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    make_samples(s);
    s[SAMPLE_SYN].bytes[2] = 0x81;
    reseal(s[SAMPLE_SYN].bytes, LIMIT_SYN_BYTES);
    cr_assert_eq(packet_parse(&p, s[SAMPLE_SYN].bytes, LIMIT_SYN_BYTES), 0);
    cr_assert_eq(p.flags, 0x81);
}

Test(packet, a_syn_of_another_version_tells_its_id_and_no_more)
{
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    make_samples(s);
    s[SAMPLE_SYN].bytes[1] = 9;
    reseal(s[SAMPLE_SYN].bytes, LIMIT_SYN_BYTES);
    cr_assert_eq(packet_parse(&p, s[SAMPLE_SYN].bytes, LIMIT_SYN_BYTES), DUET_EUNSUPPORTED);
    cr_assert_eq(p.type, PACKET_SYN);
    cr_assert_eq(p.version, 9);
    cr_assert_eq(p.cid_i, CID_I);
    cr_assert_null(p.noise);
    cr_assert_null(p.token);
}

Test(packet, any_other_packet_of_another_version_is_malformed)
{
    static const int which[] = {SAMPLE_RETRY, SAMPLE_SYN_ACK, SAMPLE_ACK};
    struct sample s[SAMPLE_COUNT];
    struct packet p;

    make_samples(s);
    for (size_t i = 0; i < 3; i++) {
        struct sample *one = &s[which[i]];
        one->bytes[1] = 9;
        reseal(one->bytes, one->len);
        cr_assert_eq(packet_parse(&p, one->bytes, one->len), DUET_EMALFORMED, "%s", one->name);
    }
}

Test(packet, version_lists_are_bounded_and_exact)
{
    struct packet p;

    for (size_t count = 0; count <= PACKET_VERSIONS_MAX + 1; count++) {
        for (int told_more = 0; told_more <= 1; told_more++) {
            uint8_t bytes[64] = {PACKET_VERSION, (uint8_t)(count + (size_t)told_more)};
            reseal(bytes, 14 + count);
            bool fine = told_more == 0 && count >= 1 && count <= PACKET_VERSIONS_MAX;
            cr_assert_eq(parse_exact(bytes, 14 + count, &p), fine ? 0 : DUET_EMALFORMED, "%zu", count);
        }
    }
}

Test(packet, unknown_types_are_refused)
{
    struct packet p;

    for (unsigned type = 0; type < 256; type++) {
        uint8_t bytes[LIMIT_SYN_BYTES] = {(uint8_t)type};
        if ((type >= PACKET_SYN && type <= PACKET_VERSION) || (type & 0xfc) == PACKET_DATA)
            continue;
        reseal(bytes, sizeof(bytes));
        cr_assert_eq(packet_parse(&p, bytes, sizeof(bytes)), DUET_EMALFORMED, "type %u", type);
    }
}

Test(packet, data_headers_survive_a_round_trip)
{
    struct packet p;

    for (uint8_t epoch = 0; epoch < 4; epoch++) {
        uint8_t bytes[LIMIT_DATA_HEADER_BYTES + LIMIT_TAG_BYTES] = {0};
        packet_write_data_header(bytes, epoch, CID_R, LIMIT_PACKET_NUMBER - 1 - epoch);
        cr_assert_eq(packet_parse(&p, bytes, sizeof(bytes)), 0);
        cr_assert_eq(p.type, PACKET_DATA);
        cr_assert_eq(p.epoch, epoch);
        cr_assert_eq(p.dcid, CID_R);
        cr_assert_eq(p.number, LIMIT_PACKET_NUMBER - 1 - epoch);
        cr_assert_eq(p.header_len, LIMIT_DATA_HEADER_BYTES);
        for (size_t len = 0; len < sizeof(bytes); len++)
            cr_assert_eq(parse_exact(bytes, len, &p), DUET_EMALFORMED, "cut to %zu", len);
    }
}

Test(packet, data_numbers_past_the_limit_are_refused)
{
    uint8_t bytes[LIMIT_DATA_HEADER_BYTES + LIMIT_TAG_BYTES] = {0};
    struct packet p;

    packet_write_data_header(bytes, 0, CID_R, LIMIT_PACKET_NUMBER);
    cr_assert_eq(packet_parse(&p, bytes, sizeof(bytes)), DUET_EMALFORMED);
    packet_write_data_header(bytes, 0, CID_R, UINT64_MAX);
    cr_assert_eq(packet_parse(&p, bytes, sizeof(bytes)), DUET_EMALFORMED);
}

Test(packet, writers_refuse_what_does_not_fit)
{
    uint8_t buf[CAP];
    uint8_t long_noise[LIMIT_SYN_BYTES] = {0};

    make_samples((struct sample[SAMPLE_COUNT]){0});
    cr_assert_eq(packet_write_syn(buf, LIMIT_SYN_BYTES - 1, 0, CID_I, NULL, noise, 48), DUET_ERANGE);
    cr_assert_eq(packet_write_syn(buf, CAP, 0, CID_I, NULL, noise, 0), DUET_ERANGE);
    cr_assert_eq(packet_write_syn(buf, CAP, 0, CID_I, NULL, long_noise, 1182), LIMIT_SYN_BYTES);
    cr_assert_eq(packet_write_syn(buf, CAP, 0, CID_I, NULL, long_noise, 1183), DUET_ERANGE);
    cr_assert_eq(packet_write_syn(buf, CAP, 0, CID_I, token, long_noise, 1142), LIMIT_SYN_BYTES);
    cr_assert_eq(packet_write_syn(buf, CAP, 0, CID_I, token, long_noise, 1143), DUET_ERANGE);
    cr_assert_eq(packet_write_retry(buf, 53, CID_I, token), DUET_ERANGE);
    cr_assert_eq(packet_write_syn_ack(buf, 100, CID_I, CID_R, noise, 96), DUET_ERANGE);
    cr_assert_eq(packet_write_syn_ack(buf, CAP, CID_I, CID_R, long_noise, 377), LIMIT_SYN_ACK_BYTES - 1);
    cr_assert_eq(packet_write_syn_ack(buf, CAP, CID_I, CID_R, long_noise, 378), DUET_ERANGE);
    cr_assert_eq(packet_write_ack(buf, 77, CID_R, noise, 64), DUET_ERANGE);
    cr_assert_eq(packet_write_ack(buf, CAP, CID_R, long_noise, LIMIT_PACKET_MIN_BYTES), DUET_ERANGE);
    cr_assert_eq(packet_write_version(buf, 14, CID_I), DUET_ERANGE);
}

Test(packet, bound_bytes_are_the_syns_first_fields)
{
    static const uint8_t expected[PACKET_SYN_BOUND_BYTES] = {1, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t bound[PACKET_SYN_BOUND_BYTES];

    packet_syn_bound(bound, DUET_VERSION_WIRE, 0, CID_I);
    cr_assert_arr_eq(bound, expected, sizeof(expected));
}

Test(packet, names_are_those_of_the_trace)
{
    cr_assert_str_eq(packet_type_name(PACKET_SYN_ACK), "syn_ack");
    cr_assert_str_eq(packet_type_name(PACKET_DATA), "data");
    cr_assert_str_eq(packet_type_name((enum packet_type)0x77), "unknown");
}

Test(packet, random_bytes_with_a_right_crc_never_leave_the_buffer)
{
    struct duet_rand rng;
    uint8_t bytes[LIMIT_SYN_BYTES];
    struct packet p;

    rand_init_u64(&rng, 6254);
    for (int i = 0; i < 20000; i++) {
        size_t len = i % 4 == 0 ? LIMIT_SYN_BYTES : (size_t)rand_below(&rng, 200) + 5;
        rand_bytes(&rng, bytes, len);
        bytes[0] = (uint8_t)(1 + rand_below(&rng, 5));
        bytes[1] = rand_below(&rng, 8) == 0 ? bytes[1] : DUET_VERSION_WIRE;
        reseal(bytes, len);
        (void)parse_exact(bytes, len, &p);
        cr_assert_leq(p.noise_len, len);
    }
}
