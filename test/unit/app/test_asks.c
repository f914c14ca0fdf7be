#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/asks.h"
#include "base/err.h"

Test(asks, splits_command_and_argument)
{
    static const struct {
        const char *line, *command, *arg;
        int expected;
    } rows[] = {
        {.line = "echo hello world", .command = "echo", .arg = "hello world"},
        {.line = "  time  ", .command = "time", .arg = ""},
        {.line = "\tsum  1   2 \n", .command = "sum", .arg = "1   2"},
        {.line = "ping", .command = "ping", .arg = ""},
        {.line = "", .expected = DUET_EINVAL},
        {.line = "   ", .expected = DUET_EINVAL},
        {.line = "a-command-longer-than-32-bytes-is-none", .expected = DUET_EINVAL},
    };
    struct asks a = {.count = 0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct appmsg m;

        cr_assert_eq(asks_add(&a, 1, rows[i].line, DUET_TIME(0), &m), rows[i].expected, "row %zu", i);
        if (rows[i].expected != 0)
            continue;
        cr_assert_eq(m.ask.command_len, strlen(rows[i].command), "row %zu", i);
        cr_assert_arr_eq(m.ask.command, rows[i].command, m.ask.command_len);
        cr_assert_eq(m.ask.arg_len, strlen(rows[i].arg), "row %zu", i);
        cr_assert_eq(memcmp(m.ask.arg, rows[i].arg, m.ask.arg_len), 0);
    }
    cr_assert_eq(a.count, 4);
}

Test(asks, each_is_taken_once)
{
    struct asks a = {.count = 0};
    struct appmsg first, second;
    struct ask out;

    cr_assert_eq(asks_add(&a, 11, "ping", DUET_TIME(5), &first), 0);
    cr_assert_eq(asks_add(&a, 12, "time", DUET_TIME(6), &second), 0);
    cr_assert_neq(first.id, second.id);
    cr_assert(asks_take(&a, first.id, &out));
    cr_assert_eq(out.ui_id, 11);
    cr_assert(out.ping);
    cr_assert_eq(out.asked_at.us, 5);
    cr_assert_not(asks_take(&a, first.id, &out));
    cr_assert_not(asks_take(&a, 0, &out), "0 marks free entries");
    cr_assert(asks_take_any(&a, &out));
    cr_assert_eq(out.ui_id, 12);
    cr_assert_not(out.ping);
    cr_assert_not(asks_take_any(&a, &out));
}

Test(asks, are_bounded_in_number_and_length)
{
    struct asks a = {.count = 0};
    struct appmsg m;
    struct ask out;
    char *line = malloc(5 + APPMSG_ASK_BYTES + 2);

    memset(line, 'x', 5 + APPMSG_ASK_BYTES + 1);
    memcpy(line, "echo ", 5);
    line[5 + APPMSG_ASK_BYTES + 1] = '\0';
    cr_assert_eq(asks_add(&a, 1, line, DUET_TIME(0), &m), DUET_ERANGE);
    line[5 + APPMSG_ASK_BYTES] = '\0';
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        cr_assert_eq(asks_add(&a, i, line, DUET_TIME(0), &m), 0);
    cr_assert_eq(asks_add(&a, 99, line, DUET_TIME(0), &m), DUET_EFULL);
    cr_assert(asks_take(&a, m.id, &out));
    cr_assert_eq(asks_add(&a, 99, line, DUET_TIME(0), &m), 0);
    free(line);
}
