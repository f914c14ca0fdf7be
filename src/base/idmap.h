/*
 * idmap: from a 64-bit id to what has it.  Open addressing with linear probing; keys are hashed with
 * a secret, because peers choose some of them.
 */
#ifndef DUET_BASE_IDMAP_H
#define DUET_BASE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct idmap {
    struct idmap_slot *v;
    size_t cap; /* 0 or a power of two, at most half full */
    size_t count;
    uint64_t secret;
};

void idmap_init(struct idmap *m, uint64_t secret);
void idmap_dispose(struct idmap *m);
/* value is not NULL.  0; DUET_EEXIST, DUET_ENOMEM. */
int idmap_put(struct idmap *m, uint64_t key, void *value);
void *idmap_get(const struct idmap *m, uint64_t key); /* NULL: none */
void idmap_remove(struct idmap *m, uint64_t key);

#endif
