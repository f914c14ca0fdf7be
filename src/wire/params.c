/*
 * params: the negotiated parameters and their TLV codec.
 *
 * Both ends run the same rules on values that the Noise transcript protects:
 * the responder derives the result, the initiator checks that an honest
 * responder could have (params_result_fits).  Unknown fields, suites and
 * features are skipped so that a later version may add them.
 */
#include "wire/params.h"

#include "base/err.h"
#include "base/num.h"

enum params_id {
    PARAM_MODE = 0x01,
    PARAM_MAX_PACKET = 0x02,
    PARAM_WINDOW = 0x03,
    PARAM_HEARTBEAT = 0x04,
    PARAM_LOST = 0x05,
    PARAM_SUITES = 0x06,
    PARAM_FEATURES = 0x07,
};

/* Most fields one list may have, known or not: bounds the search for repeated ids. */
#define PARAMS_FIELDS_MAX 32
#define SUITES_KNOWN ((uint32_t)(SUITE_AES128GCM | SUITE_CHACHA20POLY1305))

const char *params_refusal_text(uint64_t refusal)
{
    switch (refusal) {
#define X(name, value, words) \
    case value:               \
        return words;
        REFUSAL_LIST(X)
#undef X
    }
    return "for a reason this version does not know";
}

struct params params_default(void)
{
    return (struct params){
        .mode = MODE_BURST,
        .max_packet_bytes = LIMIT_PACKET_MAX_BYTES,
        .window_bytes = LIMIT_WINDOW_DEFAULT_BYTES,
        .heartbeat_us = HEARTBEAT_DEFAULT_US,
        .lost_us = LOST_DEFAULT_US,
        .suites = SUITES_KNOWN,
    };
}

int params_check(const struct params *p)
{
    bool fine = (p->mode == MODE_BURST || p->mode == MODE_STEP) && p->max_packet_bytes >= LIMIT_PACKET_MIN_BYTES &&
                p->max_packet_bytes <= LIMIT_PACKET_MAX_BYTES && p->window_bytes >= LIMIT_WINDOW_MIN_BYTES &&
                p->window_bytes <= LIMIT_WINDOW_MAX_BYTES && p->heartbeat_us >= HEARTBEAT_MIN_US &&
                p->heartbeat_us <= HEARTBEAT_MAX_US && p->lost_us >= UNREACHABLE_US && p->lost_us <= VARINT_MAX &&
                p->suites != 0 && p->features <= VARINT_MAX;

    return fine ? 0 : DUET_ERANGE;
}

static void write_field(struct writer *w, enum params_id id, uint64_t value)
{
    writer_varint(w, id);
    writer_varint(w, varint_bytes(value));
    writer_varint(w, value);
}

void params_write(const struct params *p, struct writer *w)
{
    write_field(w, PARAM_MODE, p->mode);
    write_field(w, PARAM_MAX_PACKET, p->max_packet_bytes);
    write_field(w, PARAM_WINDOW, p->window_bytes);
    write_field(w, PARAM_HEARTBEAT, p->heartbeat_us);
    write_field(w, PARAM_LOST, p->lost_us);
    write_field(w, PARAM_SUITES, p->suites);
    write_field(w, PARAM_FEATURES, p->features);
}

/* Takes one value whose id is known; false when it cannot be held.  The limits are params_check's. */
static bool set_field(struct params *p, enum params_id id, uint64_t value)
{
    switch (id) {
    case PARAM_MODE:
        if (value != MODE_BURST && value != MODE_STEP)
            return false;
        p->mode = (enum params_mode)value;
        return true;
    case PARAM_MAX_PACKET:
        p->max_packet_bytes = (uint32_t)value;
        return value <= UINT32_MAX;
    case PARAM_WINDOW:
        p->window_bytes = value;
        return true;
    case PARAM_HEARTBEAT:
        p->heartbeat_us = value;
        return true;
    case PARAM_LOST:
        p->lost_us = value;
        return true;
    case PARAM_SUITES:
        p->suites = (uint32_t)value;
        return value <= UINT32_MAX;
    case PARAM_FEATURES:
        p->features = value;
        return true;
    }
    return false;
}

static bool read_field(struct params *p, uint64_t id, const uint8_t *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);

    if (id < PARAM_MODE || id > PARAM_FEATURES)
        return true;
    uint64_t value = reader_varint(&r);
    if (r.failed || reader_left(&r) != 0)
        return false;
    return set_field(p, (enum params_id)id, value);
}

static bool is_repeated(const uint64_t *seen, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (seen[i] == id)
            return true;
    }
    return false;
}

int params_read(struct params *p, struct reader *r)
{
    uint64_t seen[PARAMS_FIELDS_MAX];
    size_t count = 0;

    *p = params_default();
    while (reader_left(r) > 0) {
        uint64_t id = reader_varint(r);
        uint64_t len = reader_varint(r);
        if (r->failed || len > reader_left(r) || count == PARAMS_FIELDS_MAX || is_repeated(seen, count, id))
            return DUET_EMALFORMED;
        seen[count++] = id;
        if (!read_field(p, id, reader_bytes(r, (size_t)len), (size_t)len))
            return DUET_EMALFORMED;
    }
    if (r->failed || params_check(p) < 0)
        return DUET_EMALFORMED;
    /* Only now: a peer of a later version may offer nothing that we know, which is no malformed list. */
    p->suites &= SUITES_KNOWN;
    return 0;
}

int params_negotiate(const struct params *proposed, const struct params *own, struct params *result)
{
    uint32_t common = proposed->suites & own->suites & SUITES_KNOWN;
    uint32_t first = own->prefer != 0 ? (uint32_t)own->prefer : (uint32_t)SUITE_AES128GCM;

    if (common == 0)
        return DUET_EUNSUPPORTED;
    bool step = proposed->mode == MODE_STEP || own->mode == MODE_STEP;
    *result = (struct params){
        .mode = step ? MODE_STEP : MODE_BURST,
        .max_packet_bytes = (uint32_t)num_min(proposed->max_packet_bytes, own->max_packet_bytes),
        .window_bytes = num_min(proposed->window_bytes, own->window_bytes),
        .heartbeat_us = num_min(proposed->heartbeat_us, own->heartbeat_us),
        .lost_us = num_min(proposed->lost_us, own->lost_us),
        /* With two suites, what is common without the preferred one is the other. */
        .suites = (common & first) != 0 ? first : common,
        .features = proposed->features & own->features,
    };
    return 0;
}

bool params_same(const struct params *a, const struct params *b)
{
    return a->mode == b->mode && a->max_packet_bytes == b->max_packet_bytes && a->window_bytes == b->window_bytes &&
           a->heartbeat_us == b->heartbeat_us && a->lost_us == b->lost_us && a->suites == b->suites &&
           a->features == b->features;
}

bool params_result_fits(const struct params *proposed, const struct params *result)
{
    bool one_suite = result->suites != 0 && (result->suites & (result->suites - 1)) == 0;

    return params_check(result) == 0 && one_suite && (result->suites & proposed->suites) != 0 &&
           (result->mode == MODE_STEP || proposed->mode == MODE_BURST) &&
           result->max_packet_bytes <= proposed->max_packet_bytes && result->window_bytes <= proposed->window_bytes &&
           result->heartbeat_us <= proposed->heartbeat_us && result->lost_us <= proposed->lost_us &&
           (result->features & ~proposed->features) == 0;
}
