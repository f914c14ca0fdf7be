/*
 * tracefile: --trace: the endpoint's trace events as JSON lines with qlog's
 * names (draft-ietf-quic-qlog-main-schema, NDJSON form: a header line, then one
 * event a line, time in ms since the trace began).
 *
 * All text in it is static or a number: nothing a peer wrote.  Opened by the ui
 * thread, then the net thread's alone.
 */
#ifndef DUET_IO_TRACEFILE_H
#define DUET_IO_TRACEFILE_H

#include "base/time.h"
#include "conn/trace.h"

struct tracefile;

/* Created 0600 or cut to nothing.  0, DUET_ENOMEM, DUET_ESYS (errno in *sys). */
int tracefile_open(const char *path, duet_time start, struct tracefile **out, int *sys);

/* 0, or DUET_ESYS the first time writing fails (errno in *sys): from then on events are let go silently. */
int tracefile_write(struct tracefile *t, const struct trace_event *ev, int *sys);

/* Notes how many events the ring could not hold, and what is buffered goes to the file.  0 or DUET_ESYS as above. */
int tracefile_flush(struct tracefile *t, uint64_t dropped, int *sys);

/* The same, then closes.  NULL is fine. */
int tracefile_close(struct tracefile *t, uint64_t dropped, int *sys);

#endif
