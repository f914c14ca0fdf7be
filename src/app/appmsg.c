/*
 * appmsg: reads what a peer may have forged, writes only what is within the
 * same bounds.  Every read goes through the bounded cursor; a message is good
 * only if its fields ended exactly where the payload did (HELLO and the entries
 * of an OFFER leave room for later versions).
 */
#include "app/appmsg.h"

#include "base/bytes.h"
#include "base/err.h"
#include "wire/limits.h"

#define TEXT_LAST 0x01

const char *transfer_code_text(uint64_t code)
{
    switch (code) {
#define X(name, value, err, words) \
    case value:                    \
        return words;
        TRANSFER_CODE_LIST(X)
#undef X
    }
    return "unknown reason";
}

int transfer_code_err(uint64_t code)
{
    switch (code) {
#define X(name, value, err, words) \
    case value:                    \
        return err;
        TRANSFER_CODE_LIST(X)
#undef X
    }
    return DUET_EREFUSED;
}

/* The next `len` bytes as text; fails beyond `max`. */
static const char *read_text(struct reader *r, size_t len, size_t max)
{
    if (len > max)
        r->failed = true;
    return (const char *)reader_bytes(r, len);
}

/* All that is left as text. */
static const char *read_rest(struct reader *r, size_t *len, size_t max)
{
    *len = reader_left(r);
    return read_text(r, *len, max);
}

static void parse_text(struct appmsg *m, struct reader *r)
{
    const uint8_t flags = reader_u8(r);

    m->part.last = (flags & TEXT_LAST) != 0;
    m->part.bytes = (const uint8_t *)read_rest(r, &m->part.len, APPMSG_PART_BYTES);
    if ((flags & ~TEXT_LAST) != 0 || m->part.len == 0)
        r->failed = true; /* nothing to show is nothing to say: empty parts would cost us work and their sender none */
}

static void parse_entry(struct appmsg_entry *entry, struct reader *r)
{
    const uint64_t len = reader_varint(r);
    const uint8_t *bytes = len <= reader_left(r) ? reader_bytes(r, (size_t)len) : NULL;

    if (bytes == NULL) {
        r->failed = true;
        return;
    }
    struct reader inner = reader_of(bytes, (size_t)len);

    entry->kind = reader_u8(&inner);
    entry->size = reader_varint(&inner);
    const uint64_t name_len = reader_varint(&inner);

    entry->name_len = name_len <= APPMSG_NAME_BYTES ? (size_t)name_len : SIZE_MAX;
    entry->name = read_text(&inner, entry->name_len, APPMSG_NAME_BYTES);
    if (inner.failed)
        r->failed = true;
}

static void parse_offer(struct appmsg *m, struct reader *r)
{
    struct appmsg_entry other;

    m->offer.stream = reader_varint(r);
    m->offer.entry_count = reader_varint(r);
    if (m->offer.entry_count == 0)
        r->failed = true;
    /* An entry takes bytes, so the payload bounds this loop whatever the count claims. */
    for (uint64_t i = 0; i < m->offer.entry_count && !r->failed; i++)
        parse_entry(i == 0 ? &m->offer.first : &other, r);
}

static void parse_accept(struct appmsg *m, struct reader *r)
{
    m->accept.extent_count = reader_varint(r);
    for (uint64_t i = 0; i < m->accept.extent_count && !r->failed; i++) {
        const uint64_t offset = reader_varint(r);
        const uint64_t len = reader_varint(r);

        if (i == 0)
            m->accept.first = (struct appmsg_extent){.offset = offset, .len = len};
    }
}

static void parse_ask(struct appmsg *m, struct reader *r)
{
    const uint64_t len = reader_varint(r);

    m->ask.command_len = len <= APPMSG_COMMAND_BYTES ? (size_t)len : SIZE_MAX;
    m->ask.command = read_text(r, m->ask.command_len, APPMSG_COMMAND_BYTES);
    m->ask.arg = read_rest(r, &m->ask.arg_len, APPMSG_ASK_BYTES);
}

static void parse_answer(struct appmsg *m, struct reader *r)
{
    const uint8_t ok = reader_u8(r);

    m->answer.ok = ok == 1;
    m->answer.text = read_rest(r, &m->answer.len, APPMSG_ANSWER_BYTES);
    if (ok > 1)
        r->failed = true;
}

static void parse_fields(struct appmsg *m, struct reader *r)
{
    switch (m->type) {
    case APPMSG_HELLO:
        m->hello_flags = reader_u64(r);
        (void)reader_bytes(r, reader_left(r));
        return;
    case APPMSG_TEXT:
        parse_text(m, r);
        return;
    case APPMSG_OFFER:
        parse_offer(m, r);
        return;
    case APPMSG_ACCEPT:
        parse_accept(m, r);
        return;
    case APPMSG_REFUSE:
    case APPMSG_FAILED:
    case APPMSG_CANCEL:
        m->end.code = reader_varint(r);
        m->end.reason = read_rest(r, &m->end.reason_len, LIMIT_REASON_BYTES);
        return;
    case APPMSG_DIGEST:
        reader_copy(r, m->digest, DIGEST_BYTES);
        return;
    case APPMSG_ASK:
        parse_ask(m, r);
        return;
    case APPMSG_ANSWER:
        parse_answer(m, r);
        return;
    case APPMSG_DELIVERED:
    case APPMSG_COMPLETE:
        return;
    }
}

static bool is_known(uint8_t type)
{
    switch ((enum appmsg_type)type) {
    case APPMSG_HELLO:
    case APPMSG_TEXT:
    case APPMSG_DELIVERED:
    case APPMSG_OFFER:
    case APPMSG_ACCEPT:
    case APPMSG_REFUSE:
    case APPMSG_DIGEST:
    case APPMSG_COMPLETE:
    case APPMSG_FAILED:
    case APPMSG_CANCEL:
    case APPMSG_ASK:
    case APPMSG_ANSWER:
        return true;
    }
    return false;
}

int appmsg_parse(struct appmsg *m, uint8_t type, const uint8_t *payload, size_t len)
{
    struct reader r = reader_of(payload, len);

    if (!is_known(type))
        return type >= APPMSG_OPTIONAL ? DUET_EUNSUPPORTED : DUET_EMALFORMED;
    *m = (struct appmsg){.type = (enum appmsg_type)type};
    if (m->type != APPMSG_HELLO)
        m->id = reader_u32(&r);
    parse_fields(m, &r);
    return r.failed || reader_left(&r) > 0 ? DUET_EMALFORMED : 0;
}

size_t appmsg_bound(const struct appmsg *m)
{
    size_t len = APPMSG_HEADER_BYTES + APPMSG_FIELDS_BYTES;

    if (m->type == APPMSG_TEXT)
        len += m->part.len;
    if (m->type == APPMSG_OFFER)
        len += m->offer.first.name_len;
    if (m->type == APPMSG_REFUSE || m->type == APPMSG_FAILED || m->type == APPMSG_CANCEL)
        len += m->end.reason_len;
    if (m->type == APPMSG_ASK)
        len += m->ask.command_len + m->ask.arg_len;
    if (m->type == APPMSG_ANSWER)
        len += m->answer.len;
    return len;
}

static void write_text(struct writer *w, const char *text, size_t len, size_t max)
{
    if (len > max)
        w->failed = true;
    else if (len > 0)
        writer_bytes(w, (const uint8_t *)text, len);
}

static void write_offer(struct writer *w, const struct appmsg *m)
{
    const struct appmsg_entry *entry = &m->offer.first;
    const size_t len = 1 + varint_bytes(entry->size) + varint_bytes(entry->name_len) + entry->name_len;

    writer_varint(w, m->offer.stream);
    writer_varint(w, 1);
    writer_varint(w, len);
    writer_u8(w, entry->kind);
    writer_varint(w, entry->size);
    writer_varint(w, entry->name_len);
    write_text(w, entry->name, entry->name_len, APPMSG_NAME_BYTES);
}

static void write_fields(struct writer *w, const struct appmsg *m)
{
    switch (m->type) {
    case APPMSG_HELLO:
        writer_u64(w, m->hello_flags);
        return;
    case APPMSG_TEXT:
        writer_u8(w, m->part.last ? TEXT_LAST : 0);
        write_text(w, (const char *)m->part.bytes, m->part.len, APPMSG_PART_BYTES);
        return;
    case APPMSG_OFFER:
        write_offer(w, m);
        return;
    case APPMSG_ACCEPT:
        writer_varint(w, 1);
        writer_varint(w, m->accept.first.offset);
        writer_varint(w, m->accept.first.len);
        return;
    case APPMSG_REFUSE:
    case APPMSG_FAILED:
    case APPMSG_CANCEL:
        writer_varint(w, m->end.code);
        write_text(w, m->end.reason, m->end.reason_len, LIMIT_REASON_BYTES);
        return;
    case APPMSG_DIGEST:
        writer_bytes(w, m->digest, DIGEST_BYTES);
        return;
    case APPMSG_ASK:
        writer_varint(w, m->ask.command_len);
        write_text(w, m->ask.command, m->ask.command_len, APPMSG_COMMAND_BYTES);
        write_text(w, m->ask.arg, m->ask.arg_len, APPMSG_ASK_BYTES);
        return;
    case APPMSG_ANSWER:
        writer_u8(w, m->answer.ok ? 1 : 0);
        write_text(w, m->answer.text, m->answer.len, APPMSG_ANSWER_BYTES);
        return;
    case APPMSG_DELIVERED:
    case APPMSG_COMPLETE:
        return;
    }
}

ssize_t appmsg_write(const struct appmsg *m, uint8_t *out, size_t cap)
{
    struct writer w = writer_of(out, cap);

    writer_u32(&w, 0); /* the length, known at the end */
    writer_u8(&w, (uint8_t)m->type);
    if (m->type != APPMSG_HELLO)
        writer_u32(&w, m->id);
    write_fields(&w, m);
    if (w.failed)
        return DUET_ERANGE;
    const size_t used = writer_used(&w);
    struct writer length = writer_of(out, sizeof(uint32_t));

    writer_u32(&length, (uint32_t)(used - APPMSG_HEADER_BYTES));
    return (ssize_t)used;
}
