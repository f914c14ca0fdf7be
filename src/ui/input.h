/*
 * input: the line editor: GNU readline's callback interface without its display.
 *
 * Bytes from the terminal go in one at a time; each may complete an event.  Nothing is written to
 * the terminal here: the view asks for prompt, text and cursor and draws them.  Readline is one per
 * process, so this module is too: its state is static.  Inside a bracketed paste every byte is
 * data; pasted text of several lines is handed out as an event, so that the user can confirm it.
 * Escape sequences that nothing is bound to are skipped.  Main thread.
 */
#ifndef DUET_UI_INPUT_H
#define DUET_UI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_HISTORY 500                        /* lines remembered, in memory only */
#define INPUT_PASTE_BYTES (1024 * 1024)          /* longest paste taken */
#define INPUT_PASTE_SILENCE_US UINT64_C(1000000) /* so long nothing: its end mark was lost */

enum input_event_type {
    INPUT_NONE,       /* the line may have changed */
    INPUT_LINE,       /* Enter; text: the line */
    INPUT_PASTE,      /* text: several pasted lines */
    INPUT_PASTE_LONG, /* a paste longer than INPUT_PASTE_BYTES was thrown away */
    INPUT_CHOICES,    /* Tab found several; text: their list, for display */
    INPUT_PAGE_UP,
    INPUT_PAGE_DOWN,
    INPUT_TOP,       /* Home on an empty line, Ctrl-Home */
    INPUT_BOTTOM,    /* End on an empty line, Ctrl-End */
    INPUT_KEY,       /* key: typed while the line is held */
    INPUT_REDRAW,    /* ^L */
    INPUT_END,       /* ^D on an empty line */
    INPUT_INTERRUPT, /* ^C */
    INPUT_SUSPEND,   /* ^Z */
};

struct input_event {
    enum input_event_type type;
    unsigned char key;
    char *text; /* heap, the caller frees it; NULL where not named above */
};

/* What Tab goes on with, in the language of whoever reads the lines. */
enum input_completes { INPUT_COMPLETES_NOTHING, INPUT_COMPLETES_WORDS, INPUT_COMPLETES_PATHS };

struct input_language {
    /* What the end of the line up to the cursor is, and the byte at which that begins. */
    enum input_completes (*complete)(const char *before, size_t *start);
    const char *(*word)(size_t index);      /* the words there are; NULL: no more */
    bool (*is_directory)(const char *path); /* of a path as it is typed */
};

/* NULL: Tab does nothing.  The language is valid until input_stop. */
void input_start(const struct input_language *language);
void input_stop(void);

struct input_event input_byte(unsigned char byte, uint64_t now_us);

/* Inside of a paste every byte is data. */
bool input_is_pasting(void);

/* When input_silence has something to do (a paste or a key sequence of which nothing more comes); UINT64_MAX: never. */
uint64_t input_deadline_us(void);
struct input_event input_silence(uint64_t now_us);

/* While held the line keeps what it has, and what is typed comes as INPUT_KEY: the answer to a question. */
void input_hold(bool held);

/* For ^Y. */
void input_keep(const char *text);

/* What to draw: readline's own prompt while it searches the history, else ""; the line; the cursor's byte in it. */
const char *input_prompt(void);
const char *input_text(void);
size_t input_cursor(void);

/* Empties the line; false: it was empty. */
bool input_clear(void);

/* Puts a line into the history. */
void input_remember(const char *line);

/* The part of the line to draw in `columns` cells so that the cursor (which takes a cell) is in sight: first byte and
 * the cursor's column. Pure. */
size_t input_window(const char *text, size_t cursor, size_t columns, size_t *cursor_column);

#endif
