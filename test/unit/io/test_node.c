/* Two whole programs without their front ends, in one process, over real sockets on loopback. */
#include "io/node.h"

#include "unit.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "base/err.h"
#include "tmpdir.h"

#define WAIT_MS 200000 /* everything here takes milliseconds: only a bug takes this long */
#define FILE_BYTES (3 * CHUNK_BYTES + 777)

static struct node_config config(uint8_t secret, const char *name, bool accept)
{
    struct node_config c = {
        .endpoint = {.params = params_default(), .accept = accept},
        .hub = {.receive_files = true, .accept_offers = true, .serve = true},
        .bind = "127.0.0.1",
    };

    memset(c.endpoint.identity.secret, secret, NOISE_KEY_BYTES);
    noise_public(c.endpoint.identity.public, c.endpoint.identity.secret);
    snprintf(c.endpoint.name, sizeof(c.endpoint.name), "%s", name);
    return c;
}

static struct node *start(const struct node_config *c)
{
    struct node *n = NULL;
    char error[NODE_ERROR_BYTES];
    int sys = 0;

    cr_assert_eq(node_start(c, &n, error, &sys), 0, "%s", error);
    return n;
}

/* The next message of this type; keys are trusted, everything else on the way is let go. */
static struct notice await(struct node *n, enum notice_type type)
{
    struct pollfd p = {.fd = node_fd(n), .events = POLLIN};
    struct notice m;

    for (;;) {
        while (!node_next(n, &m))
            cr_assert_eq(poll(&p, 1, WAIT_MS), 1, "no %s came", notice_name(type));
        if (m.type == type)
            return m;
        if (m.type == NOTICE_PEER_KEY) {
            struct request yes = {.type = REQUEST_TRUST, .peer = m.peer, .trust = {.yes = true}};

            node_send(n, &yes);
        }
        cr_assert_neq(m.type, NOTICE_TRANSFER_FAILED, "%s", m.text);
        cr_assert_neq(m.type, NOTICE_FAILED, "%d", m.failed.err);
        notice_dispose(&m);
    }
}

struct pair {
    struct node *a, *b; /* a waits, b connects */
    conn_id at_a, at_b; /* how each knows the other */
};

static void *trust_peer(void *arg)
{
    struct pair *p = arg;

    p->at_a = await(p->a, NOTICE_CONNECTED).peer;
    return NULL;
}

static struct pair connect_pair(const struct node_config *a, const struct node_config *b)
{
    struct pair p = {.a = start(a), .b = start(b)};
    struct request m = {.type = REQUEST_CONNECT, .connect = {.call = 1}};
    pthread_t thread;

    const struct duet_addr addr = await(p.a, NOTICE_LISTENING).listening.addr;

    cr_assert_neq(addr.port, 0);
    m.connect.callee = callee_new(&addr, 1);
    cr_assert_eq(pthread_create(&thread, NULL, trust_peer, &p), 0);
    node_send(p.b, &m);
    p.at_b = await(p.b, NOTICE_CONNECTED).peer;
    pthread_join(thread, NULL);
    return p;
}

Test(node, starts_and_stops_without_a_peer)
{
    const struct node_config c = config(1, "ann", true);
    struct node *n = start(&c);

    cr_expect_eq(await(n, NOTICE_LISTENING).listening.addr.family, ADDR_V4);
    node_stop(n);
    n = start(&c);
    node_stop(n); /* with NOTICE_LISTENING unread */
}

Test(node, says_what_keeps_it_from_starting)
{
    struct node_config c = config(1, "ann", true);
    struct node *n = start(&c), *m = NULL;
    char error[NODE_ERROR_BYTES];
    int sys = 0;

    c.port = await(n, NOTICE_LISTENING).listening.addr.port;
    cr_expect_eq(node_start(&c, &m, error, &sys), DUET_ESYS);
    cr_expect_eq(sys, EADDRINUSE);
    c.port = 0;
    c.out_dir = "/nowhere/at/all";
    cr_expect_eq(node_start(&c, &m, error, &sys), DUET_ESYS);
    cr_expect_eq(sys, ENOENT);
    cr_expect_not_null(strstr(error, "/nowhere/at/all"));
    c.out_dir = NULL;
    c.trace = "/nowhere/trace";
    cr_expect_eq(node_start(&c, &m, error, &sys), DUET_ESYS);
    cr_expect_not_null(strstr(error, "/nowhere/trace"));
    c.trace = NULL;
    c.endpoint.cc = "no-such-thing";
    cr_expect_eq(node_start(&c, &m, error, &sys), DUET_ENOTFOUND);
    cr_expect_not_null(strstr(error, "no-such-thing"));
    cr_expect_null(m);
    node_stop(n);
}

Test(node, two_peers_chat_and_one_hears_the_other_leave)
{
    const struct node_config a = config(1, "ann", true), b = config(2, "bob", false);
    struct pair p = connect_pair(&a, &b);
    struct request say = {.type = REQUEST_SAY, .peer = p.at_b, .text = strdup("hello"), .say = {.id = 5}};
    struct notice m;

    node_send(p.b, &say);
    m = await(p.a, NOTICE_TEXT);
    cr_expect_str_eq(m.text, "hello");
    notice_dispose(&m);
    cr_expect_eq(await(p.b, NOTICE_DELIVERED).delivered.say, 5);
    node_stop(p.b);
    m = await(p.a, NOTICE_LEFT);
    cr_expect_eq(m.peer, p.at_a);
    notice_dispose(&m);
    node_stop(p.a);
}

static void write_file(const struct tmpdir *d)
{
    uint8_t *bytes = malloc(FILE_BYTES);

    for (size_t i = 0; i < FILE_BYTES; i++)
        bytes[i] = (uint8_t)(i * 13 + i / 251);
    tmpdir_put(d, "file.bin", bytes, FILE_BYTES);
    free(bytes);
}

static bool same_files(const char *a, const char *b)
{
    char command[2 * TMPDIR_PATH_BYTES];

    snprintf(command, sizeof(command), "cmp -s '%s' '%s'", a, b);
    return system(command) == 0;
}

static void send_file(bool no_gso)
{
    struct tmpdir from = tmpdir_make(), to = tmpdir_make();
    struct node_config a = config(1, "ann", true), b = config(2, "bob", false);

    a.out_dir = to.path;
    a.trace = strdup(tmpdir_path(&from, "trace"));
    b.no_gso = no_gso;
    write_file(&from);
    struct pair p = connect_pair(&a, &b);
    struct request send = {
        .type = REQUEST_SEND, .peer = p.at_b, .text = strdup(tmpdir_path(&from, "file.bin")), .send = {.id = 9}};
    struct request quit = {.type = REQUEST_QUIT};
    struct notice m;
    bool found;

    node_send(p.b, &send);
    m = await(p.a, NOTICE_RECEIVED);
    cr_expect_str_eq(m.text, tmpdir_path(&to, "file.bin"));
    cr_expect_eq(m.file.bytes, FILE_BYTES);
    notice_dispose(&m);
    m = await(p.b, NOTICE_SENT);
    notice_dispose(&m);
    cr_expect(same_files(tmpdir_path(&from, "file.bin"), tmpdir_path(&to, "file.bin")));
    cr_expect_eq(tmpdir_count(&to, ""), 1);

    node_send(p.b, &quit);
    cr_expect_eq(await(p.b, NOTICE_STOPPED).stopped.err, 0, "quits by itself once everything is delivered");
    node_stop(p.b);
    node_stop(p.a);
    cr_expect_not_null(strstr(tmpdir_get(&from, "trace", &found), "transport:packet_"));
    free((char *)(uintptr_t)a.trace);
    tmpdir_remove(&from);
    tmpdir_remove(&to);
}

Test(node, a_file_arrives_whole)
{
    send_file(false);
}

Test(node, a_file_arrives_whole_without_segmentation)
{
    send_file(true);
}
