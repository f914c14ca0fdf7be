#include "client/words.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"

const char *words_failed(const struct duet_event *ev)
{
    if (ev->err == DUET_ETIMEOUT)
        return "timed out: nobody answers; is duet waiting there, on that port, and does a firewall let UDP in?";
    return ev->text;
}

const char *words_ended(const char *name, const struct duet_event *ev, char out[WORDS_ENDED_BYTES])
{
    const bool left = ev->type == DUET_EVENT_LEFT;
    const char *why = ev->text != NULL && !(left && ev->code == DUET_CLOSE_OK) ? ev->text : "";
    const char *colon = *why != '\0' ? ": " : "";

    if (left && ev->code == DUET_CLOSE_TRUST)
        snprintf(
            out, WORDS_ENDED_BYTES,
            "%s does not trust your key: its owner must allow it (/trust, --accept-new, or --peer with what 'duet id' "
            "prints here)",
            name);
    else if (left && (ev->code == DUET_CLOSE_REFUSED || ev->code == DUET_CLOSE_BUSY))
        snprintf(out, WORDS_ENDED_BYTES, "%s turned you away%s%s", name, colon, why);
    else if (left)
        snprintf(out, WORDS_ENDED_BYTES, "%s closed the connection%s%s", name, colon, why);
    else
        snprintf(out, WORDS_ENDED_BYTES, "the connection to %s was lost%s%s", name, colon, why);
    return out;
}

const char *words_silence(const char *name, bool unreachable, uint64_t silent_us, char out[WORDS_SILENCE_BYTES])
{
    const unsigned long long seconds = silent_us / US_PER_S;

    if (unreachable)
        snprintf(out, WORDS_SILENCE_BYTES, "%s is unreachable: silent for %llu s", name, seconds);
    else
        snprintf(out, WORDS_SILENCE_BYTES, "%s is back after %llu s", name, seconds);
    return out;
}

const char *words_endpoint(const struct duet_addr *addr, char out[ADDR_TEXT_BYTES])
{
    char text[ADDR_TEXT_BYTES];
    const char *colon = strrchr(addr_format(addr, text), ':');

    if (text[0] == '[' || !colon)
        snprintf(out, ADDR_TEXT_BYTES, "%s", text);
    else
        snprintf(out, ADDR_TEXT_BYTES, "[%.*s]%.8s", (int)(colon - text), text, colon);
    return out;
}
