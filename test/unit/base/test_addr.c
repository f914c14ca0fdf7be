#include "base/addr.h"

#include "unit.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"

static struct duet_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct duet_addr){.family = ADDR_V4, .ip = {a, b, c, d}, .port = port};
}

static struct duet_addr v6(const char *text, uint32_t scope, uint16_t port)
{
    struct duet_addr a = {.family = ADDR_V6, .port = port, .scope = scope};

    cr_assert_eq(inet_pton(AF_INET6, text, a.ip), 1, "%s", text);
    return a;
}

Test(addr, formats_ipv4)
{
    char out[ADDR_TEXT_BYTES];
    const struct duet_addr low = v4(192, 0, 2, 1, 6254);
    const struct duet_addr high = v4(255, 255, 255, 255, 65535);
    const struct duet_addr zero = v4(0, 0, 0, 0, 0);

    cr_expect_str_eq(addr_format(&low, out), "192.0.2.1:6254");
    cr_expect_str_eq(addr_format(&high, out), "255.255.255.255:65535");
    cr_expect_str_eq(addr_format(&zero, out), "0.0.0.0:0");
}

Test(addr, formats_ipv6_as_rfc_5952_does)
{
    static const struct {
        const char *ip;
        uint32_t scope;
        const char *want;
    } row[] = {
        {"::", 0, "[::]:1"},
        {"::1", 0, "[::1]:1"},
        {"1::", 0, "[1::]:1"},
        {"2001:0db8::0001", 0, "[2001:db8::1]:1"},
        {"2001:db8:0:0:0:0:2:1", 0, "[2001:db8::2:1]:1"},
        {"2001:db8:0:1:1:1:1:1", 0, "[2001:db8:0:1:1:1:1:1]:1"}, /* one group is not shortened */
        {"2001:0:0:1:0:0:0:1", 0, "[2001:0:0:1::1]:1"},          /* the longest run */
        {"2001:db8:0:0:1:0:0:1", 0, "[2001:db8::1:0:0:1]:1"},    /* the first of two */
        {"0:0:1:2:3:4:0:0", 0, "[::1:2:3:4:0:0]:1"},
        {"1:2:3:4:5:6:0:0", 0, "[1:2:3:4:5:6::]:1"},
        {"0:2:3:4:5:6:7:0", 0, "[0:2:3:4:5:6:7:0]:1"},
        {"fe80::1", 2, "[fe80::1%2]:1"},
        {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", UINT32_MAX,
         "[abcd:ef01:2345:6789:abcd:ef01:2345:6789%4294967295]:1"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char out[ADDR_TEXT_BYTES];
        const struct duet_addr a = v6(row[i].ip, row[i].scope, 1);

        cr_expect_str_eq(addr_format(&a, out), row[i].want);
    }
}

Test(addr, formats_ipv6_like_the_c_library)
{
    struct duet_rand r;

    rand_init_u64(&r, 1);
    for (int i = 0; i < 2000; i++) {
        char out[ADDR_TEXT_BYTES];
        char ip[INET6_ADDRSTRLEN];
        char want[ADDR_TEXT_BYTES];
        struct duet_addr a = {.family = ADDR_V6, .port = 9};

        for (size_t g = 0; g < 16; g += 2) {
            if (rand_below(&r, 2) == 0)
                rand_bytes(&r, a.ip + g, 2);
        }
        a.ip[0] = 0x20; /* the library prints ::/80 as IPv4 */
        inet_ntop(AF_INET6, a.ip, ip, sizeof(ip));
        snprintf(want, sizeof(want), "[%s]:9", ip);
        cr_expect_str_eq(addr_format(&a, out), want);
    }
}

Test(addr, an_empty_address_has_words)
{
    char out[ADDR_TEXT_BYTES];
    const struct duet_addr none = {0};
    const struct duet_addr strange = {.family = 99};

    cr_expect_str_eq(addr_format(&none, out), "(no address)");
    cr_expect_str_eq(addr_format(&strange, out), "(no address)");
}

Test(addr, every_field_tells_addresses_apart)
{
    const struct duet_addr a = v6("fe80::1", 2, 7);
    const struct duet_addr port = v6("fe80::1", 2, 8);
    const struct duet_addr scope = v6("fe80::1", 3, 7);
    const struct duet_addr ip = v6("fe80::2", 2, 7);
    struct duet_addr family = a;
    uint8_t key[ADDR_KEY_BYTES];
    uint8_t other[ADDR_KEY_BYTES];

    family.family = ADDR_V4;
    cr_expect(addr_equal(&a, &a));
    cr_expect(addr_same_host(&a, &port));
    cr_expect(!addr_equal(&a, &port));
    cr_expect(!addr_same_host(&a, &scope));
    cr_expect(!addr_same_host(&a, &ip));
    cr_expect(!addr_same_host(&a, &family));

    const struct duet_addr *const others[] = {&port, &scope, &ip, &family};
    addr_key(&a, key);
    for (size_t i = 0; i < 4; i++) {
        addr_key(others[i], other);
        cr_expect(memcmp(key, other, sizeof(key)) != 0, "%zu", i);
    }
}

Test(addr, key_is_canonical)
{
    static const uint8_t want[ADDR_KEY_BYTES] = {4, 192, 0, 2, 1, [17] = 0x18, 0x6e, 0, 0, 0, 5};
    uint8_t key[ADDR_KEY_BYTES];
    struct duet_addr a = v4(192, 0, 2, 1, 6254);

    a.scope = 5;
    addr_key(&a, key);
    cr_expect_arr_eq(key, want, sizeof(want));

    /* Bytes that are no part of an IPv4 address are no part of its key. */
    memset(a.ip + 4, 0xee, 12);
    addr_key(&a, key);
    cr_expect_arr_eq(key, want, sizeof(want));
}

Test(addr, a_site_is_what_one_host_has_at_will)
{
    const struct duet_addr a = v6("2001:db8:1:2::1", 0, 7), same = v6("2001:db8:1:2:ffff::9", 0, 8);
    const struct duet_addr other = v6("2001:db8:1:3::1", 0, 7);
    const struct duet_addr near = v6("fe80::1", 2, 7), far = v6("fe80::1", 3, 7);
    const struct duet_addr v4 = {.family = ADDR_V4, .ip = {10, 0, 0, 1}, .port = 1};
    struct duet_addr port = v4, next = v4;
    uint8_t key[2][ADDR_KEY_BYTES];

    port.port = 2;
    next.ip[3] = 2;
    cr_expect(addr_same_site(&a, &same));
    cr_expect_not(addr_same_site(&a, &other));
    cr_expect_not(addr_same_site(&near, &far));
    cr_expect(addr_same_site(&v4, &port));
    cr_expect_not(addr_same_site(&v4, &next));
    addr_site_key(&a, key[0]);
    addr_site_key(&same, key[1]);
    cr_expect_arr_eq(key[0], key[1], ADDR_KEY_BYTES);
    addr_site_key(&other, key[1]);
    cr_expect_neq(memcmp(key[0], key[1], ADDR_KEY_BYTES), 0);
}
