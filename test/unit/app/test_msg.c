#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/msg.h"

Test(msg, names_every_type)
{
    cr_assert_str_eq(msg_type_name(MSG_CONNECT), "MSG_CONNECT");
    for (int type = MSG_CONNECT; type <= MSG_STOPPED; type++)
        cr_assert_str_neq(msg_type_name((enum msg_type)type), "MSG_?", "type %d", type);
}

Test(msg, knows_which_types_hold_text)
{
    cr_assert(msg_has_text(MSG_TEXT));
    cr_assert_not(msg_has_text(MSG_LISTENING));
}

/* The leak checker of the asan build is the judge of the frees. */
Test(msg, can_be_disposed_of_twice)
{
    struct msg text = {.type = MSG_NOTICE, .text = strdup("x")};

    msg_dispose(&text);
    cr_assert_null(text.text);
    msg_dispose(&text);
}
