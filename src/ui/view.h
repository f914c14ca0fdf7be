/*
 * view: lines, bars and words onto the screen.
 *
 *   scrollback
 *   bars
 *   status line
 *   a warning
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

#include "ui/bar.h"
#include "ui/scrollback.h"

#define VIEW_BARS_MAX 6
#define VIEW_STATUS_BYTES 512

struct view {
    struct scrollback *scrollback;
    const struct bar *bars; /* the first VIEW_BARS_MAX of bar_count */
    size_t bar_count;
    const char *bars_hint;           /* how the user sees those that have no row */
    const char *status, *status_end; /* the status line: its beginning; what may be cut; both may be "" */
    const char *warning;             /* a row of its own that must be seen; "": no row */
    const char *prompt;              /* "> ", or a question */
    const char *input;
    size_t cursor; /* byte of input */
};

/* The rows each part gets at this height; pure. */
struct view_layout {
    size_t lines; /* scrollback, from row 0 */
    size_t bars;  /* below it */
    bool status, warning;
};
struct view_layout view_layout(size_t height, size_t bars, bool warning);

/* The screen's width; between term_start and term_stop. */
size_t view_columns(void);

/* Columns left of the text for time and mark at this width; pure. */
size_t view_gutter(size_t width);

/* Between the parts of a status line; pure. */
const char *view_separator(bool ascii);

/* The status line in words; pure. */
const char *view_status(const struct view *v, bool ascii, char out[VIEW_STATUS_BYTES]);

/*
 * Colours: legible on black and on white (a contrast of 4 to both), else the terminal's own.  A speaker's is one
 * of VIEW_HUES by its name, the same in every run.
 */
#define VIEW_HUES 8
enum view_color { COLOR_OF_OWN, COLOR_OF_ERROR, COLOR_OF_BAR, COLOR_OF_HUE, VIEW_COLORS = COLOR_OF_HUE + VIEW_HUES };
uint8_t view_hue(const char *speaker);                      /* pure */
short view_color_number(enum view_color color, int colors); /* of a terminal with so many; -1: its own.  Pure. */

void view_start(void); /* after term_start: colours */
void view_draw(const struct view *v);
/* The terminal was cleared, or drawn on by somebody else. */
void view_forget(void);

#endif
