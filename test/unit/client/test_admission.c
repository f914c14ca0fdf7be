#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "client/admission.h"
#include "host.h"

#define SECOND US_PER_S

static struct client client;
static struct roster roster; /* large */
static struct admission a;
static duet_time now;
static struct {
    unsigned waits, let_in, turned_away, left, strangers, texts, errors, calling;
    char text[TRUST_TEXT_BYTES], name[ROSTER_NAME_BYTES];
} heard;

static void sink(void *self, const struct admission_event *ev)
{
    cr_expect_eq(self, &heard);
    if (ev->who != NULL)
        snprintf(heard.name, sizeof(heard.name), "%s", ev->who->key.name);
    if (ev->text != NULL)
        snprintf(heard.text, sizeof(heard.text), "%s", ev->text);
    heard.waits += ev->type == ADMISSION_WAITS;
    heard.let_in += ev->type == ADMISSION_LET_IN;
    heard.turned_away += ev->type == ADMISSION_TURNED_AWAY;
    heard.left += ev->type == ADMISSION_LEFT;
    heard.strangers += ev->type == ADMISSION_STRANGER;
    heard.texts += ev->type == ADMISSION_TEXT;
    heard.errors += ev->type == ADMISSION_ERROR;
    heard.calling += ev->type == ADMISSION_CALLING;
}

static void set_up(void)
{
    host_open(&client);
    admission_init(&a, &client, &roster, sink, &heard);
    now = DUET_TIME(1000 * SECOND);
}

static void tear_down(void)
{
    host_close(&client);
    roster_dispose(&roster);
}

TestSuite(admission, .init = set_up, .fini = tear_down);

static void judge(uint64_t peer, uint32_t call, struct duet_peer_key *key)
{
    const struct dial *d = admission_find_dial(&a, call);

    host_fill_key(client.id, key, d != NULL ? d->dialled : NULL);
    admission_judge(&a, &(struct duet_event){.type = DUET_EVENT_KEY, .peer = peer, .id = call, .key = key}, true, now);
}

static void come_from(uint8_t host, uint64_t peer, uint32_t call, const char *name)
{
    struct duet_peer_key key = {.addr = {.family = ADDR_V4, .ip = {10, 0, 0, host}, .port = 9}};

    memcpy(key.key, &peer, sizeof(peer));
    key.key[31] = 1;
    snprintf(key.name, sizeof(key.name), "%s", name);
    judge(peer, call, &key);
}

static void come(uint64_t peer, const char *name)
{
    come_from((uint8_t)peer, peer, 0, name);
}

static void leave(uint64_t peer)
{
    admission_gone(&a, &(struct duet_event){.type = DUET_EVENT_LEFT, .peer = peer}, now);
}

/* 10.0.0.`number`, as somebody dialled. */
static bool call(uint8_t number)
{
    char dialled[DUET_DIALLED_BYTES];

    snprintf(dialled, sizeof(dialled), "10.0.0.%u:9", number);
    return admission_dial(&a, dialled);
}

static const struct stranger *first(void)
{
    size_t index = 0;

    return admission_next(&a, &index);
}

static void wait_us(uint64_t span_us)
{
    now = time_add(now, span_us);
    admission_tick(&a, now);
}

/* Bytes of known_peers; 0: there is none. */
static long long known_size(void)
{
    struct stat st;
    char path[PATH_MAX + 16];

    snprintf(path, sizeof(path), "%s/known_peers", duet_identity_directory(client.id));
    return stat(path, &st) == 0 ? (long long)st.st_size : 0;
}

Test(admission, a_yes_is_for_the_one_it_names)
{
    come(1, "bob");
    come(2, "mallory");
    admission_command(&a, "", true, now);
    cr_expect_eq(heard.errors, 1, "two wait: the command needs its object");
    cr_expect_eq(heard.let_in, 0);
    admission_command(&a, "BOB", true, now);
    cr_expect_eq(heard.let_in, 1);
    cr_expect_not_null(roster_peer(&roster, 1));
    cr_expect_null(roster_peer(&roster, 2));
    admission_command(&a, "", false, now);
    cr_expect_eq(heard.turned_away, 1, "alone it suffices");
    cr_expect_eq(admission_waiting(&a), 0);
    cr_expect_eq(heard.texts, 2, "one line says each outcome");
}

Test(admission, a_name_that_two_may_have_is_no_object_but_a_key_is)
{
    char start[6];

    come(1, "bob");
    come(2, "b\xd0\xbe"
            "b"); /* a Cyrillic o */
    admission_command(&a, "bob", true, now);
    cr_expect_eq(heard.errors, 1);
    cr_expect_eq(heard.let_in, 0);
    snprintf(start, sizeof(start), "%.5s", first()->key.fingerprint);
    admission_command(&a, start, true, now);
    cr_expect_eq(heard.let_in, 1, "%s", start);
    cr_expect_not_null(roster_peer(&roster, 1));
    admission_command(&a, "bob", true, now);
    cr_expect_eq(heard.let_in, 1, "of two who look alike only one is let in: %s", heard.text);
    cr_expect_eq(heard.turned_away, 1);
}

/* Bob leaves and mallory comes as bob, in the moment before Enter. */
Test(admission, nobody_takes_over_a_name_under_the_fingers_of_the_user)
{
    come(1, "bob");
    leave(1);
    come(2, "bob");
    admission_command(&a, "bob", true, now);
    admission_command(&a, "", true, now);
    cr_expect_eq(heard.let_in, 0);
    cr_expect_eq(admission_waiting(&a), 1);
    wait_us(ADMISSION_GONE_US);
    admission_command(&a, "bob", true, now);
    cr_expect_eq(heard.let_in, 1);
}

Test(admission, who_comes_again_with_its_key_is_the_same_one)
{
    come(1, "bob");
    struct duet_peer_key key = first()->key;

    judge(77, 0, &key);
    cr_expect_eq(admission_waiting(&a), 1);
    cr_expect_eq(heard.turned_away, 1, "the former session");
    admission_command(&a, "bob", true, now);
    cr_expect_not_null(roster_peer(&roster, 77));
}

Test(admission, strangers_of_one_host_take_four_places_and_the_called_one_always_has_one)
{
    uint64_t peer = 1;

    cr_assert(call(250));
    for (uint8_t host = 1; host <= ADMISSION_WAITING / ADMISSION_WAITING_PER_HOST + 2; host++)
        for (int i = 0; i < ADMISSION_WAITING_PER_HOST + 3; i++, peer++) {
            char name[16];

            snprintf(name, sizeof(name), "peer-%llu", (unsigned long long)peer);
            come_from(host, peer, 0, name);
        }
    cr_expect_eq(admission_waiting(&a), ADMISSION_WAITING);
    come_from(250, 9999, ADMISSION_TARGET, "bob");
    cr_expect_eq(admission_waiting(&a), ADMISSION_WAITING + 1);
    cr_expect_str_eq(first()->key.name, "bob", "and stands first");
    cr_expect(first()->is_target);
    wait_us(ADMISSION_WAIT_US);
    cr_expect_eq(admission_waiting(&a), 1, "the others were turned away");
    cr_expect_str_eq(first()->key.name, "bob");
}

/* All of a /64 is one host's at will. */
Test(admission, a_network_of_ipv6_is_one_host)
{
    for (uint64_t peer = 1; peer <= 20; peer++) {
        struct duet_peer_key key = {.addr = {.family = ADDR_V6, .ip = {0x20, 1, [7] = peer > 10, [8] = (uint8_t)peer}}};

        snprintf(key.name, sizeof(key.name), "peer-%llu", (unsigned long long)peer);
        key.key[0] = (uint8_t)peer;
        judge(peer, 0, &key);
    }
    cr_expect_eq(admission_waiting(&a), 2 * ADMISSION_WAITING_PER_HOST);
}

Test(admission, a_flood_of_strangers_gets_a_line_each_ten_seconds)
{
    for (uint64_t peer = 1; peer <= 1000; peer++) {
        come_from((uint8_t)(peer % 10), peer, 0, "bob");
        if (peer % 3 == 0)
            leave(peer - 1);
        wait_us(60 * SECOND / 1000);
    }
    cr_expect_leq(heard.errors + heard.strangers, 60 / 10 + 1, "%u lines", heard.errors + heard.strangers);
    cr_expect_eq(heard.let_in, 0);
    cr_expect_eq(known_size(), 0, "nothing of them is on file");
    /* A key that changed is told whatever strangers do. */
    come(2000, "friend");
    admission_command(&a, "friend", true, now);
    cr_assert_eq(heard.let_in, 1, "%s", heard.text);
    heard.errors = 0;
    come(2001, "friend");
    cr_expect_eq(heard.errors, 1);
    cr_expect_not_null(strstr(heard.text, "HAS CHANGED"));
}

Test(admission, what_was_not_told_is_counted_in_words)
{
    come(1, "eve");
    leave(1);
    wait_us(ADMISSION_LINES_US);
    cr_expect_str_eq(heard.text, "1 more stranger was turned away or left", "%s", heard.text);
    for (uint64_t peer = 2; peer <= 3; peer++) {
        come(peer, "eve");
        leave(peer);
    }
    wait_us(ADMISSION_LINES_US);
    cr_expect_str_eq(heard.text, "2 more strangers were turned away or left", "%s", heard.text);
}

/* 1,500 strangers cost a bounded number of lines of the file. */
Test(admission, one_host_brings_a_bounded_number_of_new_keys_a_minute)
{
    client.policy.accept_new = true;
    for (uint64_t peer = 1; peer <= 1500; peer++) {
        char name[16];

        snprintf(name, sizeof(name), "peer-%llu", (unsigned long long)peer);
        come_from(1, peer, 0, name);
        wait_us(10000);
    }
    cr_expect_eq(heard.let_in, ADMISSION_NEW_PER_HOST);
    cr_expect_leq(heard.errors, 3);
    cr_expect_leq(known_size(), ADMISSION_NEW_PER_HOST * 128);
    come_from(2, 5000, 0, "from elsewhere");
    cr_expect_eq(heard.let_in, ADMISSION_NEW_PER_HOST + 1);
    wait_us(ADMISSION_NEW_US);
    come_from(1, 5001, 0, "later");
    cr_expect_eq(heard.let_in, ADMISSION_NEW_PER_HOST + 2);
}

Test(admission, all_hosts_together_bring_a_bounded_number_of_new_keys_a_minute)
{
    client.policy.accept_new = true;
    for (uint64_t peer = 1; peer <= ADMISSION_HOSTS + 20; peer++) {
        char name[16];

        snprintf(name, sizeof(name), "peer-%llu", (unsigned long long)peer);
        come(peer, name);
    }
    cr_expect_eq(heard.let_in, ADMISSION_HOSTS);
    wait_us(ADMISSION_NEW_US);
    come(200, "later");
    cr_expect_eq(heard.let_in, ADMISSION_HOSTS + 1);
}

Test(admission, who_was_called_is_known_by_the_number_of_the_call)
{
    struct dial was;

    cr_assert(call(1));
    cr_assert(call(2));
    come_from(2, 2, 2, "two");
    cr_expect_str_eq(first()->dialled, "10.0.0.2:9");
    cr_expect_not(first()->is_target);
    come_from(9, 1, ADMISSION_TARGET, "one");
    cr_expect_not(admission_dial_over(&a, ADMISSION_TARGET, &was), "that call is over");
    for (int i = 0; i < ADMISSION_DIALS; i++)
        cr_assert(call(3));
    cr_expect_not(call(4), "one too many");
    cr_expect(admission_dial_over(&a, 3, &was));
    cr_expect_str_eq(was.dialled, "10.0.0.3:9");
    come_from(9, 4, 0, "stranger");
    cr_expect_eq(a.v[a.count - 1].dialled[0], '\0');
}

Test(admission, a_key_the_user_names_before_it_comes_is_let_in)
{
    struct duet_peer_key key = {.name = "bob", .key = {9}};
    char print[DUET_FINGERPRINT_BYTES];

    client.policy.may_ask = false;
    duet_fingerprint(key.key, print);
    admission_command(&a, print, true, now);
    cr_expect_eq(heard.texts, 1);
    judge(1, 0, &key);
    cr_expect_eq(heard.let_in, 1);
    come(2, "mallory");
    cr_expect_eq(heard.turned_away, 1);
}

Test(admission, when_nobody_else_is_wanted_all_are_turned_away)
{
    come(1, "one");
    come(2, "two");
    admission_close(&a, now);
    cr_expect_eq(heard.turned_away, 2);
    cr_expect_eq(admission_waiting(&a), 0);
    cr_expect(time_is_never(admission_due(&a)));
}

Test(admission, its_row_names_who_waits_at_any_width)
{
    char out[ADMISSION_ROW_BYTES];

    cr_expect_str_empty(admission_row(&a, 80, out));
    come(1, "bob");
    cr_expect_not_null(strstr(admission_row(&a, 200, out), first()->key.fingerprint));
    cr_expect_not_null(strstr(out, "/trust bob or /refuse bob"), "%s", out);
    cr_expect_not_null(strstr(admission_row(&a, 80, out), first()->key.fingerprint));
    cr_expect(strstr(out, "/trust") && strstr(out, "/refuse"), "%s", out);
    cr_expect_str_eq(admission_row(&a, 20, out), "bob: /trust /refuse");
    come(2, "carol");
    cr_expect_str_eq(admission_row(&a, 80, out), "2 strangers wait: /trust NAME or /refuse NAME: bob, carol");
    for (size_t columns = 1; columns < 100; columns++)
        cr_expect(strstr(admission_row(&a, columns, out), "bob"), "%zu: %s", columns, out);
}

/* ---- calls ---- */

static void hear_of_call(enum duet_event_type type, uint32_t id, const char *text)
{
    admission_on_call(&a, &(struct duet_event){.type = type, .id = id, .text = text});
}

Test(admission, that_the_target_is_called_is_news_only_where_its_name_took_time)
{
    cr_assert(call(1));
    hear_of_call(DUET_EVENT_CALLING, ADMISSION_TARGET, "10.0.0.1:9");
    cr_expect_eq(heard.calling, 0);
    cr_expect(admission_calling(&a)->is_called);
    cr_assert(call(2));
    hear_of_call(DUET_EVENT_CALLING, 2, "10.0.0.2:9");
    cr_expect_eq(heard.calling, 1);
    cr_expect_str_eq(heard.text, "connecting to 10.0.0.2:9");
    hear_of_call(DUET_EVENT_LOOKING_UP, ADMISSION_TARGET, "slow");
    cr_expect_str_eq(heard.text, "looking up slow");
    hear_of_call(DUET_EVENT_CALLING, ADMISSION_TARGET, "slow:9");
    cr_expect_eq(heard.calling, 3);
    hear_of_call(DUET_EVENT_CALLING, 99, "nobody asked");
    cr_expect_eq(heard.calling, 3);
}
