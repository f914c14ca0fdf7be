/*
 * What the user types about those who wait: whom the words of /trust and /refuse mean.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "client/admission.h"

/* Those whom the words may mean, those among them who left, and the first who waits. */
static struct stranger *find_named(struct admission *a, const char *whom, size_t *meant, size_t *left)
{
    struct stranger *found = NULL;

    *meant = *left = 0;
    for (size_t i = 0; i < a->count; i++) {
        struct stranger *s = &a->v[i];

        if (whom[0] != '\0' && !text_alike(s->key.name, strlen(s->key.name), whom, strlen(whom)) &&
            !trust_fingerprint_starts(s->key.fingerprint, whom))
            continue;
        ++*meant;
        if (!time_is_never(s->gone_at))
            ++*left;
        else if (found == NULL)
            found = s;
    }
    return found;
}

static void allow_key(struct admission *a, const char *whom)
{
    switch (trust_allow(&a->client->policy, whom)) {
    case 0:
        admission_say(a, ADMISSION_TEXT, "a peer that shows the key %s will be let in", whom);
        return;
    case DUET_EFULL:
        admission_say(a, ADMISSION_ERROR, "at most %d keys can be trusted in advance", TRUST_ALLOWED_KEYS);
        return;
    default:
        break;
    }
    admission_say(a, ADMISSION_ERROR,
                  "nobody called %s is waiting: /peers lists who is; a whole key is trusted in advance", whom);
}

void admission_command(struct admission *a, const char *whom, bool yes, duet_time now)
{
    size_t meant, left;
    struct stranger *s = find_named(a, whom, &meant, &left);

    if (meant == 1 && s != NULL)
        admission_answer(a, s->peer, yes, now);
    else if (meant > 1 && whom[0] == '\0')
        admission_say(a, ADMISSION_ERROR,
                      "%zu are waiting or have just left: which one? Give its name, or %d characters of its key", meant,
                      TRUST_PREFIX);
    else if (meant > 1)
        admission_say(a, ADMISSION_ERROR,
                      "%s may be one of %zu: give %d or more characters of the key instead (/peers)", whom, meant,
                      TRUST_PREFIX);
    else if (left > 0)
        admission_say(a, ADMISSION_ERROR, "%s has just left", whom[0] != '\0' ? whom : "the one that waited");
    else if (whom[0] == '\0')
        admission_say(a, ADMISSION_ERROR, "nobody is waiting for an answer");
    else if (yes)
        allow_key(a, whom);
    else
        admission_say(a, ADMISSION_ERROR, "nobody called %s is waiting: /peers lists who is", whom);
}
