#include "ui/keys.h"

#include <string.h>

#define ESCAPE 0x1b
#define INTERRUPT 0x03
#define BELL 0x07
#define CURSOR_BYTES 3   /* Escape, [ or O, A or B */
#define STRING_LEAD 2    /* Escape and the letter that begins a string */
#define CONSOLE_MARK '[' /* Linux's console: F1 is Escape [ [ A */

static enum keys_result finish(struct keys *k, enum keys_result result)
{
    const bool too_long = k->too_long;

    k->state = KEYS_GROUND;
    k->too_long = false;
    return too_long ? KEYS_NOTHING : result;
}

static void store(struct keys *k, unsigned char byte)
{
    if (k->len == KEYS_BYTES)
        k->too_long = true;
    else
        k->bytes[k->len++] = byte;
}

static enum keys_result begin(struct keys *k, unsigned char byte)
{
    k->len = 0;
    k->too_long = false;
    store(k, byte);
    k->state = byte == ESCAPE ? KEYS_ESCAPE : KEYS_GROUND;
    return byte == ESCAPE ? KEYS_NOTHING : KEYS_PLAIN;
}

static enum keys_result after_escape(struct keys *k, unsigned char byte)
{
    if (byte == ESCAPE || byte == INTERRUPT)
        return begin(k, byte);
    store(k, byte);
    if (byte == '[')
        k->state = KEYS_CSI;
    else if (byte == 'O')
        k->state = KEYS_SS3;
    else if (byte != '\0' && strchr("]PX^_", byte) != NULL)
        k->state = KEYS_STRING;
    else
        return finish(k, KEYS_PLAIN);
    return KEYS_NOTHING;
}

/* ECMA-48: parameters and intermediates are 0x20..0x3f, the final byte 0x40..0x7e. */
static enum keys_result in_csi(struct keys *k, unsigned char byte)
{
    if (byte < 0x20 || byte > 0x7e)
        return begin(k, byte);
    store(k, byte);
    if (byte == CONSOLE_MARK && k->len == 3) {
        k->state = KEYS_CONSOLE;
        return KEYS_NOTHING;
    }
    return byte >= 0x40 ? finish(k, KEYS_SEQUENCE) : KEYS_NOTHING;
}

static enum keys_result in_string(struct keys *k, unsigned char byte)
{
    if (byte == INTERRUPT)
        return begin(k, byte);

    const bool after = k->len > STRING_LEAD && k->bytes[k->len - 1] == ESCAPE;

    if (byte == BELL || (after && byte == '\\'))
        k->state = KEYS_GROUND;
    k->len = STRING_LEAD; /* its words are not kept */
    store(k, byte);
    return KEYS_NOTHING;
}

enum keys_result keys_feed(struct keys *k, unsigned char byte, uint64_t now_us)
{
    k->last_us = now_us;
    switch (k->state) {
    case KEYS_GROUND:
        return begin(k, byte);
    case KEYS_ESCAPE:
        return after_escape(k, byte);
    case KEYS_CSI:
        return in_csi(k, byte);
    case KEYS_CONSOLE:
    case KEYS_SS3:
        store(k, byte);
        return finish(k, KEYS_SEQUENCE);
    case KEYS_STRING:
        return in_string(k, byte);
    }
    return KEYS_NOTHING;
}

/* Could it be a key with Alt, of which nothing more comes? */
static bool is_key(const struct keys *k)
{
    return k->len <= STRING_LEAD;
}

uint64_t keys_deadline_us(const struct keys *k)
{
    if (k->state == KEYS_GROUND)
        return UINT64_MAX;
    return k->last_us + (is_key(k) ? KEYS_ESCAPE_US : KEYS_SILENCE_US);
}

enum keys_result keys_silence(struct keys *k, uint64_t now_us)
{
    if (now_us < keys_deadline_us(k))
        return KEYS_NOTHING;
    return finish(k, is_key(k) ? KEYS_PLAIN : KEYS_NOTHING);
}

size_t keys_wheel(const unsigned char *bytes, size_t len, long *rows)
{
    size_t at = 0;
    long count = 0;

    if (len < CURSOR_BYTES || bytes[0] != ESCAPE || (bytes[1] != '[' && bytes[1] != 'O') ||
        (bytes[2] != 'A' && bytes[2] != 'B'))
        return 0;
    for (; len - at >= CURSOR_BYTES && memcmp(bytes + at, bytes, CURSOR_BYTES) == 0; at += CURSOR_BYTES)
        count++;
    if (count < KEYS_WHEEL)
        return 0;
    *rows = bytes[2] == 'A' ? count : -count;
    return at;
}
