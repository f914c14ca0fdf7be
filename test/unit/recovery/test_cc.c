/* cc: the table and what controllers share. */
#include "unit.h"

#include "base/err.h"
#include "recovery/cc.h"

#define WINDOW (UINT64_C(8) << 20)

Test(cc, finds_controllers_by_name)
{
    struct cc c;

    cr_assert_eq(cc_init(&c, NULL, 1200, WINDOW, DUET_TIME(0)), 0);
    cr_assert_str_eq(c.ops->name, cc_name(0));
    cr_assert_eq(cc_init(&c, "cubic", 1200, WINDOW, DUET_TIME(0)), 0);
    cr_assert_eq(c.ops, &cc_cubic_ops);
    cr_assert_eq(cc_init(&c, "vegas", 1200, WINDOW, DUET_TIME(0)), DUET_ENOTFOUND);
    cr_assert_eq(cc_init(&c, "", 1200, WINDOW, DUET_TIME(0)), DUET_ENOTFOUND);
    unsigned n = 0;
    while (cc_name(n))
        cr_assert_eq(cc_init(&c, cc_name(n++), 1200, WINDOW, DUET_TIME(0)), 0);
    cr_assert_geq(n, 1);
}

Test(cc, starts_with_the_initial_window_unpaced)
{
    static const struct {
        uint32_t packet;
        uint64_t cwnd;
    } rows[] = {
        {.packet = 1200, .cwnd = 12000}, {.packet = 1452, .cwnd = 14520},   {.packet = 1500, .cwnd = 14720},
        {.packet = 9000, .cwnd = 18000}, {.packet = 65507, .cwnd = 131014},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cc c;
        cc_init(&c, "cubic", rows[i].packet, WINDOW, DUET_TIME(0));
        cr_assert_eq(c.cwnd_bytes, rows[i].cwnd, "packet %u: %lu", rows[i].packet, c.cwnd_bytes);
        cr_assert_eq(c.pacing_bytes_per_s, 0);
    }
}

Test(cc, a_larger_packet_raises_the_floor)
{
    struct cc c;

    cc_init(&c, "cubic", 1200, WINDOW, DUET_TIME(0));
    cc_packet_bytes(&c, 1452);
    cr_assert_eq(c.cwnd_bytes, 12000);
    cc_packet_bytes(&c, 9000);
    cr_assert_eq(c.cwnd_bytes, 18000);
    cr_assert_eq(cc_floor_bytes(&c), 18000);
    cr_assert_eq(cc_ceiling_bytes(&c), 2 * WINDOW);
}
