#include "unit.h"

#include "cli/suggest.h"

static const char *const words[] = {"chat", "send", "recv", "ask", "id", NULL};

Test(suggest, counts_each_kind_of_slip_once)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"send", "send", 0}, {"sned", "send", 1}, {"sen", "send", 1},        {"sendd", "send", 1},
        {"semd", "send", 1}, {"", "ask", 3},      {"abcd", "badc", 2},       {"kitten", "sitting", 3},
        {"", "", 0},         {"ab", "ba", 1},     {"recieve", "receive", 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(suggest_distance(rows[i].a, rows[i].b), rows[i].distance, "%s %s", rows[i].a, rows[i].b);
        cr_expect_eq(suggest_distance(rows[i].b, rows[i].a), rows[i].distance, "%s %s", rows[i].b, rows[i].a);
    }
}

Test(suggest, gives_up_on_words_longer_than_any_of_ours)
{
    char big[100];

    memset(big, 's', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    cr_expect_eq(suggest_distance(big, "send"), SUGGEST_WORD_BYTES);
    cr_expect_null(suggest_word(big, words));
}

Test(suggest, finds_what_was_meant_and_leaves_hosts_alone)
{
    static const struct {
        const char *typed, *meant;
    } rows[] = {
        {"sned", "send"}, {"snd", "send"}, {"chta", "chat"},  {"rcev", "recv"},    {"aks", "ask"},
        {"server", NULL}, {"bob", NULL},   {"a", NULL},       {"example", NULL},   {"desktop", NULL},
        {"ip", "id"},     {"alice", NULL}, {"sends", "send"}, {"localhost", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *found = suggest_word(rows[i].typed, words);
        if (rows[i].meant)
            cr_expect_str_eq(found ? found : "(none)", rows[i].meant, "%s", rows[i].typed);
        else
            cr_expect_null(found, "%s gave %s", rows[i].typed, found);
    }
}
