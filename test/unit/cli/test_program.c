#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "duet/cli/program.h"

Test(program, writes_every_endpoint_in_brackets)
{
    static const struct {
        struct duet_addr addr;
        const char *text;
    } rows[] = {
        {{.family = ADDR_V4, .port = 6254}, "[0.0.0.0]:6254"},
        {{.family = ADDR_V4, .ip = {192, 0, 2, 255}, .port = 65535}, "[192.0.2.255]:65535"},
        {{.family = ADDR_V6, .port = 1}, "[::]:1"},
        {{.family = ADDR_V6, .ip = {0xfe, 0x80, [15] = 1}, .port = 7, .scope = 2}, "[fe80::1%2]:7"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[ADDR_TEXT_BYTES];
        cr_expect_str_eq(program_endpoint_text(&rows[i].addr, out), rows[i].text, "%s", out);
    }
}

Test(program, takes_a_folder_it_can_write_to_and_nothing_else)
{
    char dir[] = "/tmp/duet-program.XXXXXX";

    cr_assert_not_null(mkdtemp(dir));
    cr_expect_eq(program_check_folder(dir), EXIT_DONE);
    rmdir(dir);
    cr_expect_eq(program_check_folder(dir), EXIT_FILE);
    cr_expect_eq(program_check_folder("/dev/null"), EXIT_FILE);
    cr_expect_eq(program_check_folder(""), EXIT_FILE);
}

Test(program, knows_the_peer_it_dialled)
{
    struct program p = {.has_target = true, .target = {.family = ADDR_V4, .ip = {127, 0, 0, 1}, .port = 9}};
    struct msg_peer_key key = {.addr = p.target};
    struct msg m = {.type = MSG_PEER_KEY, .peer_key = &key};

    cr_expect(program_is_target(&p, &m), "it dialled us at the same time");
    key.addr.port = 10;
    cr_expect_not(program_is_target(&p, &m));
    m.id = PROGRAM_CONNECT_ID;
    cr_expect(program_is_target(&p, &m));
    p.has_target = false;
    cr_expect_not(program_is_target(&p, &m));
}
