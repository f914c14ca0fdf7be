#include <duet/version.h>

#include "io/node.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "crypto/aead.h"
#include "io/clock.h"
#include "io/disk.h"
#include "io/mqueue.h"
#include "io/net.h"
#include "io/pages.h"
#include "io/tracefile.h"
#include "io/udp.h"
#include "recovery/cc.h"

#define TO_NET_MESSAGES 1024
#define TO_UI_MESSAGES 1024
#define DISK_MESSAGES 256 /* each way: both pools' chunks and the jobs around them */

#define WHAT_BYTES 160

struct node {
    struct mqueue *to_net, *to_ui, *to_disk, *from_disk;
    struct udp *udp;
    struct tracefile *trace;
    struct endpoint *endpoint;
    struct hub *hub;
    struct disk *disk;
    struct net *net; /* NULL: its thread does not run */
    bool disk_runs;
    bool quit_now; /* REQUEST_QUIT "at once" was sent */
    bool stopped;  /* NOTICE_STOPPED was seen */
};

static int fail(int err, int sys, const char *what, char error[NODE_ERROR_BYTES])
{
    snprintf(error, NODE_ERROR_BYTES, "%.*s: %s", WHAT_BYTES, what, err == DUET_ESYS ? strerror(sys) : err_text(err));
    return err;
}

static int open_queues(struct node *n, char error[NODE_ERROR_BYTES], int *sys)
{
    n->to_net = mqueue_new(&request_kind, TO_NET_MESSAGES);
    n->to_ui = mqueue_new(&notice_kind, TO_UI_MESSAGES);
    n->to_disk = mqueue_new(&disk_job_kind, DISK_MESSAGES);
    n->from_disk = mqueue_new(&disk_result_kind, DISK_MESSAGES);
    if (n->to_net != NULL && n->to_ui != NULL && n->to_disk != NULL && n->from_disk != NULL)
        return 0;
    *sys = errno;
    return fail(DUET_ESYS, *sys, "cannot make the queues between threads", error);
}

static int open_socket(struct node *n, const struct node_config *cfg, char error[NODE_ERROR_BYTES], int *sys)
{
    const struct udp_config udp = {
        .family = cfg->family,
        .bind = cfg->bind,
        .port = cfg->port,
        .port_fallback = cfg->port_fallback,
        .no_gso = cfg->no_gso,
    };

    _Static_assert(NODE_ERROR_BYTES >= UDP_ERROR_BYTES, "udp writes its line into ours");
    const int err = udp_open(&udp, &n->udp, error, sys);

    return err == DUET_ENOMEM ? fail(err, 0, "cannot open the socket", error) : err;
}

static int open_files(struct node *n, const struct node_config *cfg, duet_time now, char error[NODE_ERROR_BYTES],
                      int *sys)
{
    char what[WHAT_BYTES];
    int err = 0;

    if (cfg->trace != NULL)
        err = tracefile_open(cfg->trace, now, &n->trace, sys);
    if (err != 0) {
        snprintf(what, sizeof(what), "cannot write to the trace file %.100s", cfg->trace);
        return fail(err, *sys, what, error);
    }
    err = disk_new(cfg->out_dir, cfg->out_dir != NULL && cfg->hub.receive_files, &n->disk, sys);
    if (err != 0) {
        snprintf(what, sizeof(what), "cannot store files in %.100s", cfg->out_dir == NULL ? "." : cfg->out_dir);
        return fail(err, *sys, what, error);
    }
    return 0;
}

static bool controller_exists(const char *name)
{
    const char *known;

    for (unsigned i = 0; name != NULL && (known = cc_name(i)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return true;
    return name == NULL;
}

static const struct chunk_memory memory_of_chunks = {.take = pages_take, .give = pages_give};

static int make_core(struct node *n, const struct node_config *cfg, duet_time now, char error[NODE_ERROR_BYTES])
{
    struct endpoint_config endpoint = cfg->endpoint;
    struct hub_config hub = cfg->hub;

    if (!controller_exists(endpoint.cc)) {
        snprintf(error, NODE_ERROR_BYTES, "no congestion control called %.64s", endpoint.cc);
        sodium_memzero(&endpoint, sizeof(endpoint));
        return DUET_ENOTFOUND;
    }
    randombytes_buf(endpoint.seed, sizeof(endpoint.seed)); /* libsodium's source is getrandom */
    endpoint.params.suites = aead_suites();                /* those whose self-test passes here */
    endpoint.params.prefer = aead_prefers_aes() ? SUITE_AES128GCM : SUITE_CHACHA20POLY1305;
    endpoint.trace = cfg->trace != NULL;
    n->endpoint = endpoint_new(&endpoint, now);
    sodium_memzero(&endpoint, sizeof(endpoint));
    hub.wall_offset_us = clock_wall_us() - now.us;
    hub.memory = &memory_of_chunks;
    hub.version = DUET_VERSION_STRING;
    hub.started = now;
    if (n->endpoint != NULL)
        n->hub = hub_new(&hub, n->endpoint);
    return n->hub != NULL ? 0 : fail(DUET_ENOMEM, 0, "cannot start", error);
}

static int start_threads(struct node *n, char error[NODE_ERROR_BYTES], int *sys)
{
    const struct net_config net = {
        .endpoint = n->endpoint,
        .hub = n->hub,
        .udp = n->udp,
        .trace = n->trace,
        .from_ui = n->to_net,
        .to_ui = n->to_ui,
        .to_disk = n->to_disk,
        .from_disk = n->from_disk,
    };
    struct notice listening = {.type = NOTICE_LISTENING};
    int err;

    udp_local(n->udp, &listening.listening.addr);
    mqueue_push(n->to_ui, &listening); /* the queue is empty: there is room */
    err = disk_start(n->disk, n->to_disk, n->from_disk, sys);
    n->disk_runs = err == 0;
    if (err == 0)
        err = net_start(&net, &n->net, sys);
    return err == 0 ? 0 : fail(err, *sys, "cannot start a thread", error);
}

/* In the order of who uses whom; the chunks in flight are the hub's, so it goes after the disk
 * thread. */
static void dispose(struct node *n)
{
    if (n->disk_runs) {
        mqueue_close(n->from_disk);
        mqueue_close(n->to_disk);
        disk_join(n->disk);
    }
    int sys;

    disk_free(n->disk);
    if (n->hub != NULL)
        hub_free(n->hub);
    if (n->endpoint != NULL)
        endpoint_free(n->endpoint);
    (void)tracefile_close(n->trace, 0, &sys); /* flushed, and errors told, by the net thread */
    udp_close(n->udp);
    mqueue_free(n->to_net);
    mqueue_free(n->to_ui);
    mqueue_free(n->to_disk);
    mqueue_free(n->from_disk);
    free(n);
}

int node_start(const struct node_config *cfg, struct node **out, char error[NODE_ERROR_BYTES], int *sys)
{
    struct node *n = calloc(1, sizeof(*n));
    const duet_time now = clock_now();

    *out = NULL;
    *sys = 0;
    error[0] = '\0';
    if (n == NULL)
        return fail(DUET_ENOMEM, 0, "cannot start", error);
    if (sodium_init() < 0) {
        free(n);
        return fail(DUET_EUNSUPPORTED, 0, "libsodium cannot start", error);
    }
    int err = open_queues(n, error, sys);

    if (err == 0)
        err = open_socket(n, cfg, error, sys);
    if (err == 0)
        err = open_files(n, cfg, now, error, sys);
    if (err == 0)
        err = make_core(n, cfg, now, error);
    if (err == 0)
        err = start_threads(n, error, sys);
    if (err != 0) {
        dispose(n);
        return err;
    }
    *out = n;
    return 0;
}

void node_send(struct node *n, struct request *m)
{
    if (m->type == REQUEST_QUIT && m->quit.at_once)
        n->quit_now = true;
    if (!mqueue_push_wait(n->to_net, m))
        request_dispose(m); /* the net thread has ended: NOTICE_STOPPED is waiting for ui */
}

int node_fd(const struct node *n)
{
    return mqueue_ready_fd(n->to_ui);
}

bool node_next(struct node *n, struct notice *out)
{
    if (!mqueue_pop(n->to_ui, out))
        return false;
    n->stopped |= out->type == NOTICE_STOPPED;
    return true;
}

void node_stop(struct node *n)
{
    struct pollfd wait = {.fd = node_fd(n), .events = POLLIN};
    struct request quit = {.type = REQUEST_QUIT, .quit = {.at_once = true}};
    struct notice m;

    if (!n->stopped && !n->quit_now)
        node_send(n, &quit);
    while (!n->stopped) {
        if (node_next(n, &m))
            notice_dispose(&m);
        else
            poll(&wait, 1, -1);
    }
    net_join(n->net);
    dispose(n);
}
