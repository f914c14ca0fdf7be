#include "host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static struct identity id;

void host_open(struct client *c)
{
    struct node_config cfg = {.endpoint = {.params = params_default()}, .bind = "127.0.0.1"};
    char home[] = "/tmp/duet-host.XXXXXX", error[NODE_ERROR_BYTES], why[IDENTITY_ERROR_BYTES];
    static const struct settings usual;
    int sys;

    c->set = &usual;
    cr_assert_not_null(mkdtemp(home));
    cr_assert_eq(identity_open(&id, home, why), 0, "%s", why);
    cfg.endpoint.identity = id.keys;
    cr_assert_eq(node_start(&cfg, &c->node, error, &sys), 0, "%s", error);
    c->policy = (struct trust_policy){.id = &id, .may_ask = true};
}

void host_close(struct client *c)
{
    char command[PATH_MAX + 16];

    node_stop(c->node);
    snprintf(command, sizeof(command), "rm -rf %s", id.dir);
    cr_expect_eq(system(command), 0);
}
