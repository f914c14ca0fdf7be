#include "host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/state.h"
#include "unit.h"

void host_open(struct client *c)
{
    char home[] = "/tmp/duet-host.XXXXXX", error[DUET_ERROR_BYTES] = "";
    static const struct settings usual;
    struct duet_options o;

    c->set = &usual;
    cr_assert_not_null(mkdtemp(home));
    cr_assert_eq(duet_identity_open(home, &c->id, error), 0, "%s", error);
    duet_options_init(&o, sizeof(o));
    o.identity = c->id;
    o.bind = "127.0.0.1";
    o.port = 0;
    cr_assert_eq(duet_node_new(&o, &c->node, error), 0, "%s", error);
    c->policy = (struct trust_policy){.id = c->id, .may_ask = true};
}

void host_close(struct client *c)
{
    char command[PATH_MAX + 16];

    duet_node_free(c->node);
    snprintf(command, sizeof(command), "rm -rf %s", duet_identity_directory(c->id));
    cr_expect_eq(system(command), 0);
    duet_identity_free(c->id);
}

void host_fill_key(const struct duet_identity *id, struct duet_peer_key *key, const char *dialled)
{
    static char words[DUET_ERROR_BYTES];

    duet_fingerprint(key->key, key->fingerprint);
    key->known.size = sizeof(key->known);
    key->known_err = duet_known_check(id, key->key, dialled, key->name, &key->known, words);
    key->known_error = words;
}

void host_has_peer(struct client *c, uint64_t peer)
{
    struct api_peer *p = calloc(1, sizeof(*p));

    cr_assert_not_null(p);
    *p = (struct api_peer){.id = peer, .is_connected = true};
    cr_assert_eq(idmap_put(&c->node->peers, peer, p), 0);
}
