/*
 * control: the words that turn the knobs of two links, on the command line and at run time.
 *
 *   KNOB [ab|ba|both] VALUE
 *   rate 10M      bits a second (k, M, G); 0: no limit        delay 25ms        one way (us, ms, s)
 *   queue 64k     bytes before packets are dropped            loss 2.5          per cent, after the queue
 *   reorder 10 5ms  per cent that wait so much longer         duplicate 1       per cent
 *   corrupt 1     per cent; see link.c                        hole on|off       nothing gets through
 *   burst 5 20    per cent lost in bursts, of so many packets on average (1): everything within one.  With a rate they
 *                 last as long as so many full packets do at it, whether anybody sends or not
 *   jitter 8ms    a random delay up to this, in which packets overtake each other
 *   policer 30k   bytes of a bucket filled at the rate, which passes or drops; 0: a queue instead
 *   swing 2       the rate changes each 0.1 to 2 s, between half of it and twice; 0: it stays
 *   no-marks on|off  packets with an ECN codepoint vanish, as behind some routers; counted as in a hole
 *   drop 3        lose the next so many packets               max-packet 1280   bigger ones vanish; 0: no limit
 *
 * A socket also answers `stats` (JSON) and `ready`; every other answer is `ok` or `error: WHY`.
 */
#ifndef DUET_TEST_NET_CONTROL_H
#define DUET_TEST_NET_CONTROL_H

#include <stdbool.h>
#include <stdio.h>

#include "link.h"

#define CONTROL_LINE_MAX 256
#define CONTROL_REPLY_MAX 4096

/* NULL if the line was obeyed, else what is wrong with it. */
const char *control_apply(const char *line, struct link *ab, struct link *ba);

void control_print_stats(const struct link *ab, const struct link *ba, FILE *out);

/* A bound non-blocking datagram socket; -1 after a message on stderr. */
int control_listen(const char *path);

/* Answer what has come in. */
void control_serve(int fd, struct link *ab, struct link *ba);

/* The other end: send one line to the emulator at path, print its answer.  Exit status: 0 obeyed, 1 not. */
int control_ask(const char *path, const char *line);

#endif
