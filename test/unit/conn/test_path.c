#include "unit.h"
#include <string.h>

#include "conn/path.h"

#define PTO_US 60000

static const struct duet_route home = {.peer = {.family = ADDR_V4, .ip = {10, 0, 0, 1}, .port = 1}};
static const struct duet_route cafe = {.peer = {.family = ADDR_V4, .ip = {10, 0, 0, 2}, .port = 1}};
static const struct duet_route train = {.peer = {.family = ADDR_V4, .ip = {10, 0, 0, 1}, .port = 2}};
static struct duet_rand rng;
static struct path p;
static struct path_view view;

static void start(void)
{
    rand_init_u64(&rng, 1);
    path_init(&p, &home, true);
    view = (struct path_view){.pto_us = PTO_US, .now = {.us = 1000000}};
}

TestSuite(path, .init = start);

/* An authentic packet with the highest number yet; did it begin a trial? */
static bool newest(const struct duet_route *from, uint64_t number)
{
    return path_came(&p, &(struct path_packet){.from = from, .number = number, .bytes = 100, .is_newest = true}, &view,
                     &rng);
}

static void again(const struct duet_route *from, uint64_t number)
{
    path_came_again(&p, &(struct path_packet){.from = from, .number = number, .bytes = 100}, view.now);
}

static void after(uint64_t us)
{
    view.now = time_add(view.now, us);
    path_tick(&p, &view, &rng);
}

static void answer(const struct path_side *side)
{
    uint8_t data[FRAME_PATH_BYTES];

    memcpy(data, side->challenge, sizeof data);
    path_answered(&p, data, view.now);
}

static bool is_in_use(const struct duet_route *r)
{
    return route_equal(&p.route, r);
}

/* Sends all errands; how many there were of that kind to that route. */
static size_t errands(enum path_errand_kind kind, const struct duet_route *to)
{
    struct path_errand e;
    size_t n = 0;

    while (path_errand(&p, &e)) {
        n += e.kind == kind && route_equal(&e.to, to);
        path_errand_sent(&p, &e, PATH_PACKET_BYTES);
    }
    return n;
}

Test(path, an_unproven_address_gets_three_times_what_came_from_it)
{
    path_init(&p, &home, false);
    cr_assert_eq(path_allowance(&p), 0);
    path_received(&p, 100);
    cr_assert_eq(path_allowance(&p), 300);
    path_sent(&p, 250);
    cr_assert_eq(path_allowance(&p), 50);
    path_sent(&p, 100);
    cr_assert_eq(path_allowance(&p), 0);
    path_validate(&p);
    cr_assert_eq(path_allowance(&p), UINT64_MAX);
}

Test(path, a_packet_from_elsewhere_asks_both_routes_and_moves_nothing)
{
    cr_assert_not(newest(&home, 1));
    cr_assert(newest(&cafe, 2));
    cr_assert(is_in_use(&home));
    cr_assert(path_is_in_doubt(&p));
    struct path_errand e;
    cr_assert(path_errand(&p, &e) && e.kind == PATH_CHALLENGE && route_equal(&e.to, &cafe));
    path_errand_sent(&p, &e, PATH_PACKET_BYTES);
    cr_assert(path_errand(&p, &e) && e.kind == PATH_CHALLENGE && route_equal(&e.to, &home));
    path_errand_sent(&p, &e, PATH_PACKET_BYTES);
    cr_assert_not(path_errand(&p, &e));
    cr_assert_neq(memcmp(p.trial.home.challenge, p.trial.candidate.challenge, FRAME_PATH_BYTES), 0);
}

Test(path, only_the_newest_packet_says_that_the_peer_moved)
{
    cr_assert_not(path_came(&p, &(struct path_packet){.from = &cafe, .number = 1, .bytes = 100}, &view, &rng));
    cr_assert_not(p.trial.is_on);
}

Test(path, the_candidate_is_in_use_once_it_answered)
{
    const uint8_t wrong[FRAME_PATH_BYTES] = {0};

    newest(&cafe, 1);
    path_answered(&p, wrong, view.now);
    cr_assert(is_in_use(&home));
    answer(&p.trial.candidate);
    cr_assert(is_in_use(&cafe));
    cr_assert_not(path_is_in_doubt(&p));
    after(PATH_TRIAL_US);
    cr_assert(is_in_use(&cafe) && !p.trial.is_on);
    cr_assert(time_is_never(path_deadline(&p)));
}

Test(path, nobody_answered_and_home_stays)
{
    newest(&cafe, 1);
    after(PATH_TRIAL_US - 1);
    cr_assert(p.trial.is_on);
    after(1);
    cr_assert(is_in_use(&home) && !p.trial.is_on);
    cr_assert(newest(&cafe, 2), "and the next packet asks again");
}

/* Each copy comes first; the original is the second with its number, and its answer comes by way of a copy, too. */
Test(path, who_copies_packets_wins_nothing)
{
    newest(&cafe, 1);
    again(&home, 1);
    cr_assert_not(path_is_in_doubt(&p), "the peer still sends from home");
    answer(&p.trial.home);
    cr_assert(is_in_use(&home) && !p.trial.is_on);
    cr_assert_not(newest(&cafe, 2), "and may not have both routes asked all the time");
    after(PATH_REST_US);
    cr_assert(newest(&cafe, 3));
}

/* … not even one who passes the challenge on, and the answer: home was heard, so it gets the time to answer. */
Test(path, who_is_faster_waits_for_home_to_answer)
{
    newest(&cafe, 1);
    again(&home, 1);
    answer(&p.trial.candidate);
    cr_assert(is_in_use(&home));
    cr_assert_eq(path_deadline(&p).us, view.now.us + PTO_US);
    after(PTO_US - 1);
    answer(&p.trial.home);
    cr_assert(is_in_use(&home) && !p.trial.is_on);
}

/* Whoever says that he is home, and is not, has that for a probe timeout. */
Test(path, home_that_is_heard_and_does_not_answer_is_given_up)
{
    newest(&cafe, 1);
    again(&home, 1);
    answer(&p.trial.candidate);
    after(PTO_US);
    cr_assert(is_in_use(&cafe));
}

Test(path, home_is_in_use_again_when_it_answers_late)
{
    newest(&cafe, 1);
    answer(&p.trial.candidate);
    cr_assert(is_in_use(&cafe));
    again(&home, 1);
    answer(&p.trial.home);
    cr_assert(is_in_use(&home) && !p.trial.is_on);
}

/* Both of its addresses work, and it sends from the new one: it moved because it wanted to. */
Test(path, a_peer_that_is_not_heard_at_home_is_followed_though_home_answers)
{
    newest(&cafe, 2);
    again(&home, 1);
    cr_assert_not(p.trial.home_heard, "an older one was only late");
    answer(&p.trial.home);
    cr_assert(is_in_use(&home) && p.trial.is_on);
    answer(&p.trial.candidate);
    cr_assert(is_in_use(&cafe));
}

Test(path, both_are_asked_until_they_answer)
{
    newest(&cafe, 1);
    cr_assert_eq(errands(PATH_CHALLENGE, &cafe), 1);
    after(PTO_US - 1);
    cr_assert_eq(errands(PATH_CHALLENGE, &cafe), 0);
    after(1);
    cr_assert_eq(errands(PATH_CHALLENGE, &cafe), 1);
    answer(&p.trial.candidate);
    after(PTO_US);
    cr_assert_eq(errands(PATH_CHALLENGE, &home), 1, "home may yet work");
    after(PTO_US);
    cr_assert_eq(errands(PATH_CHALLENGE, &cafe), 0);
}

Test(path, the_candidate_gets_three_times_what_came_from_it)
{
    newest(&cafe, 1);
    for (int i = 0; i < 20; i++) {
        errands(PATH_CHALLENGE, &cafe);
        cr_assert_leq(p.trial.sent_bytes, LIMIT_AMPLIFICATION * p.trial.received_bytes);
        cr_assert(p.trial.sent_bytes > 0);
        after(PTO_US);
    }
    const uint64_t before = p.trial.sent_bytes;
    newest(&cafe, 2);
    cr_assert_eq(errands(PATH_CHALLENGE, &cafe), 1, "more came, so more may go");
    cr_assert_gt(p.trial.sent_bytes, before);
    newest(&home, 3);
    cr_assert_eq(p.trial.received_bytes, 200, "what came from elsewhere counts for nothing there");
}

Test(path, the_candidate_gets_an_ack_when_home_does)
{
    path_acked(&p);
    newest(&cafe, 1);
    cr_assert_eq(errands(PATH_ACK, &cafe), 0);
    path_acked(&p);
    cr_assert_eq(errands(PATH_ACK, &cafe), 1);
    answer(&p.trial.candidate);
    path_acked(&p);
    cr_assert_eq(errands(PATH_ACK, &home), 0);
}

/* It may be nowhere else; and what came may have been a copy. */
Test(path, an_answer_goes_to_where_the_challenge_came_from_and_where_the_peer_is)
{
    const uint8_t a[FRAME_PATH_BYTES] = "aaaaaaa", b[FRAME_PATH_BYTES] = "bbbbbbb";
    const struct {
        const struct duet_route *to;
        const uint8_t *data;
        size_t room;
    } rows[] = {{&home, b, LIMIT_PACKET_MIN_BYTES},
                {&home, a, LIMIT_PACKET_MIN_BYTES},
                {&cafe, a, PATH_PACKET_BYTES /* no more than came */}};
    struct path_errand e;

    path_challenged(&p, &home, b);
    path_challenged(&p, &cafe, a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert(path_errand(&p, &e) && e.kind == PATH_RESPONSE && route_equal(&e.to, rows[i].to), "row %zu", i);
        cr_assert_eq(memcmp(e.data, rows[i].data, sizeof a), 0, "row %zu", i);
        cr_assert_eq(e.room, rows[i].room, "row %zu", i);
        path_errand_sent(&p, &e, PATH_PACKET_BYTES);
    }
    cr_assert_not(path_errand(&p, &e));
    for (int i = 0; i < 2 * PATH_REPLIES; i++)
        path_challenged(&p, &cafe, a);
    cr_assert_eq(p.reply_count, PATH_REPLIES);
}

/* Whoever uses up what may go to the candidate must not silence the answers that prove home to the peer. */
Test(path, an_answer_that_has_to_wait_holds_up_no_other)
{
    const uint8_t a[FRAME_PATH_BYTES] = "aaaaaaa", b[FRAME_PATH_BYTES] = "bbbbbbb";

    newest(&cafe, 1);
    path_sent_to(&p, &cafe, 300);
    path_challenged(&p, &cafe, a);
    path_challenged(&p, &home, b);
    cr_assert_eq(errands(PATH_RESPONSE, &home), 2);
    cr_assert_eq(p.reply_count, 1);
    newest(&cafe, 2);
    cr_assert_eq(errands(PATH_RESPONSE, &cafe), 1);
}

Test(path, an_answer_counts_for_what_the_next_candidate_may_get)
{
    newest(&cafe, 1);
    newest(&train, 2);
    path_challenged(&p, &train, p.trial.home.challenge);
    errands(PATH_RESPONSE, &train);
    after(PTO_US);
    cr_assert(route_equal(&p.trial.candidate.route, &train));
    cr_assert_eq(p.trial.received_bytes, 100);
    cr_assert_eq(p.trial.sent_bytes, PATH_PACKET_BYTES);
}

/* From where the peer's packets come last: the copier is the candidate, and silent. */
Test(path, who_copies_keeps_nobody_from_becoming_the_candidate)
{
    cr_assert_not(path_wants_copy(&p, &train), "nobody moved");
    newest(&cafe, 1);
    cr_assert(path_wants_copy(&p, &train));
    cr_assert_not(path_wants_copy(&p, &cafe));
    cr_assert_not(newest(&train, 1), "cafe has not had the time to answer");
    after(PTO_US - 1);
    cr_assert(route_equal(&p.trial.candidate.route, &cafe));
    after(1);
    cr_assert(route_equal(&p.trial.candidate.route, &train));
    cr_assert_eq(p.trial.received_bytes, 100);
    cr_assert(is_in_use(&home));
    answer(&p.trial.candidate);
    cr_assert(is_in_use(&train));
    cr_assert_not(path_wants_copy(&p, &train));
}

/* However many addresses he has, and whoever is first: each has the same chance. */
Test(path, of_many_that_come_each_has_the_same_chance)
{
    struct duet_route many[8];
    unsigned turns = 0;

    newest(&cafe, 1);
    for (uint64_t n = 1; n <= 900; n++) {
        for (size_t i = 0; i < 8; i++) {
            many[i] = cafe;
            many[i].peer.port = (uint16_t)(100 + i);
            newest(&many[i], n);
        }
        newest(&train, n);
        after(PTO_US);
        turns += route_equal(&p.trial.candidate.route, &train);
    }
    cr_assert(turns > 70 && turns < 130, "%u of 900", turns);
}

Test(path, one_in_doubt_does_not_rest)
{
    newest(&cafe, 1);
    again(&home, 1);
    answer(&p.trial.home);
    view.in_doubt = true;
    cr_assert(newest(&cafe, 2));
}

Test(path, an_address_of_ours_that_is_gone_is_forgotten_everywhere)
{
    const struct duet_addr ours = {.family = ADDR_V4, .ip = {192, 168, 0, 1}};
    const struct duet_route there = {.peer = home.peer, .local = ours}, elsewhere = {.peer = cafe.peer, .local = ours};
    const struct duet_route third = {.peer = train.peer, .local = ours};

    path_init(&p, &there, true);
    newest(&elsewhere, 1);
    newest(&third, 2);
    path_challenged(&p, &elsewhere, p.trial.home.challenge);
    path_local_gone(&p, &ours);
    cr_assert_eq(p.route.local.family, ADDR_NONE);
    cr_assert_eq(p.trial.home.route.local.family, ADDR_NONE);
    cr_assert_eq(p.trial.candidate.route.local.family, ADDR_NONE);
    cr_assert_eq(p.trial.next.local.family, ADDR_NONE);
    cr_assert_eq(p.replies[0].to.local.family, ADDR_NONE);
}
