/*
 * term: the terminal as a screen: curses started and, on every way out, stopped again.
 *
 * The terminal is restored by term_stop, at exit, and by a handler on the signals of a crash.  SIGTERM and its like are
 * the caller's (a signalfd), which leads to term_stop.  The keyboard is in raw mode: ^C and ^Z arrive as bytes.
 * Main thread.
 */
#ifndef DUET_UI_TERM_H
#define DUET_UI_TERM_H

#include <stdbool.h>

/* Can a screen be shown at all (terminals on both sides, TERM known, its cursor can be positioned)?
 * 0, or DUET_ESYS with `why` set. */
int term_start(bool colors, const char **why);
void term_stop(void);

/* For ^Z: the terminal as it was, and back. */
void term_suspend(void);
void term_resume(void);

/* The window may have another size: asks the terminal and tells curses. */
void term_resize(void);

/* The next frame is drawn from nothing: ^L, or after somebody else wrote on the screen. */
void term_redraw(void);

/* May colours be used? */
bool term_colors(void);

#endif
