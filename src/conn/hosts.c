#include "conn/hosts.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/bytes.h"

void hosts_init(struct hosts *h, uint64_t secret)
{
    *h = (struct hosts){.secret = secret};
}

void hosts_dispose(struct hosts *h)
{
    free(h->set);
    h->set = NULL;
}

static uint64_t tag_of(const struct hosts *h, const struct duet_addr *addr)
{
    uint8_t site[ADDR_KEY_BYTES], key[crypto_shorthash_KEYBYTES] = {0}, hash[crypto_shorthash_BYTES];
    struct writer w = writer_of(key, sizeof(key));

    writer_u64(&w, h->secret);
    addr_site_key(addr, site);
    (void)crypto_shorthash(hash, site, sizeof(site), key); /* SipHash never fails */
    struct reader r = reader_of(hash, sizeof(hash));
    const uint64_t tag = reader_u64(&r);

    return tag == 0 ? 1 : tag;
}

/* Who loses least by being forgotten: a host without a place, and of those the one that owes
 * least. */
static bool goes_before(const struct host *a, const struct host *b)
{
    if ((a->half_open > 0) != (b->half_open > 0))
        return a->half_open == 0;
    return time_before(a->owed_until, b->owed_until);
}

struct host *hosts_at(struct hosts *h, const struct duet_addr *addr, duet_time now)
{
    const uint64_t tag = tag_of(h, addr);

    if (h->set == NULL)
        h->set = calloc(HOSTS_SETS, sizeof(*h->set));
    if (h->set == NULL)
        return NULL;
    struct host *set = h->set[tag % HOSTS_SETS];
    struct host *last = &set[0];

    for (size_t i = 0; i < HOSTS_WAYS; i++) {
        if (set[i].tag == tag)
            return &set[i];
        if (last->tag != 0 && (set[i].tag == 0 || goes_before(&set[i], last)))
            last = &set[i];
    }
    if (last->tag != 0 && last->half_open > 0)
        return NULL;
    *last = (struct host){.tag = tag, .owed_until = now, .wasted_at = DUET_NEVER};
    return last;
}

static void charge_host(struct host *h, uint64_t answers, duet_time now)
{
    h->owed_until = time_add(time_max(h->owed_until, now), answers * HOSTS_ANSWER_US);
}

bool host_takes_answer(struct host *h, duet_time now)
{
    if (time_before(time_add(now, (uint64_t)(HOSTS_ANSWERS - 1) * HOSTS_ANSWER_US), h->owed_until))
        return false;
    charge_host(h, 1, now);
    return true;
}

void host_wasted(struct host *h, duet_time now)
{
    charge_host(h, HOSTS_WASTED - 1, now);
    h->wasted_at = now;
}
