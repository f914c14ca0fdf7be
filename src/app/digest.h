/*
 * digest: what says that a file arrived as it was: XXH3-128 of all its bytes, in canonical (big-endian) form, as
 * `xxhsum -H2` prints it.
 */
#ifndef DUET_APP_DIGEST_H
#define DUET_APP_DIGEST_H

#define DIGEST_BYTES 16

#endif
