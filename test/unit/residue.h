/*
 * residue: are secrets left in memory by code that is done with them?
 *
 * What is looked for is remembered masked, so that it is not found where it is
 * remembered, and in pieces, so that a copy that was overwritten in part is
 * found too.  Not under a sanitizer: its shadow is too large to look through,
 * it keeps what was freed, and it knows only one stack.
 */
#ifndef DUET_TEST_RESIDUE_H
#define DUET_TEST_RESIDUE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESIDUE_CANNOT_LOOK
#endif

/* Looks for these from now on (all zeros: nothing to look for).  A multiple of 8 bytes, 16 at least. */
void residue_seek(const uint8_t *secret, size_t len);
void residue_seek_nothing(void);
size_t residue_sought(void); /* pieces */

/* Runs it on a stack of its own; what it and all it called left there is what residue_on_stack counts.  Also while it
 * runs, at each call of libsodium's HMAC and AEAD: what was left below by calls that returned. */
void residue_run(void (*step)(void));
size_t residue_on_stack(void);

/* In all that this process can write to. */
size_t residue_in_memory(void);

#endif
