/*
 * sentmap: number n has bit n mod cap in the bitmaps and lies in page
 * (n mod cap) / SENTMAP_PAGE.  All numbers in use lie in cap / 64 consecutive
 * words of 64 numbers, so no word and no page ever holds two generations, and
 * a ring of another size takes words and pages over as they are: records never
 * move.
 *
 * The ring doubles when a number does not fit, and goes to a quarter when no
 * more than an eighth is in use: between two changes of size at least an eighth
 * of the ring has come or gone, so the changes cost O(1) a packet.
 */
#include "recovery/sentmap.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/limits.h"

#define CAP_MIN 128 /* two words: a few packets may lie across a border */
#define SHRINK_BELOW 8
#define SHRINK_TO 4

_Static_assert(LIMIT_SENT_PACKETS <= BITMAP_CAP_MAX, "one bitmap holds all");
_Static_assert(BITMAP_WORD_BITS % SENTMAP_PAGE == 0, "a page lies in one word");

static size_t place_of(const struct sentmap *m, uint64_t number)
{
    return (size_t)(number & (m->cap - 1));
}

static uint64_t word_of(uint64_t number)
{
    return number / BITMAP_WORD_BITS;
}

static bool is_empty(const struct sentmap *m)
{
    return m->first == m->next;
}

void sentmap_init(struct sentmap *m)
{
    *m = (struct sentmap){.cap = 0};
}

static void dispose_ring(struct sentmap *m)
{
    free(m->pages);
    for (int c = 0; c < SENT_CLASSES; c++)
        bitmap_dispose(&m->in[c]);
}

void sentmap_dispose(struct sentmap *m)
{
    for (size_t i = 0; i < m->cap / SENTMAP_PAGE; i++)
        free(m->pages[i]);
    free(m->spare);
    dispose_ring(m);
    sentmap_init(m);
}

/* ---- the ring ---- */

static int make_ring(struct sentmap *m, size_t cap)
{
    int err = 0;

    for (int c = 0; c < SENT_CLASSES; c++)
        err = err != 0 ? err : bitmap_init(&m->in[c], cap);
    m->pages = err != 0 ? NULL : calloc(cap / SENTMAP_PAGE, sizeof(struct sent_packet *));
    m->cap = cap;
    if (m->pages != NULL)
        return 0;
    dispose_ring(m);
    return DUET_ENOMEM;
}

/* Word `from` of one ring becomes word `to` of another. */
static void take_word(struct sentmap *to, size_t at, const struct sentmap *from, size_t was)
{
    const size_t pages = BITMAP_WORD_BITS / SENTMAP_PAGE;

    for (int c = 0; c < SENT_CLASSES; c++)
        bitmap_put_word(&to->in[c], at, bitmap_word(&from->in[c], was));
    for (size_t i = 0; i < pages; i++)
        to->pages[at * pages + i] = from->pages[was * pages + i];
}

/* False: out of memory, nothing changed. */
static bool resize_ring(struct sentmap *m, size_t cap)
{
    struct sentmap to = {.first = m->first, .next = m->next, .spare = m->spare, .work = m->work};

    if (make_ring(&to, cap) != 0)
        return false;
    for (uint64_t w = word_of(m->first); !is_empty(m) && w <= word_of(m->next - 1); w++)
        take_word(&to, (size_t)w % word_of(cap), m, (size_t)w % word_of(m->cap));
    dispose_ring(m);
    *m = to;
    return true;
}

/* Memory is given back as the window shrinks; where there is none to do it with, the ring stays as
 * it is. */
static void fit_ring(struct sentmap *m)
{
    if (m->cap > CAP_MIN && m->next - m->first <= m->cap / SHRINK_BELOW)
        (void)resize_ring(m, m->cap / SHRINK_TO > CAP_MIN ? m->cap / SHRINK_TO : CAP_MIN);
}

/* ---- pages ---- */

static struct sent_packet **page_of(const struct sentmap *m, uint64_t number)
{
    return &m->pages[place_of(m, number) / SENTMAP_PAGE];
}

static bool need_page(struct sentmap *m, uint64_t number)
{
    struct sent_packet **page = page_of(m, number);

    if (*page != NULL)
        return true;
    /* No record of the spare is in use: nothing to clear. */
    *page = m->spare != NULL ? m->spare : calloc(SENTMAP_PAGE, sizeof(**page));
    m->spare = NULL;
    return *page != NULL;
}

/* Numbers in use of the word that `number` is in. */
static uint64_t used_word(const struct sentmap *m, uint64_t number)
{
    const size_t word = place_of(m, number) / BITMAP_WORD_BITS;

    uint64_t used = 0;

    for (int c = 0; c < SENT_CLASSES; c++)
        used |= bitmap_word(&m->in[c], word);
    return used;
}

static void drop_page_if_unused(struct sentmap *m, uint64_t number)
{
    const uint64_t start = number / SENTMAP_PAGE * SENTMAP_PAGE % BITMAP_WORD_BITS;
    const uint64_t mask = ((UINT64_C(1) << SENTMAP_PAGE) - 1) << start;
    struct sent_packet **page = page_of(m, number);

    if ((used_word(m, number) & mask) != 0)
        return;
    if (m->spare == NULL)
        m->spare = *page;
    else
        free(*page);
    *page = NULL;
}

/* ---- records ---- */

bool sentmap_reaches(uint64_t from, uint64_t number)
{
    return word_of(number) - word_of(from) < word_of(LIMIT_SENT_PACKETS);
}

bool sentmap_has_room(const struct sentmap *m, uint64_t number)
{
    return is_empty(m) || sentmap_reaches(m->first, number);
}

struct sent_packet *sentmap_add(struct sentmap *m, uint64_t number)
{
    assert(number >= m->next && number != SENTMAP_NONE);
    if (!sentmap_has_room(m, number))
        return NULL;

    const uint64_t first = is_empty(m) ? number : m->first;
    size_t cap = m->cap > 0 ? m->cap : CAP_MIN;
    while (word_of(number) - word_of(first) >= word_of(cap))
        cap *= 2;
    if ((cap != m->cap && !resize_ring(m, cap)) || !need_page(m, number))
        return NULL;

    struct sent_packet *p = &(*page_of(m, number))[number % SENTMAP_PAGE];
    memset(p, 0, offsetof(struct sent_packet, items));
    p->number = number;
    p->in_use = true;
    p->class = SENT_OUTSTANDING;
    bitmap_add(&m->in[SENT_OUTSTANDING], place_of(m, number));
    m->first = first;
    m->next = number + 1;
    return p;
}

struct sent_packet *sentmap_get(const struct sentmap *m, uint64_t number)
{
    if (number < m->first || number >= m->next)
        return NULL;
    struct sent_packet *page = *page_of(m, number);
    return page != NULL && page[number % SENTMAP_PAGE].in_use ? &page[number % SENTMAP_PAGE] : NULL;
}

uint64_t sentmap_next(struct sentmap *m, enum sent_class c, uint64_t from)
{
    const struct bitmap *b = &m->in[c];

    if (from < m->first)
        from = m->first;
    if (b->count == 0 || from >= m->next)
        return SENTMAP_NONE;

    /* Round the ring from `from` come the numbers from there on, perhaps past its end, then those
     * below `from`. */
    const size_t start = place_of(m, from);
    size_t at = bitmap_next(b, start, &m->work);
    if (at == m->cap && place_of(m, m->next - 1) < start)
        at = bitmap_next(b, 0, &m->work);
    if (at == m->cap)
        return SENTMAP_NONE;
    const uint64_t number = from + ((at - start) & (m->cap - 1));
    return number < m->next ? number : SENTMAP_NONE;
}

void sentmap_move(struct sentmap *m, struct sent_packet *p, enum sent_class to)
{
    m->work++;
    bitmap_remove(&m->in[p->class], place_of(m, p->number));
    bitmap_add(&m->in[to], place_of(m, p->number));
    p->class = (uint8_t)to;
}

/* Past everything that is no longer in use, a word at a time. */
static void advance_first(struct sentmap *m)
{
    while (m->first < m->next) {
        const uint64_t used = used_word(m, m->first) >> m->first % BITMAP_WORD_BITS;

        if (used != 0) {
            m->first += (uint64_t)__builtin_ctzll(used);
            return;
        }
        m->work++;
        m->first = (word_of(m->first) + 1) * BITMAP_WORD_BITS;
    }
    m->first = m->next;
}

void sentmap_forget(struct sentmap *m, struct sent_packet *p)
{
    const uint64_t number = p->number;

    m->work++;
    bitmap_remove(&m->in[p->class], place_of(m, number));
    p->in_use = false;
    drop_page_if_unused(m, number);
    if (number != m->first)
        return;
    advance_first(m);
    fit_ring(m);
}
