#include "io/sockaddr.h"

#include "unit.h"
#include <arpa/inet.h>

Test(sockaddr, ipv4_is_written_mapped_for_an_ipv6_socket_and_read_as_ipv4)
{
    const struct duet_addr a = {.family = ADDR_V4, .ip = {192, 0, 2, 7}, .port = 6254};
    union sockaddr_any sa;
    struct duet_addr back;
    char text[INET6_ADDRSTRLEN];

    cr_assert_eq(sockaddr_encode(&a, AF_INET6, &sa), sizeof(sa.v6));
    cr_expect_str_eq(inet_ntop(AF_INET6, &sa.v6.sin6_addr, text, sizeof(text)), "::ffff:192.0.2.7");
    cr_assert(sockaddr_decode(&sa, &back));
    cr_expect(addr_equal(&a, &back));

    cr_assert_eq(sockaddr_encode(&a, AF_INET, &sa), sizeof(sa.v4));
    cr_assert(sockaddr_decode(&sa, &back));
    cr_expect(addr_equal(&a, &back));
}

Test(sockaddr, keeps_the_scope_of_link_local_addresses_only)
{
    static const struct {
        const char *ip;
        uint32_t want;
    } row[] = {{"fe80::1", 3}, {"2001:db8::1", 0}, {"::1", 0}};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        union sockaddr_any sa = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_scope_id = 3}};
        struct duet_addr a;

        cr_assert_eq(inet_pton(AF_INET6, row[i].ip, &sa.v6.sin6_addr), 1);
        cr_assert(sockaddr_decode(&sa, &a));
        cr_expect_eq(a.family, ADDR_V6);
        cr_expect_eq(a.port, 9);
        cr_expect_eq(a.scope, row[i].want, "%s", row[i].ip);
    }
}

Test(sockaddr, says_what_cannot_be_expressed)
{
    const struct duet_addr v6 = {.family = ADDR_V6, .port = 1}, none = {.family = ADDR_NONE};
    union sockaddr_any sa = {.any = {.sa_family = AF_UNIX}};
    struct duet_addr out = {.family = ADDR_V4};

    cr_expect_eq(sockaddr_encode(&v6, AF_INET, &sa), 0);
    cr_expect_eq(sockaddr_encode(&none, AF_INET6, &sa), 0);
    cr_expect(!sockaddr_decode(&(union sockaddr_any){.any = {.sa_family = AF_UNIX}}, &out));
    cr_expect_eq(out.family, ADDR_NONE);
}
