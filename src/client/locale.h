/*
 * locale: which characters the terminal shows and the keyboard sends.
 *
 * Of the user's locale only LC_CTYPE is taken: numbers and messages look the same everywhere.  A locale that is not
 * installed, or none at all, becomes C.UTF-8, which every Debian has; else every letter beyond ASCII would be a "?".
 * Main thread, at the start.
 */
#ifndef DUET_CLIENT_LOCALE_H
#define DUET_CLIENT_LOCALE_H

/* Sets it.  A sentence for the user if it is not the one that was asked for, else NULL; valid for the whole run. */
const char *locale_start(void);
/* The same sentence again. */
const char *locale_note(void);

#endif
