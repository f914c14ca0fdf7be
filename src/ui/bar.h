/*
 * bar: one transfer as one line of text, for the screen and for stderr.
 *
 *   ↑ name  61% |████▌    | 239/388 MB  24.1 MB/s eta  0:06
 *
 * Each figure ends where it ended before, so that nothing moves but the bar; in logs there is one
 * space between them.
 * What does not fit goes in this order: eta, rate, amounts, the bar itself, the name's end.
 * Decimal units.  Pure; any thread.
 */
#ifndef DUET_UI_BAR_H
#define DUET_UI_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BAR_COLUMNS_MAX 512 /* wider terminals get bars of this width */
#define BAR_TEXT_BYTES (BAR_COLUMNS_MAX * 4 + 1)

struct bar {
    const char *name; /* sanitised */
    bool sending;
    bool plain;        /* no bar, as in logs */
    bool ascii;        /* the terminal has no UTF-8 */
    const char *state; /* instead of rate and eta: "stalled 12 s", "offered"; NULL: it runs */
    uint64_t done_bytes, total_bytes;
    uint64_t rate_bytes_per_s; /* 0: unknown, and not told */
    uint64_t eta_us;           /* UINT64_MAX: unknown */
};

/* Writes at most `columns` columns; returns out. */
const char *bar_render(const struct bar *b, size_t columns, char out[BAR_TEXT_BYTES]);

/* 0..100; 100 only when everything is there. */
unsigned bar_percent(uint64_t done_bytes, uint64_t total_bytes);

/* "239/388 MB": both in the unit of the total. */
#define BAR_AMOUNT_BYTES 48
const char *bar_amounts(uint64_t done_bytes, uint64_t total_bytes, char out[BAR_AMOUNT_BYTES]);

#endif
