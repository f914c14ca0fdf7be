#include "base/heap.h"

#include "unit.h"

#include "base/rand.h"

static struct heap_node *pop(struct heap *h)
{
    struct heap_node *n = heap_first(h);

    if (n != NULL)
        heap_remove(h, n);
    return n;
}

Test(heap, an_empty_heap_has_no_first)
{
    struct heap h;

    heap_init(&h);
    cr_expect_null(heap_first(&h));
    heap_dispose(&h);
}

Test(heap, nodes_leave_in_the_order_of_their_deadlines)
{
    static const uint64_t at[] = {50, 10, 40, 20, 30, 60, 0, UINT64_MAX - 1};
    static const size_t order[] = {6, 1, 3, 4, 2, 0, 5, 7};
    struct heap_node node[8] = {0};
    struct heap h;

    heap_init(&h);
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(heap_set(&h, &node[i], DUET_TIME(at[i])), 0);
    for (size_t i = 0; i < 8; i++)
        cr_expect_eq(pop(&h), &node[order[i]], "leaving as number %zu", i);
    cr_expect_null(pop(&h));
    heap_dispose(&h);
}

Test(heap, equal_deadlines_leave_in_the_order_they_came)
{
    struct heap_node node[100] = {0};
    struct heap h;

    heap_init(&h);
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(heap_set(&h, &node[i], DUET_TIME(7)), 0);
    heap_remove(&h, &node[50]);
    heap_set(&h, &node[10], DUET_TIME(8)); /* moved away and back: now the last */
    heap_set(&h, &node[10], DUET_TIME(7));
    heap_set(&h, &node[0], DUET_TIME(7)); /* not moved: keeps its place */
    for (size_t i = 0; i < 100; i++) {
        if (i != 50 && i != 10)
            cr_expect_eq(pop(&h), &node[i], "%zu", i);
    }
    cr_expect_eq(pop(&h), &node[10]);
    heap_dispose(&h);
}

Test(heap, never_takes_a_node_out)
{
    struct heap_node a = {0};
    struct heap_node b = {0};
    struct heap h;

    heap_init(&h);
    cr_expect_eq(heap_set(&h, &a, DUET_NEVER), 0);
    cr_expect_null(heap_first(&h));
    heap_set(&h, &a, DUET_TIME(1));
    heap_set(&h, &b, DUET_TIME(2));
    heap_set(&h, &a, DUET_NEVER);
    cr_expect_eq(heap_first(&h), &b);
    cr_expect_eq(a.slot, 0);
    heap_remove(&h, &a); /* a second time: nothing */
    cr_expect_eq(heap_first(&h), &b);
    heap_dispose(&h);
}

enum { NODES = 300 };

static const struct heap_node *earliest(const struct heap_node node[NODES])
{
    const struct heap_node *best = NULL;

    for (size_t i = 0; i < NODES; i++) {
        const struct heap_node *n = &node[i];

        if (n->slot == 0)
            continue;
        if (best == NULL || n->at.us < best->at.us || (n->at.us == best->at.us && n->tie < best->tie))
            best = n;
    }
    return best;
}

Test(heap, agrees_with_a_linear_search)
{
    struct heap_node node[NODES] = {0};
    struct duet_rand rand;
    struct heap h;

    rand_init_u64(&rand, 5);
    heap_init(&h);
    for (int step = 0; step < 20000; step++) {
        struct heap_node *n = &node[rand_below(&rand, NODES)];

        if (rand_below(&rand, 3) == 0)
            heap_remove(&h, n);
        else
            cr_assert_eq(heap_set(&h, n, DUET_TIME(rand_below(&rand, 50))), 0);
        cr_assert_eq(heap_first(&h), earliest(node), "step %d", step);
        for (size_t i = 0; i < h.count; i++)
            cr_assert_eq(h.v[i]->slot, i + 1, "step %d: a node does not know its place", step);
    }
    heap_dispose(&h);
}
