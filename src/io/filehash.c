#include "io/filehash.h"

#include <assert.h>
#include <stdbool.h>

#if defined(__x86_64__) && XXH_VERSION_NUMBER >= 801
/* Not every build of the library has it, so it is asked for when the program starts; its own header
 * would rename all of xxhash.h. */
__attribute__((weak)) XXH_errorcode XXH3_128bits_update_dispatch(XXH3_state_t *state, const void *bytes, size_t len);
#define HAS_DISPATCH (XXH3_128bits_update_dispatch != NULL)
#else
#define XXH3_128bits_update_dispatch XXH3_128bits_update
#define HAS_DISPATCH false
#endif

void filehash_update(XXH3_state_t *state, const void *bytes, size_t len)
{
    const XXH_errorcode err =
        HAS_DISPATCH ? XXH3_128bits_update_dispatch(state, bytes, len) : XXH3_128bits_update(state, bytes, len);

    assert(err == XXH_OK); /* it fails for NULL only */
    (void)err;
}
