#include "two.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

struct duet_options two_options(void)
{
    struct duet_options o;

    duet_options_init(&o, sizeof(o));
    o.bind = "127.0.0.1";
    o.port = 0;
    o.trust = DUET_TRUST_NEW;
    return o;
}

struct duet_node *two_start(const struct duet_options *options, char secret)
{
    struct duet_options o = *options;
    struct duet_identity *id = NULL;
    struct duet_node *n = NULL;
    uint8_t key[DUET_KEY_BYTES];
    char error[DUET_ERROR_BYTES] = "";

    memset(key, secret, sizeof(key));
    if (o.identity == NULL && o.home == NULL) {
        cr_assert_eq(duet_identity_new(key, &id), 0);
        o.identity = id;
    }
    cr_assert_eq(duet_node_new(&o, &n, error), 0, "%s", error);
    duet_identity_free(id);
    return n;
}

const struct duet_event *two_await(struct duet_node *n, uint32_t type)
{
    const struct duet_event *ev;

    for (;;) {
        cr_assert_eq(duet_wait(n, TWO_WAIT_MS, &ev), 1, "no %s came", duet_event_name(type));
        if (ev->type == type)
            return ev;
        cr_assert(ev->type != DUET_EVENT_FAILED && ev->type != DUET_EVENT_TRANSFER_FAILED &&
                      ev->type != DUET_EVENT_UNSENT,
                  "%s: %s", duet_event_name(ev->type), ev->text);
    }
}

const char *two_host(struct duet_node *n, char out[DUET_DIALLED_BYTES])
{
    return duet_addr_text(two_await(n, DUET_EVENT_LISTENING)->addr, out);
}

struct two two_connect(const struct duet_options *a, const struct duet_options *b)
{
    struct two t = {.a = two_start(a, 1), .b = two_start(b, 2)};
    char host[DUET_DIALLED_BYTES], error[DUET_ERROR_BYTES] = "";

    cr_assert_eq(duet_dial(t.b, 7, two_host(t.a, host), error), 0, "%s", error);
    two_await(t.a, DUET_EVENT_KEY); /* each answers when it is asked for events, the one before the other can go on */
    t.at_b = two_await(t.b, DUET_EVENT_CONNECTED)->peer;
    t.at_a = two_await(t.a, DUET_EVENT_CONNECTED)->peer;
    return t;
}

void two_free(struct two *t)
{
    duet_node_free(t->a);
    duet_node_free(t->b);
}
