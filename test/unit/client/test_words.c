#include "unit.h"

#include <string.h>

#include "client/exit.h"
#include "client/words.h"

Test(words, writes_every_endpoint_in_brackets)
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
        cr_expect_str_eq(words_endpoint(&rows[i].addr, out), rows[i].text, "%s", out);
    }
}

Test(words, gives_the_true_reason_why_a_peer_is_not_there)
{
    char text[] = "busy with another peer", out[WORDS_ENDED_BYTES];
    const struct {
        struct duet_event ev;
        const char *text;
        int code;
    } rows[] = {
        {{.type = DUET_EVENT_LEFT, .code = DUET_CLOSE_OK, .text = text}, "bob closed the connection", EXIT_LOST},
        {{.type = DUET_EVENT_LEFT, .code = DUET_CLOSE_REFUSED, .text = text},
         "bob turned you away: busy with another peer",
         EXIT_REFUSED},
        {{.type = DUET_EVENT_LOST, .text = text}, "the connection to bob was lost: busy with another peer", EXIT_LOST},
        {{.type = DUET_EVENT_LOST}, "the connection to bob was lost", EXIT_LOST},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_str_eq(words_ended("bob", &rows[i].ev, out), rows[i].text);
        cr_expect_eq(exit_of_end(&rows[i].ev), rows[i].code, "row %zu", i);
    }
    const struct duet_event distrusts = {.type = DUET_EVENT_LEFT, .code = DUET_CLOSE_TRUST};
    cr_expect(strstr(words_ended("bob", &distrusts, out), "does not trust your key"));
    cr_expect_eq(exit_of_end(&distrusts), EXIT_REFUSED);
}

Test(words, say_how_long_a_peer_was_silent)
{
    char out[WORDS_SILENCE_BYTES];

    cr_expect_str_eq(words_silence("bob", true, 12999999, out), "bob is unreachable: silent for 12 s");
    cr_expect_str_eq(words_silence("bob", false, 61000000, out), "bob is back after 61 s");
}
