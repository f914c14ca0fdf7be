#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "chat/kept.h"

static struct kept k; /* large */

static void tear_down(void)
{
    kept_dispose(&k);
    k = (struct kept){0};
}

TestSuite(kept, .fini = tear_down);

/* What this peer gets, joined by '|'. */
static const char *gets(const char *key, bool dialled)
{
    static char out[256];
    struct kept_item item;

    out[0] = '\0';
    while (kept_take(&k, key, dialled, &item)) {
        if (out[0] != '\0')
            strcat(out, "|");
        strcat(out, item.text);
        free(item.text);
    }
    return out;
}

static void say(const char *text)
{
    static uint32_t number;

    cr_assert(kept_add(&k, false, COMMAND_SAY, ++number, text));
}

Test(kept, before_anybody_came_it_is_for_whoever_comes_first)
{
    say("one");
    say("two");
    cr_expect_str_eq(gets("bob", false), "one|two");
    cr_expect_str_eq(gets("carol", false), "");
}

Test(kept, who_was_here_gets_it_and_nobody_else)
{
    kept_peer_gone(&k, "bob-key", "bob");
    say("for bob");
    cr_expect_str_eq(gets("mallory-key", false), "");
    cr_expect_str_eq(gets("mallory-key", true), "");
    kept_peer_came(&k, "bob-key");
    cr_expect_str_eq(gets("bob-key", false), "for bob");
    cr_expect_eq(k.bytes, 0);
}

Test(kept, each_of_those_who_left_since_the_user_spoke_gets_a_copy)
{
    char whom[KEPT_WHOM_BYTES];

    kept_peer_gone(&k, "eve", "eve");
    kept_user_spoke(&k); /* to bob and carol: eve is not meant any more */
    kept_peer_gone(&k, "bob", "bob");
    kept_peer_gone(&k, "carol", "carol");
    cr_expect_str_eq(kept_whom(&k, false, whom), "bob and carol");
    cr_assert(kept_add(&k, false, COMMAND_SAY, 7, "both"));
    cr_expect_str_eq(gets("eve", false), "");
    cr_expect_str_eq(gets("carol", false), "both");
    cr_expect(kept_has_message(&k, 7));
    cr_expect_str_eq(gets("bob", false), "both");
    cr_expect_not(kept_has_message(&k, 7));
}

Test(kept, while_dialling_it_is_for_whom_is_dialled)
{
    char whom[KEPT_WHOM_BYTES];
    struct kept_item item;

    kept_peer_gone(&k, "bob", "bob");
    cr_expect_null(kept_whom(&k, true, whom));
    cr_assert(kept_add(&k, true, COMMAND_SAY, 1, "for the host"));
    cr_expect_str_eq(gets("bob", false), "");
    cr_expect_str_eq(gets("host", true), "for the host");
    cr_assert(kept_add(&k, true, COMMAND_SAY, 2, "in vain"));
    cr_assert(kept_take_dialled(&k, &item));
    free(item.text);
    cr_expect_not(kept_take_dialled(&k, &item));
}

Test(kept, a_file_can_be_cancelled_for_all_it_is_for)
{
    kept_peer_gone(&k, "bob", "bob");
    kept_peer_gone(&k, "carol", "carol");
    cr_assert(kept_add(&k, false, COMMAND_SEND, 0, "/a"));
    cr_assert(kept_add(&k, false, COMMAND_SEND, 0, "/b"));
    cr_expect_eq(k.count, 4);
    cr_expect(kept_cancel(&k, 1));
    cr_expect_not(kept_cancel(&k, 1));
    cr_expect_str_eq(gets("bob", false), "/b");
}

Test(kept, has_bounds)
{
    static char big[KEPT_BYTES / 2];

    memset(big, 'x', sizeof(big) - 1);
    for (char c = 'a'; c < 'a' + KEPT_ABSENT + 1; c++)
        kept_peer_gone(&k, (char[]){c, '\0'}, "peer");
    cr_expect_eq(k.absent_count, KEPT_ABSENT);
    cr_expect_not(kept_add(&k, false, COMMAND_SAY, 1, big), "one for each is too much");
    cr_expect_eq(k.count, 0);
    say("small");
    cr_expect_str_eq(gets("a", false), "", "the oldest is forgotten");
    cr_expect_str_eq(gets("b", false), "small");
    tear_down();
    for (size_t i = 0; i < KEPT_MAX; i++)
        say("x");
    cr_expect_not(kept_add(&k, false, COMMAND_SAY, 1, "x"));
}
