#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/msg.h"

Test(msg, names_every_type)
{
    cr_assert_str_eq(msg_type_name(MSG_CONNECT), "MSG_CONNECT");
    cr_assert_str_eq(msg_type_name(JOB_ABORT), "JOB_ABORT");
    for (int type = MSG_CONNECT; type <= DONE_COMMITTED; type++)
        cr_assert_str_neq(msg_type_name((enum msg_type)type), "MSG_?", "type %d", type);
}

Test(msg, knows_which_types_hold_text)
{
    cr_assert(msg_has_text(MSG_TEXT));
    cr_assert(msg_has_text(JOB_OPEN));
    cr_assert_not(msg_has_text(JOB_COMMIT), "a digest lies there");
    cr_assert_not(msg_has_text(MSG_LISTENING));
    cr_assert_not(msg_has_text(DONE_WROTE), "a chunk lies there");
}

/* The leak checker of the asan build is the judge of the frees; here: what is not owned is left alone. */
Test(msg, disposes_of_what_it_owns_only)
{
    struct msg text = {.type = MSG_NOTICE, .text = strdup("x")};
    struct chunk *c = calloc(1, sizeof(*c));
    struct msg chunk = {.type = JOB_WRITE, .chunk = c};

    msg_dispose(&text);
    cr_assert_null(text.text);
    msg_dispose(&text);
    msg_dispose(&chunk);
    cr_assert_eq(chunk.chunk, c);
    c->used = 1;
    free(c);
}
