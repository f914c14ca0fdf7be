#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/request.h"

Test(request, every_type_has_its_name)
{
    cr_expect_str_eq(request_name(REQUEST_CONNECT), "REQUEST_CONNECT");
    cr_expect_str_eq(request_name(REQUEST_QUIT), "REQUEST_QUIT");
}

/* The leak checker of the asan build is the judge of the frees. */
Test(request, can_be_disposed_of_twice)
{
    const struct duet_addr addr = {.family = ADDR_V4};
    struct request call = {.type = REQUEST_CONNECT, .connect = {.call = 1, .callee = callee_new(&addr, 1)}};
    struct request say = {.type = REQUEST_SAY, .text = strdup("four"), .say = {.id = 7}};

    cr_assert_eq(call.connect.callee->count, 1);
    cr_expect_eq(request_kind.text_bytes(&say), 4);
    for (int i = 0; i < 2; i++) {
        request_dispose(&call);
        request_dispose(&say);
    }
    cr_expect_null(say.text);
    cr_expect_eq(say.say.id, 7);
}
