#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "stream/bulk.h"

static struct bulksend b;
static uint8_t file[1000];

static void start(void)
{
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(i * 3 + i / 256);
    bulksend_init(&b, 2);
}

static void stop(void)
{
    bulksend_dispose(&b);
}

TestSuite(bulk, .init = start, .fini = stop);

static int supply(uint64_t offset, size_t len, uint64_t cookie)
{
    const struct bulk_source src = {.offset = offset, .bytes = file + offset, .len = len, .cookie = cookie};
    return bulksend_supply(&b, &src);
}

static int acked(uint64_t offset, size_t len)
{
    const struct stream_piece p = {.offset = offset, .len = len};
    return sendstate_acked(&b.state, &p);
}

Test(bulk, pieces_come_in_any_order_but_do_not_overlap)
{
    static const struct {
        uint64_t offset;
        size_t len;
        int want;
    } rows[] = {
        {300, 100, 0},         {100, 100, 0}, {200, 100, 0},         {150, 10, DUET_EINVAL}, {399, 2, DUET_EINVAL},
        {0, 101, DUET_EINVAL}, {0, 100, 0},   {0, 900, DUET_EINVAL}, {400, 0, DUET_EINVAL},  {400, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(supply(rows[i].offset, rows[i].len, i), rows[i].want, "row %zu", i);
    cr_assert_eq(b.count, 5);
    cr_assert_eq(b.state.ready.count, 1);
}

Test(bulk, bytes_are_found_where_they_lie)
{
    static const struct {
        uint64_t offset;
        size_t len;
    } rows[] = {{0, 100}, {99, 1}, {100, 200}, {101, 199}, {299, 1}};
    size_t len;
    cr_assert_eq(supply(100, 200, 2) | supply(0, 100, 1), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(bulksend_at(&b, rows[i].offset, &len), file + rows[i].offset, "row %zu", i);
        cr_assert_eq(len, rows[i].len, "row %zu", i);
    }
}

Test(bulk, a_piece_is_released_once_when_all_of_it_is_acknowledged)
{
    uint64_t cookie = 0;
    cr_assert_eq(supply(0, 100, 1) | supply(100, 100, 2) | supply(200, 100, 3), 0);
    acked(50, 200);
    cr_assert(bulksend_release(&b, 50, 250, &cookie));
    cr_assert_eq(cookie, 2);
    cr_assert_not(bulksend_release(&b, 50, 250, &cookie));
    acked(0, 50);
    cr_assert(bulksend_release(&b, 0, 50, &cookie));
    cr_assert_eq(cookie, 1);
    cr_assert_not(bulksend_release(&b, 0, UINT64_MAX, &cookie));
    cr_assert_eq(b.count, 1);
}

Test(bulk, a_reset_releases_everything)
{
    uint64_t cookie, sum = 0;
    cr_assert_eq(supply(0, 100, 1) | supply(100, 100, 2) | supply(500, 100, 4), 0);
    b.reset = true;
    while (bulksend_release(&b, 0, UINT64_MAX, &cookie))
        sum += cookie;
    cr_assert_eq(sum, 7);
    cr_assert_eq(b.count, 0);
}

Test(bulk, pieces_are_bounded)
{
    static uint8_t byte;
    for (uint64_t i = 0; i < BULK_PIECES; i++) {
        const struct bulk_source src = {.offset = i * 2, .bytes = &byte, .len = 1, .cookie = i};
        cr_assert_eq(bulksend_supply(&b, &src), 0);
    }
    cr_assert_eq(supply(900, 1, 0), DUET_EFULL);
    cr_assert_eq(b.state.supplied_end, BULK_PIECES * 2 - 1);
}
