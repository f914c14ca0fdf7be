/*
 * progress_line: how the transfers of send and recv stand, on stderr.
 *
 * On a terminal one line redrawn in place, at most ten times a second; otherwise a plain line a
 * second.  Notes go through here too, so that they do not run into the redrawn line.  Main thread.
 */
#ifndef DUET_CLIENT_PROGRESS_LINE_H
#define DUET_CLIENT_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/roster.h"

#define PROGRESS_LINE_REDRAW_US 100000
#define PROGRESS_LINE_EVERY_US 1000000

struct progress_line {
    bool quiet; /* errors only */
    bool tty;
    bool drawn;       /* the line is on the terminal */
    uint64_t next_us; /* when it may be shown again */
    size_t files;     /* of all there are; 0: unknown */
    size_t files_done;
    uint64_t finished_bytes; /* of files that are over */
    uint64_t all_bytes;      /* of all there are; 0: unknown */
};

void progress_line_init(struct progress_line *p, bool quiet);

/* Shows it if it is time; when to call again, in µs from now_us. */
uint64_t progress_line_show(struct progress_line *p, struct roster *r, uint64_t now_us);

/* A line of its own, on stderr; not with -q. */
void progress_line_note(struct progress_line *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, also with -q; "duet: " in front. */
void progress_line_error(struct progress_line *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the line off the terminal (before a question, before output, at the end). */
void progress_line_clear(struct progress_line *p);

/* "sent NAME: 388 MB in 0:16, 24.1 MB/s"; "sent NAME: 12 kB in 0.1 s" */
void progress_line_summary(struct progress_line *p, const char *verb, const char *name, uint64_t bytes,
                           uint64_t took_us);

#endif
