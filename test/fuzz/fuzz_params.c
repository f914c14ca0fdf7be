/*
 * Any parameter list: what is accepted is inside its limits, survives a rewrite,
 * and negotiated with itself and with our defaults gives a result that the
 * initiator's own check accepts.
 */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "wire/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct params *a, const struct params *b)
{
    return a->mode == b->mode && a->max_packet_bytes == b->max_packet_bytes && a->window_bytes == b->window_bytes &&
           a->heartbeat_us == b->heartbeat_us && a->lost_us == b->lost_us && a->suites == b->suites &&
           a->features == b->features;
}

static void negotiate(const struct params *proposed, const struct params *own)
{
    struct params result;
    int err = params_negotiate(proposed, own, &result);

    assert(err == 0 || err == DUET_EUNSUPPORTED);
    if (err == 0) {
        assert(params_result_fits(proposed, &result));
        assert(params_check(&result) == 0);
        assert((result.suites & own->suites) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct params p, again, own = params_default();
    uint8_t buf[256];
    struct reader r = reader_of(data, size);
    int err = params_read(&p, &r);

    assert(err == 0 || err == DUET_EMALFORMED);
    if (err != 0)
        return 0;
    negotiate(&p, &own);
    if (p.suites == 0)
        return 0; /* nothing in common: cannot be written, for it cannot be proposed */
    assert(params_check(&p) == 0);
    struct writer w = writer_of(buf, sizeof(buf));
    params_write(&p, &w);
    assert(!w.failed);
    r = reader_of(buf, writer_used(&w));
    assert(params_read(&again, &r) == 0);
    assert(is_same(&p, &again));
    negotiate(&p, &p);
    return 0;
}
