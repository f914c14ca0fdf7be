/*
 * filehash: XXH3-128 of a file's bytes, as they come.
 *
 * libxxhash has two of it on x86: one for every machine, and one that takes the widest vectors of this one, four times
 * as fast.  They share their state and their result.
 */
#ifndef DUET_IO_FILEHASH_H
#define DUET_IO_FILEHASH_H

#include <stddef.h>
#include <xxhash.h>

/* As XXH3_128bits_update. */
void filehash_update(XXH3_state_t *state, const void *bytes, size_t len);

#endif
