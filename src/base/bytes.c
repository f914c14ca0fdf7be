#include "base/bytes.h"

#include <assert.h>
#include <string.h>

/* The two top bits of a varint's first byte tell its length (RFC 9000 §16). */
#define VARINT_LENGTH_SHIFT 6
#define VARINT_FIRST_MASK 0x3f

struct reader reader_of(const uint8_t *bytes, size_t len)
{
    assert(bytes != NULL || len == 0);
    return (struct reader){.at = bytes, .end = len == 0 ? bytes : bytes + len};
}

size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}

const uint8_t *reader_bytes(struct reader *r, size_t len)
{
    const uint8_t *at = r->at;

    if (r->failed || len > (size_t)(r->end - r->at)) {
        r->failed = true;
        return NULL;
    }
    if (len > 0) /* an empty buffer may be a NULL one, to which not even 0 may be added */
        r->at += len;
    return at;
}

void reader_copy(struct reader *r, uint8_t *out, size_t len)
{
    const uint8_t *from = reader_bytes(r, len);

    if (len == 0)
        return;
    if (from == NULL)
        memset(out, 0, len);
    else
        memcpy(out, from, len);
}

/* Big-endian integer of `len` bytes; 0 when failed. */
static uint64_t read_int(struct reader *r, size_t len)
{
    const uint8_t *from = reader_bytes(r, len);
    uint64_t v = 0;

    if (from == NULL)
        return 0;
    for (size_t i = 0; i < len; i++)
        v = v << 8 | from[i];
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)read_int(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)read_int(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)read_int(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return read_int(r, 8);
}

uint64_t reader_varint(struct reader *r)
{
    if (reader_left(r) == 0) {
        r->failed = true;
        return 0;
    }
    const size_t len = (size_t)1 << (*r->at >> VARINT_LENGTH_SHIFT);
    const uint64_t mask = ((uint64_t)VARINT_FIRST_MASK << 8 * (len - 1)) | ((UINT64_C(1) << 8 * (len - 1)) - 1);

    return read_int(r, len) & mask;
}

struct writer writer_of(uint8_t *buf, size_t cap)
{
    assert(buf != NULL || cap == 0);
    return (struct writer){.start = buf, .at = buf, .end = cap == 0 ? buf : buf + cap};
}

size_t writer_used(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

size_t writer_left(const struct writer *w)
{
    return w->failed ? 0 : (size_t)(w->end - w->at);
}

uint8_t *writer_reserve(struct writer *w, size_t len)
{
    uint8_t *at = w->at;

    if (w->failed || len > (size_t)(w->end - w->at)) {
        w->failed = true;
        return NULL;
    }
    if (len > 0)
        w->at += len;
    return at;
}

void writer_bytes(struct writer *w, const uint8_t *src, size_t len)
{
    uint8_t *to = writer_reserve(w, len);

    if (to != NULL && len > 0)
        memcpy(to, src, len);
}

void writer_fill(struct writer *w, uint8_t v, size_t count)
{
    uint8_t *to = writer_reserve(w, count);

    if (to != NULL && count > 0)
        memset(to, v, count);
}

/* The low `len` bytes of v, big-endian. */
static void write_int(struct writer *w, uint64_t v, size_t len)
{
    uint8_t *to = writer_reserve(w, len);

    if (to == NULL)
        return;
    for (size_t i = len; i-- > 0; v >>= 8)
        to[i] = (uint8_t)(v & 0xff);
}

void writer_u8(struct writer *w, uint8_t v)
{
    write_int(w, v, 1);
}

void writer_u16(struct writer *w, uint16_t v)
{
    write_int(w, v, 2);
}

void writer_u32(struct writer *w, uint32_t v)
{
    write_int(w, v, 4);
}

void writer_u64(struct writer *w, uint64_t v)
{
    write_int(w, v, 8);
}

size_t varint_bytes(uint64_t v)
{
    if (v < UINT64_C(1) << 6)
        return 1;
    if (v < UINT64_C(1) << 14)
        return 2;
    return v < UINT64_C(1) << 30 ? 4 : 8;
}

void writer_varint(struct writer *w, uint64_t v)
{
    const size_t len = varint_bytes(v);
    uint64_t log2_len = 0;

    if (v > VARINT_MAX) {
        w->failed = true;
        return;
    }
    while ((size_t)1 << log2_len < len)
        log2_len++;
    write_int(w, v | log2_len << (8 * len - 2), len);
}
