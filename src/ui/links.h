/*
 * links: web addresses on the screen, told to terminals that open them (OSC 8), however they are wrapped.
 *
 * Curses knows no links: they are written over what it has drawn, the same characters once more.
 * So they are written anew only when one of them changed, and the rows of those that went are drawn
 * anew.  A link is printable ASCII without quotes and brackets, so nothing in it can end the
 * sequence.  Main thread.
 */
#ifndef DUET_UI_LINKS_H
#define DUET_UI_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LINKS_MAX 64                 /* pieces of links on one screen; further ones are only text */
#define LINKS_ROWS 512               /* … in rows below this one neither */
#define LINKS_LINE_BYTES (16 * 1024) /* nor in longer lines: they are searched for each frame */
#define LINKS_URL_BYTES 2048         /* longer ones are none to most terminals */

/* A piece of a link in one row: bytes of the line. */
struct link_piece {
    int row, column;
    const char *text, *url;
    size_t len, url_len;
};

struct links {
    struct link_piece v[LINKS_MAX];
    size_t count;
    uint64_t written;          /* what the terminal was told: a hash of pieces; 0: nothing */
    bool has_link[LINKS_ROWS]; /* rows with one, as the terminal was told */
};

/* The next link at or after *at; false: none.  Pure. */
bool links_find(const char *text, size_t len, size_t *at, size_t *bytes);

/* Does a terminal of this kind, with such an environment, take links?  Pure. */
bool links_are_taken(const char *term, const char *(*variable)(const char *name));

/* A frame: begin; collect for each row, whose bytes [start, start + len) of the line are drawn from `column` on; */
void links_begin(struct links *l);
void links_collect(struct links *l, int row, int column, const char *line, size_t line_len, size_t start, size_t len);
/* did anything change?  then the rows with has_link are to be drawn anew before links_write. */
bool links_changed(const struct links *l);
void links_write(struct links *l, FILE *out);
/* The terminal was cleared: it knows none. */
void links_forget(struct links *l);

#endif
