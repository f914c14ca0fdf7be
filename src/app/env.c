#include "app/env.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NUL_STAND_IN '\x01' /* a control like any other, which ends no string */

void env_post(struct env *env, struct notice m)
{
    (void)outbox_push(&env->ui, &m); /* what it cannot take, it disposes of and notes as lost */
}

static bool is_of_one_transfer(const void *waiting, const void *m)
{
    const struct notice *old = waiting, *new = m;

    return old->type == NOTICE_PROGRESS && old->progress.now->id == new->progress.now->id;
}

void env_post_progress(struct env *env, struct notice m)
{
    assert(m.type == NOTICE_PROGRESS);
    (void)outbox_push_snapshot(&env->ui, &m, is_of_one_transfer);
}

void env_tell(struct env *env, struct notice m, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *raw = text_format_new(fmt, args);

    va_end(args);
    m.text = raw == NULL ? NULL : text_sanitise_new(TEXT_LINE, raw, strlen(raw));
    free(raw);
    if (m.text == NULL)
        env->ui.lost = true; /* a message without its words would mislead */
    else
        env_post(env, m);
}

bool env_tell_raw(struct env *env, struct notice m, const char *text, size_t len)
{
    m.text = malloc(len + 1);
    if (m.text == NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        m.text[i] = text[i] == '\0' ? NUL_STAND_IN : text[i];
    m.text[len] = '\0';
    return outbox_push(&env->ui, &m) == 0;
}

bool env_ui_is_long(const struct env *env)
{
    return env->ui.count >= UI_LONG_MESSAGES || env->ui.text_bytes >= UI_LONG_TEXT_BYTES;
}
