/* Two cores on a perfect wire, in virtual time: all by core.h. */
#include <duet/core.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#define DELAY_US 1000
#define STREAM_BYTES (700 * 1024)

/* What a test hears of a side, and what it does about it. */
struct side {
    struct duet_core *core;
    struct duet_addr addr;
    uint64_t conn, stream; /* of the last event that had one */
    unsigned heard[DUET_CORE_DATAGRAM + 1];
    int err;
    uint64_t code;
    bool trusts, echoes;
    size_t got, datagram_bytes;
    bool ended;
    uint8_t datagram[64], first[8];
};

struct wire {
    struct side s[2];
    uint64_t now_us;
};

static struct duet_core *make(uint8_t secret, bool refuse_calls)
{
    struct duet_core_config c;
    struct duet_core *core = NULL;
    uint8_t key[DUET_KEY_BYTES], seed[DUET_KEY_BYTES];

    memset(key, secret, sizeof(key));
    memset(seed, secret + 50, sizeof(seed));
    duet_core_config_init(&c, sizeof(c));
    c.secret_key = key;
    c.seed = seed;
    c.name = secret == 1 ? "ann" : "bob";
    c.refuse_calls = refuse_calls;
    cr_assert_eq(duet_core_new(&c, 0, &core), 0);
    return core;
}

static void open_wire(struct wire *w)
{
    memset(w, 0, sizeof(*w));
    for (int i = 0; i < 2; i++)
        w->s[i] = (struct side){
            .core = make((uint8_t)(i + 1), false),
            .addr = {.family = 4, .ip = {192, 0, 2, (uint8_t)(i + 1)}, .port = 7},
            .trusts = true,
        };
}

static void close_wire(struct wire *w)
{
    duet_core_free(w->s[0].core);
    duet_core_free(w->s[1].core);
}

static void read_stream(struct side *s, uint64_t now_us)
{
    uint8_t bytes[4096];
    ssize_t n;

    while ((n = duet_core_read(s->core, s->conn, s->stream, bytes, sizeof(bytes), now_us)) > 0) {
        if (s->got == 0)
            memcpy(s->first, bytes, sizeof(s->first));
        s->got += (size_t)n;
        if (s->echoes)
            cr_assert_eq(duet_core_write(s->core, s->conn, s->stream, bytes, (size_t)n, now_us), n);
    }
    if (n == DUET_EEOF) {
        s->ended = true;
        if (s->echoes)
            cr_expect_eq(duet_core_finish(s->core, s->conn, s->stream, now_us), 0);
    }
}

static void hear(struct side *s, uint64_t now_us)
{
    const struct duet_core_event *ev;

    while (duet_core_next(s->core, &ev) == 1) {
        cr_assert_eq(ev->size, sizeof(*ev));
        s->heard[ev->type]++;
        s->conn = ev->conn;
        s->err = ev->err;
        s->code = ev->code;
        if (ev->stream != 0)
            s->stream = ev->stream;
        if (ev->type == DUET_CORE_CONNECTED && s->trusts)
            cr_expect_eq(duet_core_trust(s->core, ev->conn, now_us), 0);
        if (ev->type == DUET_CORE_READABLE)
            read_stream(s, now_us);
        if (ev->type == DUET_CORE_DATAGRAM) {
            s->datagram_bytes = ev->bytes;
            memcpy(s->datagram, ev->data, ev->bytes < sizeof(s->datagram) ? ev->bytes : sizeof(s->datagram));
        }
    }
}

/* What a side has to send arrives at once at the other.  true: there was something. */
static bool carry(struct wire *w, int from)
{
    static uint8_t bytes[DUET_CORE_PACKET_BYTES];
    struct duet_envelope out, in = {.ecn = 0};
    size_t segment;
    bool any = false;
    ssize_t len;

    while ((len = duet_core_send(w->s[from].core, &out, bytes, sizeof(bytes), &segment, w->now_us)) > 0) {
        any = true;
        cr_assert_eq(out.peer.ip[3], w->s[!from].addr.ip[3]);
        in.peer = w->s[from].addr;
        (void)duet_core_recv(w->s[!from].core, &in, bytes, (size_t)len, segment, w->now_us);
        hear(&w->s[!from], w->now_us);
        hear(&w->s[from], w->now_us);
    }
    return any;
}

/* For at most so long. */
static void run(struct wire *w, uint64_t span_us)
{
    const uint64_t until_us = w->now_us + span_us;

    while (w->now_us < until_us) {
        for (int i = 0; i < 2; i++) {
            if (duet_core_deadline(w->s[i].core) <= w->now_us)
                cr_assert_eq(duet_core_tick(w->s[i].core, w->now_us), 0);
            hear(&w->s[i], w->now_us);
        }
        for (bool any = true; any;) {
            any = carry(w, 0);
            any = carry(w, 1) || any;
        }
        w->now_us += DELAY_US;
    }
}

static void connect_sides(struct wire *w)
{
    uint64_t conn;

    cr_assert_eq(duet_core_connect(w->s[0].core, &w->s[1].addr, w->now_us, &conn), 0);
    cr_expect_neq(conn, 0);
    run(w, 300000);
    cr_assert_eq(w->s[0].heard[DUET_CORE_CONNECTED], 1);
    cr_assert_eq(w->s[1].heard[DUET_CORE_CONNECTED], 1);
}

Test(api_core, carries_a_stream_there_and_back_to_its_end)
{
    static uint8_t bytes[STREAM_BYTES];
    struct wire w;
    uint64_t stream;
    size_t at = 0;

    open_wire(&w);
    connect_sides(&w);
    w.s[1].echoes = true;
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "beginning", 9);
    cr_assert_eq(duet_core_open(w.s[0].core, w.s[0].conn, DUET_PRIORITY_NORMAL, w.now_us, &stream), 0);
    while (at < sizeof(bytes)) {
        const ssize_t n = duet_core_write(w.s[0].core, w.s[0].conn, stream, bytes + at, sizeof(bytes) - at, w.now_us);

        cr_assert(n >= 0, "%zd", n);
        at += (size_t)n;
        run(&w, 5000);
    }
    cr_expect_eq(duet_core_finish(w.s[0].core, w.s[0].conn, stream, w.now_us), 0);
    cr_expect_eq(duet_core_write(w.s[0].core, w.s[0].conn, stream, "a", 1, w.now_us), DUET_ECLOSED);
    run(&w, 500000);
    cr_expect_eq(w.s[1].heard[DUET_CORE_OPENED], 1);
    cr_expect_eq(w.s[1].got, STREAM_BYTES);
    cr_expect_eq(memcmp(w.s[1].first, "beginning", 8), 0);
    cr_expect_eq(w.s[0].got, STREAM_BYTES);
    cr_expect(w.s[0].ended && w.s[1].ended);
    cr_expect_eq(w.s[0].heard[DUET_CORE_SENT], 1);
    cr_expect_eq(duet_core_read(w.s[0].core, w.s[0].conn, stream, bytes, 1, w.now_us), DUET_ENOTFOUND, "it is over");
    close_wire(&w);
}

Test(api_core, tells_the_code_of_a_reset_and_of_a_stop)
{
    struct wire w;
    uint64_t stream;

    open_wire(&w);
    connect_sides(&w);
    cr_assert_eq(duet_core_open(w.s[0].core, w.s[0].conn, DUET_PRIORITY_INTERACTIVE, w.now_us, &stream), 0);
    cr_assert_eq(duet_core_write(w.s[0].core, w.s[0].conn, stream, "abc", 3, w.now_us), 3);
    run(&w, 100000);
    cr_expect_eq(duet_core_reset(w.s[0].core, w.s[0].conn, stream, 77, w.now_us), 0);
    run(&w, 100000);
    cr_expect_eq(w.s[1].heard[DUET_CORE_RESET], 1);
    cr_expect_eq(w.s[1].code, 77);
    cr_expect_eq(duet_core_stop(w.s[0].core, w.s[0].conn, stream, 78, w.now_us), 0);
    run(&w, 100000);
    cr_expect_eq(w.s[1].heard[DUET_CORE_STOPPED], 1);
    close_wire(&w);
}

Test(api_core, sends_datagrams_up_to_what_a_packet_holds)
{
    static uint8_t bytes[DUET_CORE_PACKET_BYTES];
    struct wire w;

    open_wire(&w);
    connect_sides(&w);
    const size_t max = duet_core_datagram_max(w.s[0].core, w.s[0].conn);

    cr_assert(max >= 1164, "%zu", max);
    cr_expect_eq(duet_core_datagram(w.s[0].core, w.s[0].conn, "ping", 4, w.now_us), 0);
    run(&w, 50000);
    cr_expect_eq(w.s[1].heard[DUET_CORE_DATAGRAM], 1);
    cr_expect_eq(w.s[1].datagram_bytes, 4);
    cr_expect_eq(memcmp(w.s[1].datagram, "ping", 4), 0);
    cr_expect_eq(duet_core_datagram(w.s[0].core, w.s[0].conn, bytes, 0, w.now_us), 0, "an empty one is one");
    run(&w, 50000);
    cr_expect_eq(w.s[1].heard[DUET_CORE_DATAGRAM], 2);
    cr_expect_eq(w.s[1].datagram_bytes, 0);
    cr_expect_eq(duet_core_datagram(w.s[0].core, w.s[0].conn, bytes, sizeof(bytes), w.now_us), DUET_ERANGE);
    struct duet_core_figures stats = {.size = sizeof(stats)};

    cr_expect_eq(duet_core_stats(w.s[1].core, w.s[1].conn, &stats), 0);
    cr_expect_eq(stats.datagrams_received, 2);
    close_wire(&w);
}

Test(api_core, takes_nothing_of_a_peer_it_does_not_trust)
{
    struct wire w;
    uint64_t stream;

    open_wire(&w);
    w.s[1].trusts = false;
    connect_sides(&w);
    cr_assert_eq(duet_core_open(w.s[0].core, w.s[0].conn, DUET_PRIORITY_NORMAL, w.now_us, &stream), 0);
    cr_expect_eq(duet_core_write(w.s[0].core, w.s[0].conn, stream, "abc", 3, w.now_us), 3);
    cr_expect_eq(duet_core_datagram(w.s[0].core, w.s[0].conn, "ping", 4, w.now_us), 0);
    run(&w, 200000);
    cr_expect_eq(w.s[1].heard[DUET_CORE_OPENED], 0);
    cr_expect_eq(w.s[1].heard[DUET_CORE_DATAGRAM], 0);
    cr_expect_eq(duet_core_trust(w.s[1].core, w.s[1].conn, w.now_us), 0);
    run(&w, 200000);
    cr_expect_eq(w.s[1].heard[DUET_CORE_OPENED], 1, "it waited");
    cr_expect_eq(w.s[1].got, 3);
    close_wire(&w);
}

Test(api_core, says_goodbye_with_a_code_of_the_caller)
{
    struct wire w;

    open_wire(&w);
    connect_sides(&w);
    cr_expect_eq(duet_core_close(w.s[0].core, w.s[0].conn, 7, NULL, w.now_us), DUET_EINVAL,
                 "codes below 0x100 are ours");
    cr_expect_eq(duet_core_close(w.s[0].core, w.s[0].conn, 0x123, "enough", w.now_us), 0);
    run(&w, 3000000);
    cr_expect_eq(w.s[0].heard[DUET_CORE_CLOSED], 1);
    cr_expect_eq(w.s[1].heard[DUET_CORE_CLOSED], 1);
    cr_expect_eq(w.s[0].err, 0);
    cr_expect_eq(w.s[1].err, DUET_ECLOSED);
    cr_expect_eq(w.s[1].code, 0x123);
    cr_expect_eq(duet_core_trust(w.s[1].core, w.s[1].conn, w.now_us), DUET_ENOTFOUND);
    close_wire(&w);
}

Test(api_core, says_no_to_what_makes_no_sense)
{
    struct duet_core_config c;
    struct duet_core *core = make(1, false), *none;
    const struct duet_core_event *ev;
    const struct duet_addr nowhere = {.family = 0};
    struct duet_envelope envelope = {.peer = {.family = 4, .port = 1}};
    uint8_t key[DUET_KEY_BYTES] = {1}, bytes[1300] = {0};
    uint64_t id;
    size_t segment;

    duet_core_config_init(&c, sizeof(c));
    cr_expect_eq(duet_core_new(&c, 0, &none), DUET_EINVAL, "it has no key");
    c.secret_key = key;
    c.heartbeat_us = 1;
    cr_expect_eq(duet_core_new(&c, 0, &none), DUET_EINVAL);
    duet_core_config_init(&c, sizeof(c));
    c.secret_key = key;
    c.max_packet_bytes = 12;
    cr_expect_eq(duet_core_new(&c, 0, &none), DUET_EINVAL);
    c.max_packet_bytes = 0;
    c.cc = "reno";
    cr_expect_eq(duet_core_new(&c, 0, &none), DUET_ENOTFOUND);
    cr_expect_eq(duet_core_new(NULL, 0, &none), DUET_EINVAL);
    cr_expect_eq(duet_core_new(&c, 0, NULL), DUET_EINVAL);
    cr_expect_eq(duet_core_connect(core, &nowhere, 0, &id), DUET_EINVAL);
    cr_expect_eq(duet_core_recv(core, &envelope, bytes, 0, 1, 0), DUET_EINVAL);
    cr_expect_eq(duet_core_recv(core, &envelope, bytes, 10, 0, 0), DUET_EINVAL);
    cr_expect(duet_core_recv(core, &envelope, bytes, sizeof(bytes), sizeof(bytes), 0) < 0, "noise is dropped");
    cr_expect_eq(duet_core_send(core, &envelope, bytes, 100, &segment, 0), DUET_EINVAL);
    cr_expect_eq(duet_core_send(core, &envelope, bytes, sizeof(bytes), &segment, 0), 0);
    cr_expect_eq(duet_core_open(core, 9, DUET_PRIORITY_NORMAL, 0, &id), DUET_ENOTFOUND);
    cr_expect_eq(duet_core_open(core, 9, (enum duet_priority)9, 0, &id), DUET_EINVAL);
    cr_expect_eq(duet_core_write(core, 9, 0, "a", 1, 0), DUET_ENOTFOUND, "the control stream is nobody's");
    cr_expect_eq(duet_core_read(core, 9, 2, bytes, 1, 0), DUET_ENOTFOUND, "nor those of files");
    cr_expect_eq(duet_core_datagram(core, 9, "a", 1, 0), DUET_ENOTFOUND);
    cr_expect_eq(duet_core_datagram_max(core, 9), 0);
    cr_expect_eq(duet_core_next(core, &ev), 0);
    cr_expect_eq(duet_core_next(NULL, &ev), DUET_EINVAL);
    cr_expect_eq(duet_core_deadline(NULL), UINT64_MAX);
    cr_expect_eq(duet_core_tick(NULL, 0), DUET_EINVAL);
    cr_expect_str_eq(duet_core_event_name(DUET_CORE_OPENED), "DUET_CORE_OPENED");
    duet_core_free(core);
    duet_core_free(NULL);
}

Test(api_core, writes_addresses_as_sockets_have_them_and_back)
{
    const struct duet_addr v4 = {.family = 4, .ip = {192, 0, 2, 1}, .port = 6254};
    struct sockaddr_storage sa;
    struct duet_addr back;
    int len = duet_addr_to_sockaddr(&v4, AF_INET6, &sa);

    cr_assert_eq(len, (int)sizeof(struct sockaddr_in6));
    cr_expect_eq(duet_addr_from_sockaddr((const struct sockaddr *)&sa, (socklen_t)len, &back), 0);
    cr_expect_eq(back.family, 4, "one peer has one address");
    cr_expect_eq(back.port, 6254);
    len = duet_addr_to_sockaddr(&v4, AF_INET, &sa);
    cr_expect_eq(len, (int)sizeof(struct sockaddr_in));
    cr_expect_eq(duet_addr_from_sockaddr((const struct sockaddr *)&sa, 3, &back), DUET_EUNSUPPORTED);
    cr_expect_eq(duet_addr_to_sockaddr(&v4, AF_UNIX, &sa), DUET_EINVAL);
    cr_expect_eq(duet_addr_from_sockaddr(NULL, 0, &back), DUET_EINVAL);
}
