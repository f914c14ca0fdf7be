#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/notice.h"

Test(notice, every_type_has_its_name)
{
    cr_expect_str_eq(notice_name(NOTICE_LISTENING), "NOTICE_LISTENING");
    cr_expect_str_eq(notice_name(NOTICE_STOPPED), "NOTICE_STOPPED");
}

/* The leak checker of the asan build is the judge of the frees. */
Test(notice, can_be_disposed_of_twice)
{
    struct notice all[] = {
        {.type = NOTICE_PEER_KEY, .peer_key = {.card = calloc(1, sizeof(struct peer_card))}},
        {.type = NOTICE_PROGRESS, .progress = {.now = calloc(1, sizeof(struct transfer_now))}},
        {.type = NOTICE_STATS, .stats = {.now = calloc(1, sizeof(struct endpoint_stats))}},
        {.type = NOTICE_FAILED, .text = strdup("why"), .failed = {.call = 3}},
        {.type = NOTICE_LISTENING, .listening = {.addr = {.port = 7}}},
    };

    cr_expect_eq(notice_kind.text_bytes(&all[3]), 3);
    cr_expect_eq(notice_kind.text_bytes(&all[0]), 0);
    for (size_t i = 0; i < 2 * sizeof(all) / sizeof(all[0]); i++)
        notice_dispose(&all[i / 2]);
    cr_expect_eq(all[4].listening.addr.port, 7);
}
