/*
 * bytes: bounded cursors over memory, big-endian integers, RFC 9000 §16 varints.
 *
 * Both cursors have a sticky failure: once an access would leave the buffer,
 * `failed` is set, nothing more is read or written, reads give 0 / NULL.  So a
 * codec reads all its fields and checks once at the end.
 * Value types; any thread; no allocation.
 */
#ifndef DUET_BASE_BYTES_H
#define DUET_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX ((UINT64_C(1) << 62) - 1)
#define VARINT_MAX_BYTES 8

/* Where a buffer that the kernel copies to or from begins.  Its other end usually begins at a page
 * (a page of the cache, a fragment of a datagram), and the string instruction it copies with takes
 * eight times as long on AMD's Zen 3 when the target lies 1 to 31 bytes behind the source within a
 * page: 16 is where malloc puts a large buffer. */
#define COPY_ALIGN_BYTES 4096

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

struct reader reader_of(const uint8_t *bytes, size_t len);
size_t reader_left(const struct reader *r);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint64_t reader_varint(struct reader *r);                     /* accepts non-minimal encodings, as RFC 9000 does */
const uint8_t *reader_bytes(struct reader *r, size_t len);    /* points into the buffer; NULL when failed */
void reader_copy(struct reader *r, uint8_t *out, size_t len); /* zero-fills out when failed */

struct writer writer_of(uint8_t *buf, size_t cap);
size_t writer_used(const struct writer *w);
size_t writer_left(const struct writer *w);
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_varint(struct writer *w, uint64_t v); /* minimal; v > VARINT_MAX fails */
void writer_bytes(struct writer *w, const uint8_t *src, size_t len);
void writer_fill(struct writer *w, uint8_t v, size_t count);
uint8_t *writer_reserve(struct writer *w, size_t len); /* room to fill in place; NULL when failed */

/* Bytes the minimal varint of v takes: 1, 2, 4 or 8. */
size_t varint_bytes(uint64_t v);

#endif
