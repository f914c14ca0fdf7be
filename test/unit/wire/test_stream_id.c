/* stream_id: ids as PROTOCOL.md §7 has them. */
#include "unit.h"

#include "wire/stream_id.h"

Test(stream_id, the_first_ids_of_the_application_are_those_of_the_page)
{
    cr_expect_eq(stream_id_app(true, PRIORITY_INTERACTIVE, 1), 20);
    cr_expect_eq(stream_id_app(true, PRIORITY_NORMAL, 1), 24);
    cr_expect_eq(stream_id_app(true, PRIORITY_BACKGROUND, 1), 28);
    cr_expect_eq(stream_id_app(false, PRIORITY_INTERACTIVE, 1), 21);
    cr_expect_eq(stream_id_app(false, PRIORITY_BACKGROUND, 1), 29);
    cr_expect_eq(stream_id_app(true, PRIORITY_NORMAL, 2), 40);
    cr_expect_eq(stream_id_bulk(true, 0), 2);
    cr_expect_eq(stream_id_bulk(false, 2), 11);
}

Test(stream_id, each_id_is_of_one_kind)
{
    const struct {
        uint64_t id;
        bool app, bulk_of_initiator, bulk_of_responder;
    } rows[] = {
        {STREAM_CONTROL, false, false, false},
        {STREAM_CHAT, false, false, false},
        {1, false, false, false}, /* index 0: nobody's */
        {5, false, false, false},
        {8, false, false, false},
        {12, false, false, false},
        {2, false, true, false},
        {3, false, false, true},
        {16, false, false, false}, /* priority 0: nobody's */
        {17, false, false, false},
        {20, true, false, false},
        {29, true, false, false},
        {22, false, true, false},
        {31, false, false, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(stream_id_is_app(rows[i].id), rows[i].app, "row %zu", i);
        cr_expect_eq(stream_id_is_bulk_of(rows[i].id, true), rows[i].bulk_of_initiator, "row %zu", i);
        cr_expect_eq(stream_id_is_bulk_of(rows[i].id, false), rows[i].bulk_of_responder, "row %zu", i);
    }
}

Test(stream_id, what_was_put_in_comes_out)
{
    for (uint64_t index = 1; index < UINT64_C(1) << 57; index *= 3) {
        for (int p = PRIORITY_INTERACTIVE; p <= PRIORITY_BACKGROUND; p++) {
            const uint64_t id = stream_id_app(index % 2 == 0, (enum stream_priority)p, index);

            cr_expect(stream_id_is_app(id));
            cr_expect_eq((int)stream_id_priority(id), p);
            cr_expect_eq(stream_id_app_index(id), index);
            cr_expect_eq(stream_id_is_by_initiator(id), index % 2 == 0);
        }
    }
}
