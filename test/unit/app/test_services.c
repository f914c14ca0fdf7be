#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/services.h"

static struct service_answer answer;

static struct service_status status;

static const char *ask(const char *name, const char *arg, size_t arg_len, uint64_t wall_us)
{
    static char text[sizeof(answer.text) + 1];
    const struct service_call call = {.arg = arg, .arg_len = arg_len, .wall_us = wall_us, .status = &status};

    services_run(name, strlen(name), &call, &answer);
    memcpy(text, answer.text, answer.len);
    text[answer.len] = '\0';
    return text;
}

Test(services, answer)
{
    static const struct {
        const char *name, *arg, *expected;
        bool ok;
    } rows[] = {
        {.name = "echo", .arg = "hello  world", .expected = "hello  world", .ok = true},
        {.name = "echo", .arg = "", .expected = "", .ok = true},
        {.name = "ping", .arg = "", .expected = "pong", .ok = true},
        {.name = "reverse", .arg = "abc", .expected = "cba", .ok = true},
        {.name = "reverse", .arg = "", .expected = "", .ok = true},
        /* e + combining acute stays one letter, a flag keeps its two halves in order */
        {.name = "reverse",
         .arg = "ae\xcc\x81z",
         .expected = "ze\xcc\x81"
                     "a",
         .ok = true},
        {.name = "reverse",
         .arg = "x\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
         .expected = "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaax",
         .ok = true},
        {.name = "sum", .arg = "", .expected = "0", .ok = true},
        {.name = "sum", .arg = "1 2 3", .expected = "6", .ok = true},
        {.name = "sum", .arg = "  -5\t+3\n", .expected = "-2", .ok = true},
        {.name = "sum", .arg = "0.1 0.2", .expected = "0.3", .ok = true},
        {.name = "sum", .arg = "1. .5", .expected = "1.5", .ok = true},
        {.name = "sum", .arg = "-0.25 0.125", .expected = "-0.125", .ok = true},
        {.name = "sum", .arg = "-1 1", .expected = "0", .ok = true},
        {.name = "sum", .arg = "999999999999999999 999999999999999999", .expected = "1999999999999999998", .ok = true},
        {.name = "sum", .arg = "0.000000001", .expected = "0.000000001", .ok = true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_str_eq(ask(rows[i].name, rows[i].arg, strlen(rows[i].arg), 0), rows[i].expected, "row %zu", i);
        cr_assert_eq(answer.ok, rows[i].ok, "row %zu", i);
    }
}

Test(services, sum_names_what_is_no_number)
{
    static const char *const bad[] = {"x",           "1e5", "-", ".", "1.2.3", "0x10", "--1", "1000000000000000000",
                                      "0.0000000001"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char arg[64] = "1 ";

        strcat(arg, bad[i]);
        const char *text = ask("sum", arg, strlen(arg), 0);

        cr_assert_not(answer.ok, "%s", bad[i]);
        cr_assert_not_null(strstr(text, bad[i]), "%s", text);
    }
}

Test(services, time_is_utc_of_the_wall_clock_given)
{
    static const struct {
        uint64_t seconds;
        const char *expected;
    } rows[] = {
        {.seconds = 0, .expected = "1970-01-01T00:00:00Z"},
        {.seconds = 951782400, .expected = "2000-02-29T00:00:00Z"},
        {.seconds = 951868799, .expected = "2000-02-29T23:59:59Z"},
        {.seconds = 951868800, .expected = "2000-03-01T00:00:00Z"},
        {.seconds = 1709164800, .expected = "2024-02-29T00:00:00Z"},
        {.seconds = 1735689599, .expected = "2024-12-31T23:59:59Z"},
        {.seconds = 4107542400, .expected = "2100-03-01T00:00:00Z"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_str_eq(ask("time", "", 0, rows[i].seconds * 1000000 + 999999), rows[i].expected);
}

Test(services, status_is_a_line_a_figure)
{
    const struct {
        uint64_t up_s;
        const char *up;
    } rows[] = {{0, "\nup 0:00:00\n"}, {59, "\nup 0:00:59\n"}, {3600, "\nup 1:00:00\n"}, {360059, "\nup 100:00:59\n"}};

    status = (struct service_status){.version = "1.2.3", .peers = 3, .receiving = 1, .sending = 2};
    status.path = (struct endpoint_stats){.rtt_us = 12345, .packet_bytes = 1440};
    status.path.addr = (struct duet_addr){.family = ADDR_V4, .port = 6254, .ip = {192, 0, 2, 1}};
    cr_assert_str_eq(ask("status", "", 0, 0),
                     "version 1.2.3\nup 0:00:00\npeers 3\ntransfers 1 in, 2 out\n"
                     "path direct, you are 192.0.2.1:6254, rtt 12.3 ms, packets of 1440 bytes");
    cr_assert(answer.ok);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        status.up_us = rows[i].up_s * 1000000 + 999999;
        cr_assert_not_null(strstr(ask("status", "x", 1, 0), rows[i].up), "row %zu", i);
    }
    status.version = NULL;
    status.up_us = UINT64_MAX;
    cr_assert_not_null(strstr(ask("status", "", 0, 0), "version unknown\n"));
}

Test(services, unknown_commands_are_answered_with_what_there_is)
{
    const char *text = ask("rm", "-rf", 3, 0);

    cr_assert_not(answer.ok);
    for (size_t i = 0; i < services_count; i++)
        cr_assert_not_null(strstr(text, services[i].name), "%s", services[i].name);
    (void)ask("ech", "x", 1, 0);
    cr_assert_not(answer.ok, "a prefix is not the command");
    (void)ask("", "x", 1, 0);
    cr_assert_not(answer.ok);
}

Test(services, hostile_arguments_stay_in_bounds)
{
    char *arg = malloc(APPMSG_ASK_BYTES);

    for (int fill = 0; fill < 256; fill += 5) {
        memset(arg, fill, APPMSG_ASK_BYTES);
        for (size_t i = 0; i < services_count; i++) {
            (void)ask(services[i].name, arg, APPMSG_ASK_BYTES, UINT64_MAX);
            cr_assert_leq(answer.len, sizeof(answer.text));
        }
    }
    free(arg);
}
