/*
 * What the options of a node say: defaults, and the options of programs older or newer than the library.
 */
#include <string.h>

#include "api/state.h"
#include "base/err.h"
#include "base/text.h"

_Static_assert(DUET_WINDOW_MIN_BYTES == LIMIT_WINDOW_MIN_BYTES && DUET_WINDOW_MAX_BYTES == LIMIT_WINDOW_MAX_BYTES,
               "as on the wire");
_Static_assert(DUET_PACKET_MIN_BYTES == LIMIT_PACKET_MIN_BYTES && DUET_PACKET_MAX_BYTES == LIMIT_PACKET_MAX_BYTES,
               "as on the wire");
_Static_assert(DUET_HEARTBEAT_MIN_US == HEARTBEAT_MIN_US && DUET_HEARTBEAT_MAX_US == HEARTBEAT_MAX_US,
               "as on the wire");

#define CONNECT_TIMEOUT_US UINT64_C(30000000)
#define SIZE_LEAST offsetof(struct duet_options, identity) /* of the first version: nobody can have had less */

static struct duet_options defaults(void)
{
    return (struct duet_options){
        .size = sizeof(struct duet_options),
        .port = DUET_DEFAULT_PORT,
        .window_bytes = LIMIT_WINDOW_DEFAULT_BYTES,
        .heartbeat_us = HEARTBEAT_DEFAULT_US,
        .connect_timeout_us = CONNECT_TIMEOUT_US,
    };
}

void duet_options_init(struct duet_options *options, size_t size)
{
    const struct duet_options full = defaults();

    if (options == NULL)
        return;
    memset(options, 0, size);
    memcpy(options, &full, size < sizeof(full) ? size : sizeof(full));
    if (size >= sizeof(options->size))
        options->size = size;
}

/* Of a newer header: what we do not know must not be asked for. */
static bool is_zero_from(const struct duet_options *options, size_t at)
{
    const uint8_t *bytes = (const uint8_t *)options;

    for (; at < options->size; at++)
        if (bytes[at] != 0)
            return false;
    return true;
}

static const char *trouble_with(const struct duet_options *o)
{
    char clean[DUET_NAME_BYTES * 10 + 1];
    uint8_t print[NOISE_PRINT_BYTES];
    const size_t len = o->name != NULL ? strnlen(o->name, DUET_NAME_BYTES + 1) : 1;

    if (o->family != 0 && o->family != 4 && o->family != 6)
        return "family is 0, 4 or 6";
    if (o->trust > DUET_TRUST_NEW)
        return "trust is one of enum duet_trust_policy";
    if (len == 0 || len > DUET_NAME_BYTES ||
        (o->name != NULL &&
         (text_sanitise(TEXT_LINE, o->name, len, clean, sizeof(clean)) != len || strcmp(clean, o->name) != 0)))
        return "name is 1 to 64 bytes of printable UTF-8 on one line";
    if (o->peer_fingerprint != NULL && !fingerprint_parse(o->peer_fingerprint, print))
        return "peer_fingerprint is 32 characters of a to z and 2 to 7";
    if (o->window_bytes < DUET_WINDOW_MIN_BYTES || o->window_bytes > DUET_WINDOW_MAX_BYTES)
        return "window_bytes is from 64 KiB to 48 MiB";
    if (o->max_packet_bytes != 0 &&
        (o->max_packet_bytes < DUET_PACKET_MIN_BYTES || o->max_packet_bytes > DUET_PACKET_MAX_BYTES))
        return "max_packet_bytes is from 1200 to 65507";
    if (o->heartbeat_us < DUET_HEARTBEAT_MIN_US || o->heartbeat_us > DUET_HEARTBEAT_MAX_US)
        return "heartbeat_us is from 0.5 s to 60 s";
    return NULL;
}

int api_options_read(const struct duet_options *from, struct duet_options *out, char *error)
{
    *out = defaults();
    if (from == NULL)
        return 0;
    if (from->size < SIZE_LEAST) {
        api_complain(error, "the options were not prepared with duet_options_init");
        return DUET_EINVAL;
    }
    if (from->size > sizeof(*out) && !is_zero_from(from, sizeof(*out))) {
        api_complain(error, "an option is of a later version than this library, " DUET_VERSION_STRING);
        return DUET_EUNSUPPORTED;
    }
    memcpy(out, from, from->size < sizeof(*out) ? from->size : sizeof(*out));
    const char *trouble = trouble_with(out);

    if (trouble == NULL)
        return 0;
    api_complain(error, "%s", trouble);
    return DUET_EINVAL;
}
