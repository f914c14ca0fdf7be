#include "client/questions.h"

#include "unit.h"
#include <string.h>
#include <unistd.h>

static struct questions q;
static int typed; /* written here, it is stdin */
static struct {
    uint64_t peer;
    uint32_t id;
    bool yes;
} heard[2 * QUESTIONS_MAX];
static size_t heard_count;

static void set_up(void)
{
    int ends[2];

    cr_redirect_stderr();
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    typed = ends[1];
}

static void tear_down(void)
{
    questions_dispose(&q);
    close(typed);
}

TestSuite(questions, .init = set_up, .fini = tear_down);

static void hear(void *self, const struct question_about *about, bool yes)
{
    cr_expect_eq(self, &q);
    heard[heard_count].peer = about->peer;
    heard[heard_count].id = about->transfer;
    heard[heard_count++].yes = yes;
}

static bool ask_about_key(uint64_t peer)
{
    return questions_add(&q, &(struct question_about){.peer = peer}, "a key?", hear);
}

static bool ask_about_offer(uint64_t peer, uint32_t id)
{
    return questions_add(&q, &(struct question_about){.peer = peer, .transfer = id}, "a file?", hear);
}

static void type(const char *line)
{
    cr_assert_eq(write(typed, line, strlen(line)), (ssize_t)strlen(line));
    questions_show(&q);
    questions_read(&q, &q);
}

Test(questions, are_answered_in_their_order)
{
    cr_expect_eq(questions_fd(&q), -1);
    cr_assert(ask_about_key(1) && ask_about_key(3) && ask_about_offer(2, 7));
    cr_expect_eq(questions_fd(&q), STDIN_FILENO);
    type("y\n");
    type("\n");
    type("YES\n");
    cr_assert_eq(heard_count, 3);
    cr_expect(heard[0].peer == 1 && heard[0].yes);
    cr_expect(heard[1].peer == 2 && heard[1].id == 7 && !heard[1].yes, "offers come first, and only a yes is one");
    cr_expect(heard[2].peer == 3 && heard[2].yes);
    cr_expect_eq(questions_fd(&q), -1);
    fflush(stderr);
    cr_assert_stderr_eq_str("a key? [y/N] a file? [y/N] a key? [y/N] ");
}

Test(questions, about_those_who_are_gone_are_forgotten)
{
    cr_assert(ask_about_key(1) && ask_about_offer(2, 7) && ask_about_offer(2, 8) && ask_about_key(3));
    questions_show(&q);
    questions_forget_peer(&q, 1);
    questions_forget_offer(&q, 7);
    type("y\n");
    cr_expect(heard_count == 1 && heard[0].id == 8);
    questions_forget_peer(&q, 3);
    cr_expect_eq(q.count, 0);
    cr_expect_eq(heard_count, 1, "nobody is told");
}

Test(questions, at_the_end_of_input_the_answer_is_no)
{
    cr_assert(ask_about_key(1) && ask_about_key(2));
    close(typed);
    questions_show(&q);
    questions_read(&q, &q);
    cr_assert(heard_count == 1 && !heard[0].yes);
}

Test(questions, that_wait_are_bounded)
{
    for (uint64_t peer = 1; peer <= QUESTIONS_KEYS; peer++)
        cr_assert(ask_about_key(peer));
    cr_expect_not(ask_about_key(QUESTIONS_KEYS + 1));
    for (uint32_t id = 1; id <= QUESTIONS_OFFERS; id++)
        cr_assert(ask_about_offer(1, id), "strangers take no place of an offer");
    cr_expect_not(ask_about_offer(1, QUESTIONS_OFFERS + 1));
}

Test(questions, make_way_for_other_lines_and_come_again)
{
    cr_assert(ask_about_key(1));
    questions_show(&q);
    questions_show(&q);
    questions_make_way(&q);
    questions_make_way(&q);
    questions_show(&q);
    fflush(stderr);
    cr_assert_stderr_eq_str("a key? [y/N] \na key? [y/N] ");
}
