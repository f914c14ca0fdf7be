#include "unit.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "app/blob.h"

Test(blob, what_is_trimmed_off_is_given_back)
{
    struct blob *b = blob_new(NULL, 65536);

    cr_assert_not_null(b);
    memcpy(b->data, "abc", 3);
    b = blob_trim(b, 3);
    cr_assert_eq(b->len, 3);
    cr_assert_eq(memcmp(b->data, "abc", 3), 0);
    cr_assert_lt(malloc_usable_size(b), 256);
    free(b);
}
