/*
 * keys: the escape sequences among the bytes of a terminal, cut out whole.
 *
 *   plain bytes, Alt with a key ──▶ KEYS_PLAIN      CSI and SS3 sequences ──▶ KEYS_SEQUENCE
 *
 * The line editor knows only the sequences bound in it: of any other (a function key, a report that
 * comes late) it would take the end for text.  Strings that terminals answer with (OSC, DCS, APC,
 * PM, SOS) are swallowed.  What stays unfinished ends after a silence; time is passed in.  Pure
 * state, any thread.
 */
#ifndef DUET_UI_KEYS_H
#define DUET_UI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYS_BYTES 32                     /* of a sequence; a longer one is none that means anything here */
#define KEYS_ESCAPE_US UINT64_C(100000)   /* so long after an Escape nothing: it was the key, not a sequence */
#define KEYS_SILENCE_US UINT64_C(1000000) /* so long in the middle of a sequence nothing: the rest is lost */

enum keys_result {
    KEYS_NOTHING,  /* there is more to come, or it is swallowed */
    KEYS_PLAIN,    /* bytes[0..len) are for the line editor */
    KEYS_SEQUENCE, /* bytes[0..len) are a CSI or SS3 sequence, with its Escape */
};

enum keys_state { KEYS_GROUND, KEYS_ESCAPE, KEYS_CSI, KEYS_CONSOLE, KEYS_SS3, KEYS_STRING };

struct keys {
    enum keys_state state;
    unsigned char bytes[KEYS_BYTES]; /* of the last result, or of what is coming */
    size_t len;
    bool too_long;
    uint64_t last_us; /* when the last byte came */
};

enum keys_result keys_feed(struct keys *k, unsigned char byte, uint64_t now_us);

/* When keys_silence has something to do; UINT64_MAX: never. */
uint64_t keys_deadline_us(const struct keys *k);
enum keys_result keys_silence(struct keys *k, uint64_t now_us);

/* The rows by which a wheel was turned, as most terminals tell it: the same cursor key KEYS_WHEEL times or more in one
 * read.  Returns the bytes they take; 0: no wheel.  rows: up is positive.  Pure. */
#define KEYS_WHEEL 3
size_t keys_wheel(const unsigned char *bytes, size_t len, long *rows);

#endif
