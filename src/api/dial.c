/*
 * Calls.  A name is looked up beside everything else (io/lookup.h), then all its addresses are called.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "api/state.h"
#include "base/err.h"
#include "io/clock.h"

#define NS_PER_US 1000
#define SLOW_US UINT64_C(500000) /* a lookup that takes longer is told of */

_Static_assert(DUET_DIALLED_BYTES >= RESOLVE_TEXT_BYTES && DUET_ERROR_BYTES >= RESOLVE_ERROR_BYTES,
               "resolve_parse writes into the caller's");

int duet_host_parse(const char *host, int family, char *dialled, char *error)
{
    char words[RESOLVE_ERROR_BYTES];
    struct resolve_query q;
    struct resolve_result literal = {.err = 0};

    if (host == NULL || (family != 0 && family != 4 && family != 6))
        return DUET_EINVAL;
    int err = resolve_parse(host, family, DUET_DEFAULT_PORT, &q, words);

    if (err == 0 && resolve_literal(&q, &literal) && literal.err != 0) {
        err = literal.err;
        memcpy(words, literal.error, sizeof(words));
    }
    if (err == 0 && dialled != NULL)
        snprintf(dialled, DUET_DIALLED_BYTES, "%s", q.dialled);
    if (err != 0)
        api_complain(error, "%s", words);
    return err;
}

/* ---- when ---- */

static duet_time due_of_calls(const struct duet_node *n)
{
    duet_time due = DUET_NEVER;

    for (size_t i = 0; n->call_count > 0 && i < DUET_CALLS; i++) {
        const struct api_call *c = &n->calls[i];

        if (c->id == 0)
            continue;
        if (c->is_called || c->is_cancelled)
            return DUET_TIME(0);
        due = time_min(due, time_min(c->told_at, c->give_up_at));
    }
    return due;
}

void api_arm(struct duet_node *n)
{
    const duet_time due = due_of_calls(n);
    struct itimerspec at = {.it_value = {.tv_nsec = 0}};

    if (due.us == n->armed.us)
        return;
    n->armed = due;
    if (!time_is_never(due)) {
        at.it_value.tv_sec = (time_t)(due.us / US_PER_S);
        at.it_value.tv_nsec = (long)(due.us % US_PER_S) * NS_PER_US + 1; /* of all zeros it would be off */
    }
    (void)timerfd_settime(n->timer_fd, TFD_TIMER_ABSTIME, &at, NULL); /* the values are in range: it cannot fail */
}

/* ---- calling ---- */

static struct api_call *find_call(struct duet_node *n, uint32_t id)
{
    for (size_t i = 0; i < DUET_CALLS; i++)
        if (n->calls[i].id == id)
            return &n->calls[i];
    return NULL;
}

static void end_call(struct duet_node *n, struct api_call *c)
{
    c->id = 0;
    n->call_count--;
}

void api_call_over(struct duet_node *n, uint32_t id)
{
    struct api_call *c = id != 0 ? find_call(n, id) : NULL;

    if (c != NULL)
        end_call(n, c);
}

/* Whose answer the call is for: the only key there is, else those on file for that address. */
void api_calls_expect(const struct duet_node *n, const char *dialled, struct expected_keys *out)
{
    uint8_t keys[EXPECTED_KEYS][NOISE_KEY_BYTES];

    *out = n->only;
    if (out->count > 0 || n->identity.id.dir[0] == '\0')
        return;
    out->count = known_keys_at(&n->identity.id, dialled, keys, EXPECTED_KEYS);
    for (size_t i = 0; i < out->count; i++)
        noise_print(out->prints[i], keys[i]);
}

/* The addresses are known. */
static int call_addresses(struct duet_node *n, struct api_call *c, const struct resolve_result *found)
{
    struct request m = {.type = REQUEST_CONNECT,
                        .connect = {.call = c->id, .callee = callee_new(found->addrs, found->count)}};

    if (m.connect.callee == NULL)
        return DUET_ENOMEM;
    api_calls_expect(n, c->query.dialled, &m.connect.callee->expected);
    c->looks_up = false;
    c->is_called = true;
    c->told_at = c->give_up_at = DUET_NEVER;
    c->count = found->count;
    memcpy(c->addrs, found->addrs, sizeof(c->addrs));
    node_send(n->node, &m);
    return 0;
}

static int start_lookup(struct duet_node *n, struct api_call *c, duet_time now)
{
    const int err = n->lookups != NULL ? lookups_start(n->lookups, c->id, &c->query) : DUET_ECLOSED;

    c->looks_up = err == 0;
    c->told_at = time_add(now, SLOW_US);
    c->give_up_at = time_add(now, n->connect_timeout_us);
    return err;
}

int duet_dial(struct duet_node *n, uint32_t id, const char *host, char *error)
{
    char words[RESOLVE_ERROR_BYTES];
    struct resolve_query q;
    struct resolve_result literal = {.err = 0};

    if (n == NULL || id == 0 || host == NULL)
        return DUET_EINVAL;
    int err = resolve_parse(host, n->family, DUET_DEFAULT_PORT, &q, words);

    if (err != 0) {
        api_complain(error, "%s", words);
        return err;
    }
    struct api_call *c = find_call(n, 0);

    if (find_call(n, id) != NULL)
        err = DUET_EEXIST;
    else if (c == NULL)
        err = DUET_EFULL;
    if (err != 0) {
        api_complain(error, "cannot call %s: %s", q.dialled, err_text(err));
        return err;
    }
    *c = (struct api_call){.id = id, .told_at = DUET_NEVER, .give_up_at = DUET_NEVER, .query = q};
    n->call_count++;
    if (!resolve_literal(&q, &literal))
        err = start_lookup(n, c, clock_now());
    else
        err = literal.err != 0 ? literal.err : call_addresses(n, c, &literal);
    if (err != 0) {
        end_call(n, c);
        api_complain(error, "%s", literal.err != 0 ? literal.error : err_text(err));
    }
    api_arm(n);
    return err;
}

int duet_dial_cancel(struct duet_node *n, uint32_t id)
{
    if (n == NULL || id == 0)
        return DUET_EINVAL;
    struct api_call *c = find_call(n, id);

    if (c == NULL || !c->looks_up || n->lookups == NULL)
        return DUET_ENOTFOUND;
    lookups_cancel(n->lookups, id);
    end_call(n, c);
    return 0;
}

/* ---- what comes of them ---- */

static bool tell(struct duet_node *n, uint32_t type, const struct api_call *c, const char *text)
{
    n->event.type = type;
    n->event.id = c->id;
    api_event_text(n, text);
    return true;
}

static bool tell_failed(struct duet_node *n, struct api_call *c, int err, const char *text)
{
    n->event.err = err;
    tell(n, DUET_EVENT_FAILED, c, text);
    end_call(n, c);
    return true;
}

/* true: it was told of. */
static bool end_lookup(struct duet_node *n, struct api_call *c, const struct resolve_result *found)
{
    int err = found->err;

    c->looks_up = false;
    if (err == 0)
        err = call_addresses(n, c, found);
    return err != 0 && tell_failed(n, c, err, found->err != 0 ? found->error : err_text(err));
}

/* The resolver tries for minutes where no server answers. */
static bool give_up(struct duet_node *n, struct api_call *c)
{
    char text[RESOLVE_ERROR_BYTES];

    lookups_cancel(n->lookups, c->id);
    snprintf(text, sizeof(text), "cannot find %.100s: no name server answered within %llu s", c->query.host,
             (unsigned long long)(n->connect_timeout_us / US_PER_S));
    return tell_failed(n, c, DUET_ENOTFOUND, text);
}

static bool next_of_call(struct duet_node *n, struct api_call *c, duet_time now)
{
    if (c->id == 0)
        return false;
    if (c->is_cancelled)
        return tell_failed(n, c, DUET_ECANCELLED, err_text(DUET_ECANCELLED));
    if (c->is_called) {
        c->is_called = false;
        return tell(n, DUET_EVENT_CALLING, c, c->query.dialled);
    }
    if (c->looks_up && time_due(c->give_up_at, now))
        return give_up(n, c);
    if (c->looks_up && time_due(c->told_at, now)) {
        c->told_at = DUET_NEVER;
        return tell(n, DUET_EVENT_LOOKING_UP, c, c->query.host);
    }
    return false;
}

bool api_calls_next(struct duet_node *n, duet_time now)
{
    struct resolve_result found;
    uint32_t id;

    if (n->call_count == 0)
        return false;
    while (n->lookups != NULL && lookups_next(n->lookups, &id, &found)) {
        struct api_call *c = find_call(n, id);

        if (c != NULL && end_lookup(n, c, &found))
            return true;
    }
    for (size_t i = 0; i < DUET_CALLS; i++)
        if (next_of_call(n, &n->calls[i], now))
            return true;
    return false;
}

static bool is_at(const struct api_call *c, const struct duet_addr *addr)
{
    for (size_t i = 0; i < c->count; i++)
        if (addr_equal(&c->addrs[i], addr))
            return true;
    return false;
}

/* By the number of the call, or, when both called at once, by the address. */
uint32_t api_call_answered(struct duet_node *n, uint32_t id, const struct duet_addr *addr,
                           char dialled[RESOLVE_TEXT_BYTES])
{
    dialled[0] = '\0';
    for (size_t i = 0; i < DUET_CALLS; i++) {
        struct api_call *c = &n->calls[i];

        if (c->id == 0 || !(id != 0 ? c->id == id : is_at(c, addr)))
            continue;
        const uint32_t which = c->id;

        memcpy(dialled, c->query.dialled, sizeof(c->query.dialled));
        end_call(n, c);
        return which;
    }
    return id;
}

void api_calls_cancel(struct duet_node *n)
{
    for (size_t i = 0; i < DUET_CALLS; i++)
        if (n->calls[i].id != 0 && n->calls[i].looks_up)
            n->calls[i].is_cancelled = true;
    api_calls_free(n);
    api_arm(n);
}

void api_calls_free(struct duet_node *n)
{
    if (n->lookups == NULL)
        return;
    /* An abandoned lookup keeps the descriptor open, and perhaps readable. */
    (void)epoll_ctl(n->epoll_fd, EPOLL_CTL_DEL, lookups_fd(n->lookups), NULL);
    lookups_free(n->lookups);
    n->lookups = NULL;
}
