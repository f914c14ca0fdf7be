/*
 * The vectors of doc/PROTOCOL.md §11, read from the page: where page and code differ, one of them
 * is wrong, and whoever writes a second implementation has only the page.  A vector is a line of
 * the page that begins with its label; its bytes are the hex groups that follow, also on further
 * lines that begin with a blank, up to the first word that is none.  Tests run in the repository's
 * top directory.
 */
#include "unit.h"
#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "app/appmsg.h"
#include "base/bytes.h"
#include "conn/handshake.h"
#include "crypto/keys.h"
#include "wire/frame.h"
#include "wire/packet.h"
#include "wire/stream_id.h"

#define PAGE "doc/PROTOCOL.md"
#define PAGE_BYTES 200000
#define VECTOR_BYTES 2048
#define CID_I UINT64_C(0x1111111111111111)
#define CID_R UINT64_C(0x2222222222222222)

static char page[PAGE_BYTES];
static const char *vectors;

static void read_page(void)
{
    FILE *f = fopen(PAGE, "r");

    cr_assert_not_null(f, "%s is not here: tests run in the repository's top directory", PAGE);
    const size_t len = fread(page, 1, sizeof(page) - 1, f);
    fclose(f);
    page[len] = '\0';
    vectors = strstr(page, "\n## 11. Test vectors");
    cr_assert_not_null(vectors);
}

TestSuite(page, .init = read_page);

/* The hex groups from `at` on; where they end. */
static const char *take_groups(const char *at, uint8_t *out, size_t *len)
{
    for (;;) {
        while (*at == ' ')
            at++;
        const size_t digits = strspn(at, "0123456789abcdef");
        const char after = at[digits];

        if (digits == 0 || digits % 2 != 0 || (after != ' ' && after != '\n' && after != '`'))
            return at;
        for (size_t i = 0; i < digits; i += 2) {
            unsigned byte;

            cr_assert(sscanf(at + i, "%2x", &byte) == 1 && *len < VECTOR_BYTES);
            out[(*len)++] = (uint8_t)byte;
        }
        at += digits;
    }
}

/* The bytes of the vector with this label. */
static size_t vector(const char *label, uint8_t out[VECTOR_BYTES])
{
    char line[64];
    size_t len = 0;

    snprintf(line, sizeof(line), "\n%s  ", label);
    const char *at = strstr(vectors, line);
    cr_assert_not_null(at, "the page has no vector '%s'", label);
    at = take_groups(at + strlen(line), out, &len);
    while (*at == '\n' && at[1] == ' ')
        at = take_groups(at + 1, out, &len);
    cr_assert_gt(len, 0, "%s", label);
    return len;
}

static void print_hex(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fprintf(stderr, "%s%02x", i > 0 && i % 32 == 0 ? "\n" : "", bytes[i]);
    fprintf(stderr, "\n");
}

/* The page says what the code does, or the right value is printed. */
static void expect(const char *label, const void *bytes, size_t len)
{
    uint8_t said[VECTOR_BYTES];
    const size_t said_len = vector(label, said);
    const bool same = said_len == len && memcmp(said, bytes, len) == 0;

    if (!same) {
        fprintf(stderr, "%s is\n", label);
        print_hex(bytes, len);
    }
    cr_expect(same, "the page says otherwise: %s", label);
}

/* ---- CRC ---- */

static uint32_t crc32c(const uint8_t *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78 & (0 - (crc & 1)));
    }
    return ~crc;
}

Test(page, crc)
{
    uint8_t bytes[4];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_u32(&w, crc32c((const uint8_t *)"123456789", 9));
    expect("CRC32C", bytes, sizeof(bytes));
}

/* ---- handshake ---- */

struct meeting {
    struct endpoint_config cfg[2];
    struct handshake hs[2];
    uint8_t syn[LIMIT_SYN_BYTES], syn_ack[LIMIT_SYN_BYTES], ack[LIMIT_SYN_BYTES];
    size_t syn_len, syn_ack_len, ack_len;
    uint8_t secret[2][NOISE_KEY_BYTES]; /* initiator → responder, and back */
    struct keys *keys[2];
    uint64_t number[2];
};

static struct endpoint_config config_of(uint8_t secret, const char *name)
{
    struct endpoint_config cfg = {.params = params_default(), .accept = true};

    memset(cfg.identity.secret, secret, sizeof(cfg.identity.secret));
    noise_public(cfg.identity.public, cfg.identity.secret);
    snprintf(cfg.name, sizeof(cfg.name), "%s", name);
    return cfg;
}

/* Gives these bytes once, which become the ephemeral secret. */
static struct duet_rand draws(uint8_t byte)
{
    struct duet_rand r;

    rand_init_u64(&r, 1);
    r.used = RAND_POOL_BYTES - NOISE_KEY_BYTES;
    memset(r.pool + r.used, byte, NOISE_KEY_BYTES);
    return r;
}

static struct packet parsed(uint8_t *dgram, size_t len)
{
    struct packet p;

    cr_assert_eq(packet_parse(&p, dgram, len), 0);
    return p;
}

static void meet(struct meeting *m)
{
    struct duet_rand ephemeral[2] = {draws(0x33), draws(0x44)};
    uint8_t hash[NOISE_HASH_BYTES];

    *m = (struct meeting){.cfg = {config_of(0x11, "alice"), config_of(0x22, "bob")}};
    cr_assert_eq(handshake_start(&m->hs[0], &m->cfg[0], CID_I, &ephemeral[0]), 0);
    m->syn_len = (size_t)handshake_syn(&m->hs[0], m->syn, sizeof(m->syn));
    struct packet p = parsed(m->syn, m->syn_len);
    cr_assert_eq(handshake_answer(&m->hs[1], &m->cfg[1], &p, CID_R, REFUSAL_NONE, &ephemeral[1]), 0);
    m->syn_ack_len = (size_t)handshake_syn_ack(&m->hs[1], m->syn_ack, sizeof(m->syn_ack));
    p = parsed(m->syn_ack, m->syn_ack_len);
    cr_assert_eq(handshake_confirm(&m->hs[0], &m->cfg[0], NULL, &p), 0);
    m->ack_len = (size_t)handshake_ack(&m->hs[0], m->ack, sizeof(m->ack));
    p = parsed(m->ack, m->ack_len);
    cr_assert_eq(handshake_complete(&m->hs[1], &p), 0);
    noise_split(&m->hs[0].noise, m->secret[0], m->secret[1], hash);
    for (int side = 0; side < 2; side++) {
        m->keys[side] =
            keys_new((enum params_suite)m->hs[1].result.suites, m->secret[side], m->secret[1 - side], DUET_TIME(1));
        cr_assert_not_null(m->keys[side]);
    }
}

static void part(struct meeting *m)
{
    for (int side = 0; side < 2; side++)
        keys_free(m->keys[side]);
}

static size_t payload_of(bool second, const struct params *params, uint8_t *out, size_t cap)
{
    struct writer w = writer_of(out, cap);

    if (second) {
        writer_varint(&w, 0);
        writer_u64(&w, CID_R);
        writer_u8(&w, 3);
        writer_bytes(&w, (const uint8_t *)"bob", 3);
    }
    params_write(params, &w);
    return writer_used(&w);
}

Test(page, handshake)
{
    struct meeting m;
    uint8_t bytes[VECTOR_BYTES] = "duet";
    const size_t head = 14;

    meet(&m);
    packet_syn_bound(bytes + 4, DUET_VERSION_WIRE, 0, CID_I);
    expect("prologue", bytes, 4 + PACKET_SYN_BOUND_BYTES);
    expect("payload 1", bytes, payload_of(false, &m.hs[0].proposed, bytes, sizeof(bytes)));
    expect("noise 1", m.hs[0].syn, m.hs[0].syn_len);
    expect("SYN head", m.syn, head);
    cr_assert_arr_eq(m.syn + head, m.hs[0].syn, m.hs[0].syn_len);
    for (size_t i = head + m.hs[0].syn_len; i < LIMIT_SYN_BYTES - 4; i++)
        cr_assert_eq(m.syn[i], 0);
    expect("SYN crc", m.syn + LIMIT_SYN_BYTES - 4, 4);
    expect("payload 2", bytes, payload_of(true, &m.hs[1].result, bytes, sizeof(bytes)));
    expect("SYN-ACK", m.syn_ack, m.syn_ack_len);
    expect("ACK", m.ack, m.ack_len);
    expect("i → r", m.secret[0], NOISE_KEY_BYTES);
    expect("r → i", m.secret[1], NOISE_KEY_BYTES);
    part(&m);
}

/* ---- packets of the session ---- */

/* Seals the frames as the side's next packet, and expects it on the page; the other side opens what the page says. */
static void expect_packet(struct meeting *m, int side, const char *label, const struct writer *frames)
{
    uint8_t dgram[VECTOR_BYTES], said[VECTOR_BYTES];
    const size_t len = writer_used(frames), whole = LIMIT_DATA_HEADER_BYTES + len + LIMIT_TAG_BYTES;
    const uint64_t number = m->number[side]++;
    const int epoch = keys_send_epoch(m->keys[side], number, DUET_TIME(1));

    cr_assert_geq(epoch, 0);
    packet_write_data_header(dgram, (uint8_t)epoch, side == 0 ? CID_R : CID_I, number);
    memcpy(dgram + LIMIT_DATA_HEADER_BYTES, frames->start, len);
    cr_assert_eq(
        keys_seal(m->keys[side], number, dgram, LIMIT_DATA_HEADER_BYTES, dgram + LIMIT_DATA_HEADER_BYTES, len, NULL, 0),
        0);
    expect(label, dgram, whole);
    const size_t said_len = vector(label, said);
    const struct packet p = parsed(said, said_len);
    cr_expect_eq(keys_open(m->keys[1 - side], p.epoch, p.number, said, p.header_len, said + p.header_len,
                           said_len - p.header_len, DUET_TIME(1)),
                 0, "%s does not open", label);
    cr_expect_arr_eq(said + p.header_len, frames->start, len, "%s", label);
}

static size_t message(const char *label, const struct appmsg *m, uint8_t *out)
{
    const ssize_t len = appmsg_write(m, out, VECTOR_BYTES);

    cr_assert_gt(len, 0);
    expect(label, out, (size_t)len);
    return (size_t)len;
}

static void add_stream(struct writer *w, uint64_t id, uint64_t offset, const uint8_t *bytes, size_t len, bool fin)
{
    struct frame f = {.type = fin ? FRAME_STREAM_FIN : FRAME_STREAM, .stream = id};

    f.data.offset = offset;
    f.data.len = len;
    f.data.data = bytes;
    f.data.fin = fin;
    frame_write(w, &f);
}

/* HELLO and OFFER, HELLO and ACCEPT with the credit, the file and DIGEST, COMPLETE. */
Test(page, a_file)
{
    static const char name[] = "hello.txt", text[] = "hello\n";
    struct meeting m;
    uint8_t control[2][VECTOR_BYTES], body[VECTOR_BYTES];
    size_t at[2] = {0, 0};
    struct writer w = writer_of(body, sizeof(body));

    meet(&m);
    frame_write(&w, &(struct frame){.type = FRAME_HANDSHAKE_DONE});
    expect_packet(&m, 1, "DATA r 0", &w);

    at[0] = message("HELLO", &(struct appmsg){.type = APPMSG_HELLO, .hello_flags = HELLO_TAKES_FILES | HELLO_SERVES},
                    control[0]);
    memcpy(control[1], control[0], at[0]);
    at[1] = at[0];
    struct appmsg offer = {.type = APPMSG_OFFER, .id = 1};
    offer.offer.stream = 2;
    offer.offer.entry_count = 1;
    offer.offer.first =
        (struct appmsg_entry){.kind = ENTRY_FILE, .size = strlen(text), .name = name, .name_len = strlen(name)};
    size_t len = message("OFFER", &offer, control[0] + at[0]);
    w = writer_of(body, sizeof(body));
    add_stream(&w, 0, 0, control[0], at[0] + len, false);
    expect("STREAM", body, writer_used(&w));
    expect_packet(&m, 0, "DATA i 0", &w);
    at[0] += len;

    struct appmsg accept = {.type = APPMSG_ACCEPT, .id = 1};
    accept.accept.extent_count = 1;
    accept.accept.first.len = strlen(text);
    len = message("ACCEPT", &accept, control[1] + at[1]);
    w = writer_of(body, sizeof(body));
    add_stream(&w, 0, 0, control[1], at[1] + len, false);
    frame_write(&w, &(struct frame){.type = FRAME_MAX_DATA, .max = strlen(text)});
    frame_write(&w, &(struct frame){.type = FRAME_MAX_STREAM_DATA, .stream = 2, .max = strlen(text)});
    expect_packet(&m, 1, "DATA r 1", &w);
    at[1] += len;

    struct appmsg digest = {.type = APPMSG_DIGEST, .id = 1};
    XXH128_canonicalFromHash((XXH128_canonical_t *)(void *)digest.digest, XXH3_128bits(text, strlen(text)));
    len = message("DIGEST", &digest, control[0] + at[0]);
    w = writer_of(body, sizeof(body));
    add_stream(&w, 0, at[0], control[0] + at[0], len, false);
    add_stream(&w, 2, 0, (const uint8_t *)text, strlen(text), true);
    expect_packet(&m, 0, "DATA i 1", &w);

    len = message("COMPLETE", &(struct appmsg){.type = APPMSG_COMPLETE, .id = 1}, control[1] + at[1]);
    w = writer_of(body, sizeof(body));
    add_stream(&w, 0, at[1], control[1] + at[1], len, false);
    expect_packet(&m, 1, "DATA r 2", &w);
    part(&m);
}

/* What the responder allows, and a stream with its end and a datagram of the initiator. */
Test(page, a_stream_and_a_datagram)
{
    static const char text[] = "hello", message_text[] = "hi";
    struct meeting m;
    uint8_t body[VECTOR_BYTES];
    struct writer w = writer_of(body, sizeof(body));
    struct frame f = {.type = FRAME_MAX_STREAMS, .allowed = {LIMIT_APP_STREAMS, LIMIT_APP_SUM_FIRST_BYTES}};

    meet(&m);
    frame_write(&w, &f);
    expect("MAX_STREAMS", body, writer_used(&w));
    expect_packet(&m, 1, "APP DATA r 0", &w);
    w = writer_of(body, sizeof(body));
    add_stream(&w, stream_id_app(true, PRIORITY_NORMAL, 1), 0, (const uint8_t *)text, strlen(text), true);
    const size_t stream_len = writer_used(&w);
    expect("APP STREAM", body, stream_len);
    f = (struct frame){.type = FRAME_DATAGRAM};
    f.data.data = (const uint8_t *)message_text;
    f.data.len = strlen(message_text);
    frame_write(&w, &f);
    expect("DATAGRAM", body + stream_len, writer_used(&w) - stream_len);
    expect_packet(&m, 0, "APP DATA i 0", &w);
    part(&m);
}

/* ---- keys ---- */

static void expand(const uint8_t secret[32], const char *label, uint8_t suite, uint8_t block[64])
{
    crypto_auth_hmacsha512_state st;
    const uint8_t one = 1;

    crypto_auth_hmacsha512_init(&st, secret, 32);
    crypto_auth_hmacsha512_update(&st, (const uint8_t *)label, strlen(label));
    if (suite != 0)
        crypto_auth_hmacsha512_update(&st, &suite, 1);
    crypto_auth_hmacsha512_update(&st, &one, 1);
    crypto_auth_hmacsha512_final(&st, block);
}

static void expect_keys(enum params_suite suite, size_t key_bytes, const char *key, const char *iv, const char *data)
{
    uint8_t secret[32], block[64], dgram[LIMIT_DATA_HEADER_BYTES + 1 + LIMIT_TAG_BYTES];

    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)i;
    expand(secret, "duet v1 key", (uint8_t)suite, block);
    expect(key, block, key_bytes);
    expect(iv, block + key_bytes, 12);
    struct keys *k = keys_new(suite, secret, secret, DUET_TIME(1));
    cr_assert_not_null(k);
    packet_write_data_header(dgram, 0, UINT64_C(0x0102030405060708), 1);
    dgram[LIMIT_DATA_HEADER_BYTES] = FRAME_PING;
    cr_assert_eq(keys_seal(k, 1, dgram, LIMIT_DATA_HEADER_BYTES, dgram + LIMIT_DATA_HEADER_BYTES, 1, NULL, 0), 0);
    expect(data, dgram, sizeof(dgram));
    keys_free(k);
    expand(secret, "duet v1 next", 0, block);
    expect("secret_1", block, 32);
}

Test(page, keys)
{
    expect_keys(SUITE_AES128GCM, 16, "AES key", "AES iv", "AES DATA");
    expect_keys(SUITE_CHACHA20POLY1305, 32, "ChaCha key", "ChaCha iv", "ChaCha DATA");
}

/* ---- frames ---- */

Test(page, frames)
{
    struct range got[] = {{187, 189}, {190, 192}, {193, 194}, {195, 196}, {197, 198}, {199, 201}};
    const struct ranges received = {.v = got, .count = sizeof(got) / sizeof(got[0])};
    const uint64_t ecn[3] = {9, 0, 1};
    uint8_t bytes[64];
    uint64_t lowest;
    struct writer w = writer_of(bytes, sizeof(bytes));

    cr_assert(
        frame_write_ack(&w, &(struct frame_ack_news){.received = &received, .delay_us = 30, .ecn = ecn}, &lowest));
    expect("ACK_MAP_ECN", bytes, writer_used(&w));
    struct frame policy = {.type = FRAME_ACK_POLICY};
    policy.policy.sequence = 1;
    policy.policy.want = (struct frame_ack_policy){.packets = 64, .delay_us = 5000, .gap_us = 12500};
    w = writer_of(bytes, sizeof(bytes));
    frame_write(&w, &policy);
    expect("ACK_POLICY", bytes, writer_used(&w));
}
