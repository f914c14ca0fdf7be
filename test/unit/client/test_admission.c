#include "unit.h"

#include <pthread.h>
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
    unsigned waits, let_in, turned_away, left, strangers, texts, errors, calling, failed;
    int err;
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
    heard.failed += ev->type == ADMISSION_CALL_FAILED;
    if (ev->type == ADMISSION_CALL_FAILED) {
        heard.err = ev->why->err;
        snprintf(heard.text, sizeof(heard.text), "%s", ev->why->text);
        admission_dial_over(&a, ev->why->id, NULL);
    }
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

static void come_from(uint8_t host, conn_id peer, uint32_t call, const char *name)
{
    struct msg_peer_key key = {.addr = {.family = ADDR_V4, .ip = {10, 0, 0, host}, .port = 9}};

    memcpy(key.key, &peer, sizeof(peer));
    key.key[31] = 1;
    snprintf(key.name, sizeof(key.name), "%s", name);
    admission_judge(&a, &(struct msg){.type = MSG_PEER_KEY, .peer = peer, .id = call, .peer_key = &key}, true, now);
}

static void come(conn_id peer, const char *name)
{
    come_from((uint8_t)peer, peer, 0, name);
}

static void leave(conn_id peer)
{
    admission_gone(&a, &(struct msg){.type = MSG_LEFT, .peer = peer}, now);
}

/* 10.0.0.`number`, as somebody dialled. */
static struct resolve_query query(uint8_t number)
{
    struct resolve_query q = {.port = 9};

    snprintf(q.host, sizeof(q.host), "10.0.0.%u", number);
    snprintf(q.dialled, sizeof(q.dialled), "10.0.0.%u:9", number);
    return q;
}

static void call(uint8_t number)
{
    const struct resolve_query q = query(number);

    cr_assert(admission_dial(&a, &q, now));
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
    char path[IDENTITY_PATH_BYTES + 16];

    snprintf(path, sizeof(path), "%s/known_peers", client.policy.id->dir);
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
    snprintf(start, sizeof(start), "%.5s", first()->print);
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
    struct msg_peer_key key = first()->key;

    admission_judge(&a, &(struct msg){.type = MSG_PEER_KEY, .peer = 77, .peer_key = &key}, true, now);
    cr_expect_eq(admission_waiting(&a), 1);
    cr_expect_eq(heard.turned_away, 1, "the former session");
    admission_command(&a, "bob", true, now);
    cr_expect_not_null(roster_peer(&roster, 77));
}

Test(admission, strangers_of_one_host_take_four_places_and_the_called_one_always_has_one)
{
    conn_id peer = 1;

    call(250);
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
    for (conn_id peer = 1; peer <= 20; peer++) {
        struct msg_peer_key key = {.addr = {.family = ADDR_V6, .ip = {0x20, 1, [7] = peer > 10, [8] = (uint8_t)peer}}};

        snprintf(key.name, sizeof(key.name), "peer-%llu", (unsigned long long)peer);
        key.key[0] = (uint8_t)peer;
        admission_judge(&a, &(struct msg){.type = MSG_PEER_KEY, .peer = peer, .peer_key = &key}, true, now);
    }
    cr_expect_eq(admission_waiting(&a), 2 * ADMISSION_WAITING_PER_HOST);
}

Test(admission, a_flood_of_strangers_gets_a_line_each_ten_seconds)
{
    for (conn_id peer = 1; peer <= 1000; peer++) {
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

/* 1,500 strangers cost a bounded number of lines of the file. */
Test(admission, one_host_brings_a_bounded_number_of_new_keys_a_minute)
{
    client.policy.accept_new = true;
    for (conn_id peer = 1; peer <= 1500; peer++) {
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
    for (conn_id peer = 1; peer <= ADMISSION_HOSTS + 20; peer++) {
        char name[16];

        snprintf(name, sizeof(name), "peer-%llu", (unsigned long long)peer);
        come(peer, name);
    }
    cr_expect_eq(heard.let_in, ADMISSION_HOSTS);
    wait_us(ADMISSION_NEW_US);
    come(200, "later");
    cr_expect_eq(heard.let_in, ADMISSION_HOSTS + 1);
}

Test(admission, who_was_called_is_known_by_its_number_or_its_address)
{
    struct dial was;

    call(1);
    call(2);
    come_from(2, 2, 0, "two"); /* it called at the same time */
    cr_expect_str_eq(first()->dialled, "10.0.0.2:9");
    cr_expect_not(first()->is_target);
    come_from(9, 1, ADMISSION_TARGET, "one");
    cr_expect_not(admission_dial_over(&a, ADMISSION_TARGET, &was), "that call is over");
    for (int i = 0; i < ADMISSION_DIALS; i++)
        call(3);
    const struct resolve_query one_too_many = query(4);

    cr_expect_not(admission_dial(&a, &one_too_many, now));
    cr_expect(admission_dial_over(&a, 3, &was));
    cr_expect_str_eq(was.query.dialled, "10.0.0.3:9");
    come_from(9, 4, 0, "stranger");
    cr_expect_eq(a.v[a.count - 1].dialled[0], '\0');
}

Test(admission, a_key_the_user_names_before_it_comes_is_let_in)
{
    struct msg_peer_key key = {.name = "bob", .key = {9}};
    char print[FINGERPRINT_BYTES];

    client.policy.may_ask = false;
    fingerprint(key.key, print);
    admission_command(&a, print, true, now);
    cr_expect_eq(heard.texts, 1);
    admission_judge(&a, &(struct msg){.type = MSG_PEER_KEY, .peer = 1, .peer_key = &key}, true, now);
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
    cr_expect_not_null(strstr(admission_row(&a, 200, out), first()->print));
    cr_expect_not_null(strstr(out, "/trust bob or /refuse bob"), "%s", out);
    cr_expect_not_null(strstr(admission_row(&a, 80, out), first()->print));
    cr_expect(strstr(out, "/trust") && strstr(out, "/refuse"), "%s", out);
    cr_expect_str_eq(admission_row(&a, 20, out), "bob: /trust /refuse");
    come(2, "carol");
    cr_expect_str_eq(admission_row(&a, 80, out), "2 strangers wait: /trust NAME or /refuse NAME: bob, carol");
    for (size_t columns = 1; columns < 100; columns++)
        cr_expect(strstr(admission_row(&a, columns, out), "bob"), "%zu: %s", columns, out);
}

/* ---- names ---- */

/* "dead": no answer until the test's end; "none": there is no such name; any other has an address of each family. */
static pthread_mutex_t dead = PTHREAD_MUTEX_INITIALIZER;

static void answer(const struct resolve_query *q, struct resolve_result *out)
{
    *out = (struct resolve_result){
        .count = 2, .addrs = {{.family = ADDR_V6, .ip = {1}, .port = q->port}, {.family = ADDR_V4, .port = q->port}}};
    if (strcmp(q->host, "dead") == 0) {
        pthread_mutex_lock(&dead);
        pthread_mutex_unlock(&dead);
    } else if (strcmp(q->host, "none") == 0) {
        *out = (struct resolve_result){.err = DUET_ENOTFOUND, .error = "cannot find none"};
    }
}

static const struct settings settings = {.timeout_us = 20 * SECOND};

static void call_name(const char *name)
{
    struct resolve_query q;
    char error[RESOLVE_ERROR_BYTES];

    client.set = &settings;
    if (client.lookups == NULL)
        client.lookups = lookups_new(answer);
    cr_assert_eq(resolve_parse(name, 0, 9, &q, error), 0);
    cr_assert(admission_dial(&a, &q, now));
    cr_expect_eq(admission_calling(&a)->looks_up, true);
}

static void await_lookup(void)
{
    cr_assert(client_wait(&client, -1, CLIENT_FOREVER, NULL) != 0);
    admission_tick(&a, now);
}

static void await_calls(unsigned calls)
{
    while (heard.calling + heard.failed < calls)
        await_lookup();
}

Test(admission, a_name_is_called_at_all_its_addresses_once_it_is_looked_up)
{
    client.signal_fd = -1;
    a.last_dial = ADMISSION_TARGET;
    call_name("bob");
    await_calls(1);
    cr_expect_str_eq(heard.text, "connecting to bob:9");
    const struct dial *d = admission_calling(&a);

    cr_assert_eq(d->count, 2);
    cr_expect_not(d->looks_up);
    struct msg_peer_key key = {.addr = d->addrs[1], .name = "bob"};

    cr_expect(admission_is_called(&a, &(struct msg){.type = MSG_PEER_KEY, .peer_key = &key}), "by any of them");
    client_quit(&client, true);
}

Test(admission, a_name_that_is_not_found_fails_as_a_call_does)
{
    client.signal_fd = -1;
    call_name("none");
    await_calls(1);
    cr_expect_eq(heard.failed, 1);
    cr_expect_eq(heard.err, DUET_ENOTFOUND);
    cr_expect_str_eq(heard.text, "cannot find none");
    cr_expect_null(admission_calling(&a));
    client_quit(&client, true);
}

Test(admission, a_slow_lookup_is_told_of_and_nobody_waits_for_it)
{
    client.signal_fd = -1;
    pthread_mutex_lock(&dead);
    call_name("dead");
    wait_us(ADMISSION_SLOW_US - 1);
    cr_expect_eq(heard.calling, 0, "most are quick");
    cr_expect_eq(admission_due(&a).us, now.us + 1);
    wait_us(1);
    cr_assert_eq(heard.calling, 1);
    cr_expect_str_eq(heard.text, "looking up dead");
    wait_us(10 * SECOND);
    cr_expect_eq(heard.calling, 1, "once");
    cr_expect(admission_dial_over(&a, ADMISSION_TARGET, NULL));
    client_quit(&client, true); /* it would hang here */
    pthread_mutex_unlock(&dead);
}

Test(admission, a_lookup_without_an_answer_is_given_up_in_the_time_for_connecting)
{
    client.signal_fd = -1;
    pthread_mutex_lock(&dead);
    call_name("dead");
    wait_us(settings.timeout_us - 1);
    cr_expect_eq(heard.failed, 0);
    cr_expect_eq(admission_due(&a).us, now.us + 1);
    wait_us(1);
    cr_assert_eq(heard.failed, 1);
    cr_expect_eq(heard.err, DUET_ENOTFOUND);
    cr_expect_str_eq(heard.text, "cannot find dead: no name server answered within 20 s");
    cr_expect_null(admission_calling(&a));
    cr_expect(time_is_never(admission_due(&a)));
    client_quit(&client, true);
    pthread_mutex_unlock(&dead);
}
