/*
 * A node from its options to its end.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "api/state.h"
#include "base/err.h"

_Static_assert(DUET_ERROR_BYTES >= NODE_ERROR_BYTES, "node_start writes into the caller's");

static int read_identity(struct duet_node *n, const struct duet_options *o, char *error)
{
    struct duet_identity *own;

    if (o->identity != NULL) {
        n->identity = *o->identity;
        return 0;
    }
    const int err = duet_identity_open(o->home, &own, error);

    if (err != 0)
        return err;
    n->identity = *own;
    duet_identity_free(own);
    return 0;
}

static int watch(const struct duet_node *n, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN};

    return epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : DUET_ESYS;
}

static int open_fds(struct duet_node *n, char *error)
{
    n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    n->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    n->lookups = lookups_new(resolve_name);
    if (n->epoll_fd >= 0 && n->timer_fd >= 0 && n->lookups != NULL && watch(n, n->timer_fd) == 0 &&
        watch(n, lookups_fd(n->lookups)) == 0)
        return 0;
    const int why = errno;

    api_complain(error, "cannot prepare for waiting: %s", strerror(why));
    errno = why;
    return DUET_ESYS;
}

static struct node_config config_of(const struct duet_node *n, const struct duet_options *o)
{
    struct node_config cfg = {
        .endpoint =
            {
                .identity = n->identity.id.keys,
                .params = params_default(),
                .cc = o->cc,
                .accept = !o->refuse_calls,
                .connect_timeout_us = o->connect_timeout_us,
                .limit_bytes_per_s = o->limit_bytes_per_s,
            },
        .hub =
            {
                .receive_files = o->receive_files,
                .accept_offers = o->accept_offers,
                .serve = o->serve,
                .give_up_us = o->give_up_us,
            },
        .family = o->family,
        .bind = o->bind,
        .port = o->port,
        .port_fallback = o->port_is_a_wish,
        .out_dir = o->out_dir,
        .trace = o->trace,
        .no_gso = o->no_gso,
    };

    if (o->step)
        cfg.endpoint.params.mode = MODE_STEP;
    if (o->max_packet_bytes != 0)
        cfg.endpoint.params.max_packet_bytes = (uint32_t)o->max_packet_bytes;
    cfg.endpoint.params.window_bytes = o->window_bytes;
    cfg.endpoint.params.heartbeat_us = o->heartbeat_us;
    if (o->shared_secret != NULL)
        memcpy(cfg.endpoint.psk, o->shared_secret, sizeof(cfg.endpoint.psk));
    snprintf(cfg.endpoint.name, sizeof(cfg.endpoint.name), "%s", o->name != NULL ? o->name : n->identity.name);
    return cfg;
}

static int start_node(struct duet_node *n, const struct duet_options *o, char *error)
{
    struct node_config cfg = config_of(n, o);
    char words[DUET_ERROR_BYTES] = "";
    int sys = 0;
    const int err = node_start(&cfg, &n->node, words, &sys);

    sodium_memzero(&cfg, sizeof(cfg));
    if (err != 0) {
        n->node = NULL;
        api_complain(error, "%s", words[0] != '\0' ? words : err_text(err));
        errno = sys;
        return err;
    }
    return watch(n, node_fd(n->node));
}

static void read_policy(struct duet_node *n, const struct duet_options *o)
{
    n->trust = (enum duet_trust_policy)o->trust;
    n->only.count = o->peer_fingerprint != NULL && fingerprint_parse(o->peer_fingerprint, n->only.prints[0]) ? 1 : 0;
    n->family = o->family;
    n->connect_timeout_us = o->connect_timeout_us;
}

int duet_node_new(const struct duet_options *options, struct duet_node **out, char *error)
{
    struct duet_options o;
    uint64_t secret;

    if (out == NULL)
        return DUET_EINVAL;
    *out = NULL;
    int err = api_options_read(options, &o, error);

    if (err != 0)
        return err;
    struct duet_node *n = calloc(1, sizeof(*n));

    if (n == NULL) {
        api_complain(error, "%s", err_text(DUET_ENOMEM));
        return DUET_ENOMEM;
    }
    n->epoll_fd = n->timer_fd = -1;
    n->armed = DUET_NEVER;
    n->event.size = sizeof(n->event);
    read_policy(n, &o);
    err = read_identity(n, &o, error);
    if (err == 0)
        err = open_fds(n, error);
    if (err == 0) {
        randombytes_buf(&secret, sizeof(secret));
        idmap_init(&n->peers, secret);
        err = start_node(n, &o, error);
    }
    if (err != 0) {
        const int why = errno;

        duet_node_free(n);
        errno = why;
        return err;
    }
    *out = n;
    return 0;
}

void duet_node_free(struct duet_node *n)
{
    if (n == NULL)
        return;
    if (n->node != NULL)
        node_stop(n->node);
    if (n->has_message)
        notice_dispose(&n->message);
    api_calls_free(n);
    api_peers_free(n);
    if (n->timer_fd >= 0)
        close(n->timer_fd);
    if (n->epoll_fd >= 0)
        close(n->epoll_fd);
    identity_wipe(&n->identity.id);
    free(n);
}

int duet_leave(struct duet_node *n)
{
    struct request m = {.type = REQUEST_LEAVING};

    if (n == NULL)
        return DUET_EINVAL;
    node_send(n->node, &m);
    return 0;
}

int duet_quit(struct duet_node *n, bool at_once)
{
    struct request m = {.type = REQUEST_QUIT, .quit = {.at_once = at_once}};

    if (n == NULL)
        return DUET_EINVAL;
    api_calls_cancel(n);
    node_send(n->node, &m);
    return 0;
}
