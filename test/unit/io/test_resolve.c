#include "io/resolve.h"

#include "unit.h"
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Takes it apart, and asks whoever has to be asked.  The first address. */
static int resolve(const char *text, int family, struct duet_addr *first, char canonical[RESOLVE_TEXT_BYTES],
                   char error[RESOLVE_ERROR_BYTES])
{
    struct resolve_query q;
    struct resolve_result found;

    *first = (struct duet_addr){.family = ADDR_NONE};
    canonical[0] = '\0';
    if (resolve_parse(text, family, 6254, &q, error) != 0)
        return DUET_EINVAL;
    if (!resolve_literal(&q, &found))
        resolve_name(&q, &found);
    if (found.err == 0)
        *first = found.addrs[0];
    snprintf(canonical, RESOLVE_TEXT_BYTES, "%s", q.dialled);
    snprintf(error, RESOLVE_ERROR_BYTES, "%s", found.error);
    return found.err;
}

Test(resolve, reads_every_form)
{
    static const struct {
        const char *text;
        int family;
        const char *addr, *canonical;
    } row[] = {
        {"127.0.0.1", 0, "127.0.0.1:6254", "127.0.0.1:6254"},
        {"192.0.2.1:9", 0, "192.0.2.1:9", "192.0.2.1:9"},
        {"192.0.2.1:65535", 4, "192.0.2.1:65535", "192.0.2.1:65535"},
        {"::1", 0, "[::1]:6254", "[::1]:6254"},
        {"[::1]", 0, "[::1]:6254", "[::1]:6254"},
        {"[::1]:7", 6, "[::1]:7", "[::1]:7"},
        {"2001:DB8::1", 0, "[2001:db8::1]:6254", "[2001:db8::1]:6254"},
        {"::ffff:192.0.2.1", 0, "192.0.2.1:6254", "[::ffff:192.0.2.1]:6254"},
        {"fe80::1%lo", 0, "[fe80::1%1]:6254", "[fe80::1%lo]:6254"},
        {"[fe80::1%lo]:8", 0, "[fe80::1%1]:8", "[fe80::1%lo]:8"},
        {"[::]:7001", 0, "[::1]:7001", "[::]:7001"},
        {"::", 6, "[::1]:6254", "[::]:6254"},
        {"0.0.0.0:7001", 0, "127.0.0.1:7001", "0.0.0.0:7001"},
        {"::ffff:0.0.0.0", 0, "127.0.0.1:6254", "[::ffff:0.0.0.0]:6254"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct duet_addr a;
        char canonical[RESOLVE_TEXT_BYTES], error[RESOLVE_ERROR_BYTES], text[ADDR_TEXT_BYTES];

        cr_assert_eq(resolve(row[i].text, row[i].family, &a, canonical, error), 0, "%s: %s", row[i].text, error);
        cr_expect_str_eq(addr_format(&a, text), row[i].addr, "%s", row[i].text);
        cr_expect_str_eq(canonical, row[i].canonical, "%s", row[i].text);
    }
}

/* A bare container may have an /etc/hosts without a line. */
Test(resolve, names_are_looked_up_and_written_in_lower_case)
{
    struct duet_addr a;
    char canonical[RESOLVE_TEXT_BYTES], error[RESOLVE_ERROR_BYTES], text[ADDR_TEXT_BYTES];
    struct addrinfo *found = NULL;

    if (getaddrinfo("localhost", NULL, &(struct addrinfo){.ai_family = AF_INET}, &found) != 0)
        unit_skip("this machine does not know localhost (/etc/hosts)");
    freeaddrinfo(found);
    cr_assert_eq(resolve("LocalHost:5", 4, &a, canonical, error), 0, "%s", error);
    cr_expect_str_eq(addr_format(&a, text), "127.0.0.1:5");
    cr_expect_str_eq(canonical, "localhost:5");
}

Test(resolve, refuses_what_is_not_of_the_form)
{
    static const char *const row[] = {
        "",          ":",        ":5",      "host:",   "host:0",  "host:65536", "host:99999999999",
        "host:-1",   "host:+1",  "host:1x", "[::1",    "[::1]x",  "[::1]:",     "[::1]:0",
        "[]:5",      "[host]:5", "[host]",  "a b",     "a\tb",    "a/b",        "user@host",
        "1:2:3:zzz", "host\n",   "a]b:5",   "host: 5", "\x1b[0m", "host:5 ",    "::g",
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct duet_addr a;
        char canonical[RESOLVE_TEXT_BYTES], error[RESOLVE_ERROR_BYTES];

        cr_expect_eq(resolve(row[i], 0, &a, canonical, error), DUET_EINVAL, "'%s'", row[i]);
        cr_expect_neq(error[0], '\0', "'%s'", row[i]);
        cr_expect_eq(a.family, ADDR_NONE);
    }
}

Test(resolve, a_link_local_address_without_its_interface_says_what_is_missing)
{
    static const char *const row[] = {"fe80::1", "[fe80::1]:9", "febf::1"};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct duet_addr a;
        char canonical[RESOLVE_TEXT_BYTES], error[RESOLVE_ERROR_BYTES];

        cr_expect_eq(resolve(row[i], 0, &a, canonical, error), DUET_EINVAL, "%s", row[i]);
        cr_expect_not_null(strstr(error, "%eth0"), "%s", error);
        cr_expect_eq(a.family, ADDR_NONE);
    }
}

Test(resolve, a_name_longer_than_any_is_refused)
{
    char name[400];
    struct duet_addr a;
    char canonical[RESOLVE_TEXT_BYTES], error[RESOLVE_ERROR_BYTES];

    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    cr_expect_eq(resolve(name, 0, &a, canonical, error), DUET_EINVAL);
    name[256] = '\0';
    cr_expect_eq(resolve(name, 0, &a, canonical, error), DUET_EINVAL);
}

Test(resolve, a_literal_of_the_other_family_is_not_found)
{
    struct duet_addr a;
    char canonical[RESOLVE_TEXT_BYTES], error[RESOLVE_ERROR_BYTES];

    cr_expect_lt(resolve("::1", 4, &a, canonical, error), 0);
    cr_expect_lt(resolve("127.0.0.1", 6, &a, canonical, error), 0);
    cr_expect_neq(error[0], '\0');
}

Test(resolve, an_address_asks_nobody)
{
    static const struct {
        const char *text;
        bool literal;
    } row[] = {{"127.0.0.1", true}, {"[::1]:9", true},    {"fe80::1%lo", true},    {"fe80::1", true},
               {"bob", false},      {"localhost", false}, {"bob.example:9", false}};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct resolve_query q;
        struct resolve_result found;
        char error[RESOLVE_ERROR_BYTES];

        cr_assert_eq(resolve_parse(row[i].text, 0, 6254, &q, error), 0);
        cr_expect_eq(resolve_literal(&q, &found), row[i].literal, "%s", row[i].text);
    }
}

/* "6" and "4" for the family, a letter for the address. */
Test(resolve, families_take_turns_and_no_address_comes_twice)
{
    static const struct {
        const char *found, *wanted;
    } row[] = {
        {"", ""},
        {"4a", "4a"},
        {"6a4b", "6a4b"},
        {"6a6b4c", "6a4c6b"},
        {"4a6b6c6d", "4a6b6c6d"},
        {"6a6b6c4d4e4f", "6a4d6b4e6c4f"},
        {"6a6a4b4b6a", "6a4b"},
        {"6a6b6c6d6e6f6g6h6i4j", "6a4j6b6c6d6e6f6g"},
        {"4a4b4c4d4e6f6g6h6i6j", "4a6f4b6g4c6h4d6i"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct duet_addr found[16], out[CALL_ADDRESSES];
        char got[2 * CALL_ADDRESSES + 1] = "";
        const size_t count = strlen(row[i].found) / 2;

        for (size_t k = 0; k < count; k++)
            found[k] = (struct duet_addr){.family = row[i].found[2 * k] == '6' ? ADDR_V6 : ADDR_V4,
                                          .ip = {(uint8_t)row[i].found[2 * k + 1]}};
        const size_t n = resolve_order(found, count, out);

        for (size_t k = 0; k < n; k++) {
            got[2 * k] = out[k].family == ADDR_V6 ? '6' : '4';
            got[2 * k + 1] = (char)out[k].ip[0];
        }
        cr_expect_str_eq(got, row[i].wanted, "%s", row[i].found);
    }
}
