/*
 * scrollback: the lines of the screen, how they wrap at the present size, and where the user looks.
 *
 * Pure state, no curses.  Memory is bounded: at most SCROLLBACK_LINES lines and SCROLLBACK_BYTES of
 * text, the oldest go.  While the user looks at older lines, new ones do not move what is seen.
 * Main thread.
 */
#ifndef DUET_UI_SCROLLBACK_H
#define DUET_UI_SCROLLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCROLLBACK_LINES 5000
#define SCROLLBACK_BYTES (4 * 1024 * 1024)
#define SCROLLBACK_LINE_BYTES (128 * 1024) /* a longer one is cut: its rows are counted for every frame it is seen in */

enum line_kind {
    LINE_OWN,   /* what the user said */
    LINE_PEER,  /* what a peer said */
    LINE_EVENT, /* joined, left, received, … */
    LINE_ERROR,
    LINE_INFO, /* answers to the user's commands */
};

struct scrollback_line {
    enum line_kind kind;
    uint32_t id; /* of an own message; 0: none */
    bool delivered;
    uint8_t hue;   /* the speaker's colour: view_hue */
    char time[6];  /* "12:34" or "" */
    size_t prefix; /* bytes of text that name who speaks */
    size_t rows;   /* at the present width */
    size_t len;
    char text[]; /* NUL-terminated */
};

/* One screen row of a line. */
struct scrollback_row {
    const struct scrollback_line *line;
    size_t start, len; /* bytes of line->text */
    bool first;        /* the line's first row */
    bool flush;        /* a part of a long word: from the left edge of the screen, so that it can be copied whole */
};

struct scrollback {
    struct scrollback_line *lines[SCROLLBACK_LINES]; /* ring */
    size_t first, count;
    size_t bytes;
    size_t width, height; /* of the text area, in cells; at least 1 */
    size_t gutter;        /* cells left of it, which long words use too */
    size_t total_rows;
    size_t scroll; /* rows below the visible part; 0: the newest line is seen */
    size_t unseen; /* lines added while scrolled up */
};

void scrollback_init(struct scrollback *s);
void scrollback_dispose(struct scrollback *s);

/* Adds a line "prefix text"; prefix may be "".  Beyond SCROLLBACK_LINE_BYTES the text is cut, and says
 * so.  time: "12:34" or "".  0 or DUET_ENOMEM. */
int scrollback_add(struct scrollback *s, enum line_kind kind, uint32_t id, const char *time, const char *prefix,
                   const char *text);
/* The newest line's colour. */
void scrollback_paint(struct scrollback *s, uint8_t hue);
/* Marks own message `id` as delivered; false: it is no longer there. */
bool scrollback_delivered(struct scrollback *s, uint32_t id);
void scrollback_clear(struct scrollback *s);

/* The text area has a new size (0 counts as 1), `gutter` cells from the left edge of the screen.  The bottom line seen
 * stays in sight.  Only what changes the rows, not the height, looks at every line. */
void scrollback_resize(struct scrollback *s, size_t gutter, size_t width, size_t height);
/* Moves by rows, up is positive; stops at both ends. */
#define SCROLLBACK_TOP ((long)INT32_MAX)
void scrollback_scroll(struct scrollback *s, long rows);
void scrollback_follow(struct scrollback *s); /* back to the newest line */

/* The rows to draw, top to bottom, at most `cap` (>= height for all); returns their number. */
size_t scrollback_rows(const struct scrollback *s, struct scrollback_row *out, size_t cap);

/*
 * An ASCII word (a link, a path, a key) that is wider than the text area has rows of its own, `flush`; words of other
 * scripts, many of which set no blanks, wrap like text.
 *
 * Bytes of the first row of text at this width: breaks at newlines, else at blanks, else between graphemes; never 0 for
 * len > 0 unless the row is an empty line.  *next: where the following row starts (blanks at the break are skipped).
 */
size_t scrollback_wrap(const char *text, size_t len, size_t width, size_t *next);

#endif
