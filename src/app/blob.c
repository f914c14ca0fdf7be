#include "app/blob.h"

#include <stdlib.h>
#include <string.h>

struct blob *blob_new(const uint8_t *data, size_t len)
{
    struct blob *b = malloc(sizeof(*b) + len);

    if (b == NULL)
        return NULL;
    b->len = len;
    if (data != NULL && len > 0)
        memcpy(b->data, data, len);
    return b;
}

struct blob *blob_trim(struct blob *b, size_t len)
{
    struct blob *less = realloc(b, sizeof(*b) + len);

    b = less != NULL ? less : b;
    b->len = len;
    return b;
}
