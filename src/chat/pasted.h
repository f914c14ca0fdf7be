/*
 * pasted: texts of several lines that were pasted and wait for the user's word: y sends the first as a message, f as a
 * file, n keeps it for ^Y.  The draft in the input line is not touched.  Main thread.
 *
 * As a file it lies in a directory of its own under $TMPDIR until the conversation is over.
 */
#ifndef DUET_CHAT_PASTED_H
#define DUET_CHAT_PASTED_H

#include <stdbool.h>
#include <stddef.h>

#define PASTED_MAX 8     /* texts that wait at once */
#define PASTED_FILES 999 /* of one conversation */
#define PASTED_PREVIEW 6 /* lines of a text that are shown before it goes */
#define PASTED_PATH_BYTES 256
#define PASTED_ERROR_BYTES (PASTED_PATH_BYTES + 128)
#define PASTED_QUESTION_BYTES 128

struct pasted {
    char *texts[PASTED_MAX]; /* the first `count`, oldest first */
    size_t count;
    char dir[PASTED_PATH_BYTES]; /* "": none yet */
    unsigned files;
};

void pasted_dispose(struct pasted *p); /* removes the files */

/* Takes the text; false: there are PASTED_MAX already, the caller keeps it. */
bool pasted_add(struct pasted *p, char *text);

/* The first one; NULL: none waits. */
const char *pasted_first(const struct pasted *p);
void pasted_drop(struct pasted *p);

/* What to ask about it, with the keys that answer, in at most `columns` (down to 14). */
const char *pasted_question(const struct pasted *p, size_t columns, char out[PASTED_QUESTION_BYTES]);

/* Its first PASTED_PREVIEW lines on the heap, and how many more there are; NULL: out of memory. */
char *pasted_preview(const struct pasted *p);

/* Writes the first one to a file, mode 0600; 0, or -1 with a sentence about why. */
int pasted_write(struct pasted *p, char path[PASTED_PATH_BYTES], char error[PASTED_ERROR_BYTES]);

#endif
