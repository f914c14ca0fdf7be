/*
 * loss: acknowledgements and timers in, fates of packets out.
 *
 * Packet numbers grow with time, so "sent before a packet that was delivered"
 * is "outstanding below largest_acked", and the scan for lost packets may stop
 * at the first one too young.  Everything else here follows from two moves of a
 * record: acknowledge_packet() and declare_lost().  bytes_in_flight and
 * eliciting_in_flight count exactly the OUTSTANDING records.
 *
 * The delivery rate is draft-cheng-iccrg-delivery-rate-estimation: each packet
 * keeps what had been delivered when it left; on its acknowledgement the rate is
 * what was delivered since, over the longer of the sending and the acknowledging
 * interval, so that neither a burst of ours nor compressed ACKs inflate it.
 */
#include "recovery/loss.h"

#include <assert.h>

#include "base/err.h"
#include "base/num.h"

#define BACKOFF_MAX_SHIFT 20 /* beyond any cap; keeps the shift defined */

/* What one ACK touched; the records stay in place until loss_take_acked. */
struct ack_pass {
    const struct sent_packet *newest; /* highest number newly acknowledged that was in flight or lost from it */
    bool any;
    bool eliciting;
    bool widen;
};

void loss_init(struct loss *l)
{
    *l = (struct loss){
        .largest_acked = SENTMAP_NONE,
        .loss_at = DUET_NEVER,
        .reorder_steps = 1,
        .taken_acked = SENTMAP_NONE,
        .first_sample_at = DUET_NEVER,
        .run_since = DUET_NEVER,
        .lost_at = DUET_NEVER,
    };
    rtt_init(&l->rtt);
    sentmap_init(&l->sent);
    ackmemo_init(&l->memo);
}

void loss_forget_path(struct loss *l, duet_time now)
{
    rtt_init(&l->rtt);
    l->path_since = now;
}

void loss_dispose(struct loss *l)
{
    sentmap_dispose(&l->sent);
    ackmemo_dispose(&l->memo);
}

static void see_time(struct loss *l, duet_time now)
{
    l->seen_at = time_max(l->seen_at, now);
}

/* ---- sending ---- */

/* The oldest that are lost may be forgotten: the first that may not be is as far back as the map
 * has to reach. */
bool loss_has_room(const struct loss *l, uint64_t number)
{
    uint64_t from = l->sent.first;

    if (sentmap_has_room(&l->sent, number))
        return true;
    for (; from < l->sent.next && !sentmap_reaches(from, number); from++) {
        const struct sent_packet *oldest = sentmap_get(&l->sent, from);

        if (oldest != NULL && oldest->class != SENT_LOST)
            return false;
    }
    return true;
}

static bool make_room(struct loss *l, uint64_t number)
{
    if (!loss_has_room(l, number))
        return false;
    while (!sentmap_has_room(&l->sent, number))
        sentmap_forget(&l->sent, sentmap_get(&l->sent, l->sent.first));
    return true;
}

static void leave_flight(struct loss *l, const struct sent_packet *p)
{
    l->bytes_in_flight -= p->bytes;
    l->eliciting_in_flight -= p->eliciting;
    l->lone_in_flight -= !p->eliciting;
}

/* What asks for no answer is not in flight for anybody but us: a peer that never acknowledges our
 * ACKs must not make us remember each. */
static void forget_lone(struct loss *l)
{
    while (l->lone_in_flight > LOSS_LONE_KEPT) {
        l->lone_from = sentmap_next(&l->sent, SENT_OUTSTANDING, l->lone_from);
        struct sent_packet *p = sentmap_get(&l->sent, l->lone_from++);
        if (p->eliciting)
            continue;
        leave_flight(l, p);
        sentmap_forget(&l->sent, p);
    }
}

struct sent_packet *loss_sent(struct loss *l, uint64_t number, uint32_t bytes, bool eliciting, bool probe,
                              duet_time now)
{
    struct sent_packet *p = make_room(l, number) ? sentmap_add(&l->sent, number) : NULL;

    if (p == NULL)
        return NULL;

    see_time(l, now);
    p->bytes = eliciting ? bytes : 0;
    if (l->bytes_in_flight == 0 && p->bytes > 0) {
        /* A new flight: the idle time before it is not part of any sample. */
        l->first_sent_at = now;
        l->delivered_at = now;
    }
    l->bytes_in_flight += p->bytes;
    l->sent_packets++;
    p->sent_at = now;
    p->eliciting = eliciting;
    p->probe = probe;
    p->app_limited = l->app_limited_until != 0;
    p->delivered = l->delivered_bytes;
    p->delivered_at = l->delivered_at;
    p->first_sent_at = l->first_sent_at;
    p->lost = l->lost_bytes;
    p->in_flight = l->bytes_in_flight;
    if (eliciting) {
        l->eliciting_in_flight++;
        l->last_eliciting_at = now;
        l->pto_from = now;
        l->probes_due -= l->probes_due > 0;
    } else {
        l->lone_in_flight++;
        forget_lone(l);
    }
    return p;
}

void loss_skip(struct loss *l, uint64_t number)
{
    l->skipped[l->skipped_count++ % LOSS_SKIPPED] = number;
}

static bool was_skipped(const struct loss *l, uint64_t number)
{
    for (size_t i = 0; i < LOSS_SKIPPED && i < l->skipped_count; i++)
        if (l->skipped[i] == number)
            return true;
    return false;
}

void loss_app_limited(struct loss *l)
{
    uint64_t mark = l->delivered_bytes + l->bytes_in_flight;

    l->app_limited_until = mark > 0 ? mark : 1;
}

/* ---- losing ---- */

/*
 * RFC 9002 §7.6.2: a run of lost packets, none between them acknowledged, over
 * more than the persistent duration.  Losses come in ascending order, so the run
 * goes on exactly when the number follows, leaving out those never sent.
 */
static void extend_run(struct loss *l, const struct sent_packet *p, struct loss_summary *out)
{
    while (l->run_next < p->number && was_skipped(l, l->run_next))
        l->run_next++;
    if (l->run_next != p->number)
        l->run_since = DUET_NEVER;
    l->run_next = p->number + 1;

    /* Packets from before the first RTT sample judge an RTT nobody knew (§7.6.2). */
    if (!p->eliciting || time_is_never(l->first_sample_at) || !time_before(l->first_sample_at, p->sent_at))
        return;
    if (time_is_never(l->run_since)) {
        l->run_since = p->sent_at;
    } else if (time_since(p->sent_at, l->run_since) > LOSS_PERSISTENT_PTOS * rtt_pto_us(&l->rtt)) {
        out->persistent_congestion = true;
        l->run_since = DUET_NEVER;
    }
}

/* One more recovery; after enough of them without a mistake the reordering window narrows again. */
static void count_recovery(struct loss *l, const struct sent_packet *p)
{
    if (p->number < l->recovery_end)
        return;
    l->recovery_end = l->sent.next;
    if (++l->quiet_recoveries < LOSS_QUIET_RECOVERIES)
        return;
    l->quiet_recoveries = 0;
    if (l->reorder_steps > 1)
        l->reorder_steps /= 2;
}

static void count_run(struct loss *l, uint64_t number, struct loss_summary *out)
{
    if (number < l->lost_end)
        return;
    if (number > l->lost_end || number == 0) {
        out->lost_runs++;
        out->lost_gap = num_max(out->lost_gap, number - l->lost_end);
    }
    l->lost_end = number + 1;
}

static void declare_lost(struct loss *l, struct sent_packet *p, struct loss_summary *out)
{
    leave_flight(l, p);
    if (p->bytes > 0)
        count_run(l, p->number, out);
    l->lost_packets++;
    l->lost_bytes += p->bytes;
    p->lost_at = l->seen_at;
    sentmap_move(&l->sent, p, SENT_LOST_NEW);
    out->lost_bytes += p->bytes;
    if (p->bytes > 0) {
        l->lost_at = l->seen_at;
        out->largest_lost_sent_at = time_max(out->largest_lost_sent_at, p->sent_at);
        out->lost_passed_bytes = p->delivered + p->lost + p->in_flight - l->lost_bytes;
    }
}

/* How old a packet below the largest acknowledged may be: the time threshold of RFC 9002 §6.1.2. */
static uint64_t time_threshold_us(const struct loss *l)
{
    uint64_t base = l->rtt.srtt_us > l->rtt.latest_us ? l->rtt.srtt_us : l->rtt.latest_us;
    uint64_t window = base * l->reorder_steps / LOSS_REORDER_STEPS;

    return base + (window > LOSS_REORDER_MIN_US ? window : LOSS_REORDER_MIN_US);
}

static void detect_losses(struct loss *l, duet_time now, struct loss_summary *out)
{
    uint64_t patience = time_threshold_us(l);

    l->loss_at = DUET_NEVER;
    if (l->largest_acked == SENTMAP_NONE || l->in_doubt)
        return;
    for (uint64_t n = 0;; n++) {
        n = sentmap_next(&l->sent, SENT_OUTSTANDING, n);
        if (n == SENTMAP_NONE || n >= l->largest_acked)
            return;
        struct sent_packet *p = sentmap_get(&l->sent, n);
        duet_time end = time_add(p->sent_at, patience);
        if (!time_due(end, now)) {
            l->loss_at = end;
            return;
        }
        extend_run(l, p, out);
        count_recovery(l, p);
        declare_lost(l, p, out);
    }
}

/* Late acknowledgements of packets lost longer ago than this are no news. */
static void forget_old(struct loss *l, duet_time now)
{
    uint64_t keep_us = LOSS_KEEP_PTOS * rtt_pto_us(&l->rtt);

    for (;;) {
        uint64_t n = sentmap_next(&l->sent, SENT_LOST, 0);

        if (n == SENTMAP_NONE)
            return;
        struct sent_packet *p = sentmap_get(&l->sent, n);
        if (time_since(now, p->lost_at) <= keep_us)
            return;
        sentmap_forget(&l->sent, p);
    }
}

void loss_all_lost(struct loss *l, struct loss_summary *out)
{
    *out = (struct loss_summary){.prior_in_flight = l->bytes_in_flight};
    for (uint64_t n = 0;; n++) {
        n = sentmap_next(&l->sent, SENT_OUTSTANDING, n);
        if (n == SENTMAP_NONE)
            break;
        struct sent_packet *p = sentmap_get(&l->sent, n);
        if (!p->ahead)
            declare_lost(l, p, out);
    }
    l->loss_at = DUET_NEVER;
    l->run_since = DUET_NEVER;
    l->pto_count = 0;
    l->probes_due = 0;
}

/* ---- acknowledgements ---- */

/* The ranges descend and do not touch: is `number` inside one? */
static bool is_named(const struct range *const *ranges, size_t count, uint64_t number)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (number >= ranges[mid]->end)
            high = mid;
        else if (number < ranges[mid]->start)
            low = mid + 1;
        else
            return true;
    }
    return false;
}

/* Does the ACK name what never left?  What it only repeats was looked at when it was new. */
static bool is_invented(const struct loss *l, const struct frame_ack *ack, const struct range *const *fresh,
                        size_t count)
{
    if (ack->largest >= l->sent.next)
        return true;
    for (size_t i = 0; i < LOSS_SKIPPED && i < l->skipped_count; i++)
        if (is_named(fresh, count, l->skipped[i]))
            return true;
    return false;
}

/* It was declared lost and is not: the path reorders more than we allowed for. */
static void note_spurious(struct loss *l, const struct sent_packet *p, struct ack_pass *pass, struct loss_summary *out)
{
    out->spurious_bytes += p->bytes;
    l->spurious_packets++;
    l->quiet_recoveries = 0;
    l->run_since = DUET_NEVER;
    pass->widen |= p->number >= l->widened_end;
}

static void acknowledge_packet(struct loss *l, struct sent_packet *p, duet_time now, struct ack_pass *pass,
                               struct loss_summary *out)
{
    if (p->class == SENT_OUTSTANDING) {
        leave_flight(l, p);
        out->acked_bytes += p->bytes;
    } else {
        p->was_lost = true;
        note_spurious(l, p, pass, out);
    }
    sentmap_move(&l->sent, p, SENT_ACKED);
    l->acked_packets++;
    pass->any = true;
    pass->eliciting |= p->eliciting;
    if (p->bytes == 0)
        return;
    l->delivered_bytes += p->bytes;
    l->delivered_at = now;
    if (pass->newest == NULL || p->number > pass->newest->number)
        pass->newest = p;
}

static void acknowledge_range(struct loss *l, const struct range *r, duet_time now, struct ack_pass *pass,
                              struct loss_summary *out)
{
    static const enum sent_class open[] = {SENT_OUTSTANDING, SENT_LOST_NEW, SENT_LOST};

    for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++) {
        uint64_t n = sentmap_next(&l->sent, open[i], r->start);

        while (n < r->end) { /* SENTMAP_NONE is greater than every end */
            acknowledge_packet(l, sentmap_get(&l->sent, n), now, pass, out);
            n = sentmap_next(&l->sent, open[i], n + 1);
        }
    }
}

/* A path that reorders gets a wider window, at most once per round trip: 1/8, 2/8, 4/8, 8/8. */
static void widen_reordering(struct loss *l)
{
    l->widened_end = l->sent.next;
    l->reorder_steps *= 2;
    if (l->reorder_steps > LOSS_REORDER_STEPS)
        l->reorder_steps = LOSS_REORDER_STEPS;
}

/* GenerateRateSample() of the draft; the losses of this ACK are counted already. */
static void sample_rate(struct loss *l, const struct sent_packet *p, struct loss_summary *out)
{
    uint64_t send_us = time_since(p->sent_at, p->first_sent_at);
    uint64_t ack_us = time_since(l->delivered_at, p->delivered_at);
    uint64_t span_us = send_us > ack_us ? send_us : ack_us;

    l->first_sent_at = time_max(l->first_sent_at, p->sent_at);
    if (l->delivered_bytes > l->app_limited_until)
        l->app_limited_until = 0;
    out->largest_acked_sent_at = p->sent_at;
    out->rate_app_limited = p->app_limited;
    out->rate_prior_delivered = p->delivered;
    out->rate_delivered = l->delivered_bytes - p->delivered;
    out->rate_lost = l->lost_bytes - p->lost;
    out->rate_in_flight = p->in_flight;
    /* delivered_at of a packet is never after its sending: the span holds its whole round trip, as
     * the draft asks. */
    if (span_us > 0)
        out->rate_bytes_per_s = out->rate_delivered * US_PER_S / span_us;
}

int loss_ack(struct loss *l, const struct frame_ack *ack, duet_time now, struct loss_summary *out)
{
    *out = (struct loss_summary){.prior_in_flight = l->bytes_in_flight};
    assert(ack->range_count > 0 && ack->range_count <= LIMIT_ACK_RANGES && ack->ranges[0].end == ack->largest + 1);
    const struct range *fresh[LIMIT_ACK_RANGES];
    const size_t fresh_count = ackmemo_fresh(&l->memo, ack, fresh, &l->sent.work);
    if (is_invented(l, ack, fresh, fresh_count))
        return DUET_EPROTOCOL;

    see_time(l, now);
    struct ack_pass pass = {.newest = NULL};
    const struct sent_packet *largest = sentmap_get(&l->sent, ack->largest);
    bool largest_open = largest && largest->class != SENT_ACKED;

    for (size_t i = 0; i < fresh_count && fresh[i]->end > l->sent.first; i++)
        acknowledge_range(l, fresh[i], now, &pass, out);
    ackmemo_keep(&l->memo, ack, l->sent.first);
    if (l->largest_acked == SENTMAP_NONE || ack->largest > l->largest_acked) {
        l->largest_acked = ack->largest;
        out->largest_is_new = true;
    }
    if (largest_open && pass.eliciting && !time_before(largest->sent_at, l->path_since)) {
        rtt_sample(&l->rtt, time_since(now, largest->sent_at), ack->delay_us, now);
        out->rtt_sampled = true;
        if (time_is_never(l->first_sample_at))
            l->first_sample_at = now;
    }
    if (pass.widen)
        widen_reordering(l);
    if (pass.any) {
        l->pto_count = 0;
        l->probes_due = 0;
    }
    detect_losses(l, now, out);
    if (pass.newest)
        sample_rate(l, pass.newest, out);
    forget_old(l, now);
    return 0;
}

/* ---- time ---- */

static duet_time pto_at(const struct loss *l)
{
    uint64_t plain = rtt_pto_us(&l->rtt);
    uint64_t cap = plain > LOSS_PTO_MAX_US ? plain : LOSS_PTO_MAX_US;
    uint64_t backed_off = plain << (l->pto_count < BACKOFF_MAX_SHIFT ? l->pto_count : BACKOFF_MAX_SHIFT);

    return time_add(l->pto_from, backed_off < cap ? backed_off : cap);
}

duet_time loss_deadline(const struct loss *l)
{
    if (!time_is_never(l->loss_at))
        return l->loss_at;
    return l->eliciting_in_flight > 0 ? pto_at(l) : DUET_NEVER;
}

void loss_timer(struct loss *l, duet_time now, struct loss_summary *out)
{
    *out = (struct loss_summary){.prior_in_flight = l->bytes_in_flight};
    see_time(l, now);
    if (time_due(l->loss_at, now)) {
        detect_losses(l, now, out);
    } else if (time_due(loss_deadline(l), now)) {
        l->pto_count++;
        l->probes_due = LOSS_PROBES;
        l->pto_from = now; /* a sender that cannot send must not be woken in a loop */
    }
    forget_old(l, now);
}

/* ---- handing out ---- */

const struct sent_packet *loss_take_acked(struct loss *l, bool *spurious)
{
    if (l->taken_acked != SENTMAP_NONE)
        sentmap_forget(&l->sent, sentmap_get(&l->sent, l->taken_acked));
    l->taken_acked = sentmap_next(&l->sent, SENT_ACKED, 0);
    if (l->taken_acked == SENTMAP_NONE)
        return NULL;

    const struct sent_packet *p = sentmap_get(&l->sent, l->taken_acked);
    *spurious = p->was_lost;
    return p;
}

const struct sent_packet *loss_take_lost(struct loss *l)
{
    uint64_t n = sentmap_next(&l->sent, SENT_LOST_NEW, 0);

    if (n == SENTMAP_NONE)
        return NULL;

    if (l->sent.in[SENT_LOST].count == LOSS_KEPT)
        sentmap_forget(&l->sent, sentmap_get(&l->sent, sentmap_next(&l->sent, SENT_LOST, 0)));
    struct sent_packet *p = sentmap_get(&l->sent, n);
    sentmap_move(&l->sent, p, SENT_LOST);
    return p;
}
