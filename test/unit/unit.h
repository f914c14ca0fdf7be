/* The assertions of unit tests, and how a test is written down.  The runner is unit.c.
 *
 *   TestSuite(ring, .init = set_up, .fini = tear_down);      optional; at most one a suite
 *   Test(ring, gives_back_what_it_took)
 *   {
 *       cr_assert_eq(ring_len(&r), 3, "after %d", i);        ends the test
 *       cr_expect_eq(ring_len(&r), 3);                       goes on, and the test has failed
 *   }
 *
 * Each test runs in a process of its own: what it breaks is its own, and what it leaks is found at its exit under ASan.
 * The names are those of Criterion, for which most of the tests were written.  Its runner executes the whole binary
 * anew for each test, and loading Criterion's 20 libraries takes 55 ms each time, 130 ms under ASan; forking takes 2.
 *
 * Any thread of a test may assert.  Times are no assertions: how long a test may hang is the runner's business. */
#ifndef TEST_UNIT_UNIT_H
#define TEST_UNIT_UNIT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct unit_test {
    const char *suite, *name; /* name NULL: what every test of the suite begins and ends with */
    void (*run)(void);
    void (*init)(void), (*fini)(void);
    int signal; /* the test passes by dying of it; 0: by coming to its end */
    struct unit_test *next;
};

void unit_add(struct unit_test *test);

#define Test(suite_, name_, ...)                                                            \
    static void suite_##_##name_##_test(void);                                              \
    __attribute__((constructor)) static void suite_##_##name_##_add(void)                   \
    {                                                                                       \
        static struct unit_test test = {                                                    \
            .suite = #suite_, .name = #name_, .run = suite_##_##name_##_test, __VA_ARGS__}; \
        unit_add(&test);                                                                    \
    }                                                                                       \
    static void suite_##_##name_##_test(void)

#define TestSuite(suite_, ...)                                           \
    __attribute__((constructor)) static void suite_##_suite_add(void)    \
    {                                                                    \
        static struct unit_test suite = {.suite = #suite_, __VA_ARGS__}; \
        unit_add(&suite);                                                \
    }                                                                    \
    struct unit_test

/* The message begins with a blank, so that there may be none. */
__attribute__((format(printf, 4, 5))) void unit_fail(const char *file, int line, const char *what, const char *fmt,
                                                     ...);
__attribute__((noreturn)) void unit_end_failed(void);

#define UNIT_EXPECT(ok, what, ...)                                \
    do {                                                          \
        if (!(ok))                                                \
            unit_fail(__FILE__, __LINE__, what, " " __VA_ARGS__); \
    } while (0)
#define UNIT_ASSERT(ok, what, ...)                                \
    do {                                                          \
        if (!(ok)) {                                              \
            unit_fail(__FILE__, __LINE__, what, " " __VA_ARGS__); \
            unit_end_failed();                                    \
        }                                                         \
    } while (0)

#define cr_assert(ok, ...) UNIT_ASSERT(ok, #ok, __VA_ARGS__)
#define cr_assert_not(ok, ...) UNIT_ASSERT(!(ok), "not " #ok, __VA_ARGS__)
#define cr_assert_null(p, ...) UNIT_ASSERT((p) == NULL, #p " is NULL", __VA_ARGS__)
#define cr_assert_not_null(p, ...) UNIT_ASSERT((p) != NULL, #p " is not NULL", __VA_ARGS__)
#define cr_assert_eq(a, b, ...) UNIT_ASSERT((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) UNIT_ASSERT((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) UNIT_ASSERT((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) UNIT_ASSERT((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) UNIT_ASSERT((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) UNIT_ASSERT((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_float_eq(a, b, by, ...) \
    UNIT_ASSERT((a) - (b) <= (by) && (b) - (a) <= (by), #a " == " #b " by " #by, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) UNIT_ASSERT(unit_str_eq(a, b), #a " is the string " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) UNIT_ASSERT(strcmp(a, b) != 0, #a " is not the string " #b, __VA_ARGS__)
#define cr_assert_str_empty(a, ...) UNIT_ASSERT(unit_str_eq(a, ""), #a " is empty", __VA_ARGS__)
#define cr_assert_arr_eq(a, b, bytes, ...) \
    UNIT_ASSERT(memcmp(a, b, bytes) == 0, #a " has the bytes of " #b, __VA_ARGS__)
#define cr_assert_fail(...) UNIT_ASSERT(false, "not reached", __VA_ARGS__)

#define cr_expect(ok, ...) UNIT_EXPECT(ok, #ok, __VA_ARGS__)
#define cr_expect_not(ok, ...) UNIT_EXPECT(!(ok), "not " #ok, __VA_ARGS__)
#define cr_expect_null(p, ...) UNIT_EXPECT((p) == NULL, #p " is NULL", __VA_ARGS__)
#define cr_expect_not_null(p, ...) UNIT_EXPECT((p) != NULL, #p " is not NULL", __VA_ARGS__)
#define cr_expect_eq(a, b, ...) UNIT_EXPECT((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) UNIT_EXPECT((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) UNIT_EXPECT((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) UNIT_EXPECT((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) UNIT_EXPECT((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) UNIT_EXPECT((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_expect_float_eq(a, b, by, ...) \
    UNIT_EXPECT((a) - (b) <= (by) && (b) - (a) <= (by), #a " == " #b " by " #by, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) UNIT_EXPECT(unit_str_eq(a, b), #a " is the string " #b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) UNIT_EXPECT(strcmp(a, b) != 0, #a " is not the string " #b, __VA_ARGS__)
#define cr_expect_str_empty(a, ...) UNIT_EXPECT(unit_str_eq(a, ""), #a " is empty", __VA_ARGS__)
#define cr_expect_arr_eq(a, b, bytes, ...) \
    UNIT_EXPECT(memcmp(a, b, bytes) == 0, #a " has the bytes of " #b, __VA_ARGS__)

/* Says both strings when they differ: what is compared is short, and mostly the answer to why. */
bool unit_str_eq(const char *a, const char *b);

/* Ends the test here, as skipped: this machine lacks what it needs.  The reason is a sentence for the user. */
__attribute__((noreturn, format(printf, 1, 2))) void unit_skip(const char *why, ...);

/* From now on stderr is kept; then: what was written to it since the last time. */
void cr_redirect_stderr(void);
#define cr_assert_stderr_eq_str(s, ...) UNIT_ASSERT(unit_str_eq(unit_stderr(), s), "stderr is " #s, __VA_ARGS__)
const char *unit_stderr(void);

#endif
