/*
 * model: the scrollback of the screen: lines, how they wrap at the present size, and where the user looks.
 *
 * Pure state, no curses.  Memory is bounded: at most MODEL_LINES lines and MODEL_BYTES of text, the oldest go.  While
 * the user looks at older lines, new ones do not move what is seen.  Main thread.
 */
#ifndef DUET_UI_MODEL_H
#define DUET_UI_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_LINES 5000
#define MODEL_BYTES (4 * 1024 * 1024)
#define MODEL_LINE_BYTES (128 * 1024) /* a longer one is cut: its rows are counted for every frame it is seen in */

enum model_kind {
    LINE_OWN,   /* what the user said */
    LINE_PEER,  /* what a peer said */
    LINE_EVENT, /* joined, left, received, … */
    LINE_ERROR,
    LINE_INFO, /* answers to the user's commands */
};

struct model_line {
    enum model_kind kind;
    uint32_t id; /* of an own message; 0: none */
    bool delivered;
    uint8_t hue;   /* the speaker's colour: view_hue */
    char time[6];  /* "12:34" or "" */
    size_t prefix; /* bytes of text that name who speaks */
    size_t rows;   /* at the model's present width */
    size_t len;
    char text[]; /* NUL-terminated */
};

/* One screen row of a line. */
struct model_row {
    const struct model_line *line;
    size_t start, len; /* bytes of line->text */
    bool first;        /* the line's first row */
    bool flush;        /* a part of a long word: from the left edge of the screen, so that it can be copied whole */
};

struct model {
    struct model_line *lines[MODEL_LINES]; /* ring */
    size_t first, count;
    size_t bytes;
    size_t width, height; /* of the text area, in cells; at least 1 */
    size_t gutter;        /* cells left of it, which long words use too */
    size_t total_rows;
    size_t scroll; /* rows below the visible part; 0: the newest line is seen */
    size_t unseen; /* lines added while scrolled up */
};

void model_init(struct model *m);
void model_dispose(struct model *m);

/* Adds a line "prefix text"; prefix may be "".  Beyond MODEL_LINE_BYTES the text is cut, and says
 * so.  time: "12:34" or "".  0 or DUET_ENOMEM. */
int model_add(struct model *m, enum model_kind kind, uint32_t id, const char *time, const char *prefix,
              const char *text);
/* The newest line's colour. */
void model_paint(struct model *m, uint8_t hue);
/* Marks own message `id` as delivered; false: it is no longer there. */
bool model_delivered(struct model *m, uint32_t id);
void model_clear(struct model *m);

/* The text area has a new size (0 counts as 1), `gutter` cells from the left edge of the screen.  The bottom line seen
 * stays in sight.  Only what changes the rows, not the height, looks at every line. */
void model_resize(struct model *m, size_t gutter, size_t width, size_t height);
/* Moves by rows, up is positive; stops at both ends. */
#define MODEL_TOP ((long)INT32_MAX)
void model_scroll(struct model *m, long rows);
void model_follow(struct model *m); /* back to the newest line */

/* The rows to draw, top to bottom, at most `cap` (>= height for all); returns their number. */
size_t model_rows(const struct model *m, struct model_row *out, size_t cap);

/*
 * An ASCII word (a link, a path, a key) that is wider than the text area has rows of its own, `flush`; words of other
 * scripts, many of which set no blanks, wrap like text.
 *
 * Bytes of the first row of text at this width: breaks at newlines, else at blanks, else between graphemes; never 0 for
 * len > 0 unless the row is an empty line.  *next: where the following row starts (blanks at the break are skipped).
 */
size_t model_wrap(const char *text, size_t len, size_t width, size_t *next);

#endif
