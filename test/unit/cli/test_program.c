#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/program.h"

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
    cr_expect_eq(program_check_dir(dir), EXIT_DONE);
    rmdir(dir);
    cr_expect_eq(program_check_dir(dir), EXIT_FILE);
    cr_expect_eq(program_check_dir("/dev/null"), EXIT_FILE);
    cr_expect_eq(program_check_dir(""), EXIT_FILE);
}

Test(program, gives_the_true_reason_why_a_peer_is_not_there)
{
    char text[] = "busy with another peer", out[PROGRAM_ENDED_BYTES];
    const struct {
        struct msg m;
        const char *text;
        int code;
    } rows[] = {
        {{.type = MSG_LEFT, .value = CLOSE_OK, .text = text}, "bob closed the connection", EXIT_LOST},
        {{.type = MSG_LEFT, .value = CLOSE_REFUSED, .text = text},
         "bob turned you away: busy with another peer",
         EXIT_REFUSED},
        {{.type = MSG_LOST, .text = text}, "the connection to bob was lost: busy with another peer", EXIT_LOST},
        {{.type = MSG_LOST}, "the connection to bob was lost", EXIT_LOST},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_str_eq(program_ended_text("bob", &rows[i].m, out), rows[i].text);
        cr_expect_eq(program_ended_code(&rows[i].m), rows[i].code, "row %zu", i);
    }
    const struct msg distrusts = {.type = MSG_LEFT, .value = CLOSE_TRUST};
    cr_expect(strstr(program_ended_text("bob", &distrusts, out), "does not trust your key"));
    cr_expect_eq(program_ended_code(&distrusts), EXIT_REFUSED);
}
