/*
 * view: the state of the program onto the screen.
 *
 *   scrollback
 *   transfer bars
 *   status line
 *   who waits to be let in
 *   prompt and input line
 *
 * Everything is drawn anew each time and curses sends the difference.  Works at any size down to 1×1: the input line
 * stays to the last, then the scrollback, then the status.  Text is drawn cluster by cluster at the columns base/text
 * gives, and no control byte ever reaches curses.  Main thread, between term_start and term_stop.
 */
#ifndef DUET_UI_VIEW_H
#define DUET_UI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/roster.h"
#include "ui/scrollback.h"

#define VIEW_BARS_MAX 6
#define VIEW_STATUS_BYTES 512

struct view {
    struct scrollback *scrollback;
    struct roster *roster;
    const char *prompt; /* "> ", or a question */
    const char *input;
    size_t cursor;         /* byte of input */
    uint64_t now_us;       /* for "stalled 12 s" */
    const char *idle;      /* status line while nobody is connected */
    const char *strangers; /* the row of those who wait to be let in; "": no row */
};

/* The rows each part gets at this height; pure. */
struct view_layout {
    size_t lines; /* scrollback, from row 0 */
    size_t bars;  /* transfers, below it */
    bool status, strangers;
};
struct view_layout view_layout(size_t height, size_t transfers, bool strangers);

/* The screen's width; between term_start and term_stop. */
size_t view_columns(void);

/* Columns left of the text for time and mark at this width; pure. */
size_t view_gutter(size_t width);

/* The status line in words, sanitised names inside; pure. */
const char *view_status(const struct view *v, bool ascii, char out[VIEW_STATUS_BYTES]);

/*
 * Colours: legible on black and on white (a contrast of 4 to both), else the terminal's own.  A peer's is one of
 * VIEW_HUES by its key, the same in every run.
 */
#define VIEW_HUES 8
enum view_color { COLOR_OF_OWN, COLOR_OF_ERROR, COLOR_OF_BAR, COLOR_OF_HUE, VIEW_COLORS = COLOR_OF_HUE + VIEW_HUES };
uint8_t view_hue(const char *fingerprint);                  /* pure */
short view_color_number(enum view_color color, int colors); /* of a terminal with so many; -1: its own.  Pure. */

void view_start(void); /* after term_start: colours */
void view_draw(const struct view *v);
/* The terminal was cleared, or drawn on by somebody else. */
void view_forget(void);

#endif
