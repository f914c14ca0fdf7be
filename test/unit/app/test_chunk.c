#include "unit.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "app/chunk.h"

static _Alignas(COPY_ALIGN_BYTES) uint8_t chunk_bytes[CHUNK_BYTES];

static struct chunk *fresh_chunk(void)
{
    struct chunk *c = calloc(1, sizeof(*c));

    cr_assert_not_null(c);
    c->bytes = chunk_bytes;
    return c;
}

Test(chunk, pool_gives_each_chunk_once_and_takes_it_back)
{
    struct chunk_pool *p = chunk_pool_new(3, NULL);
    struct chunk *taken[3];

    for (size_t i = 0; i < 3; i++) {
        taken[i] = chunk_take(p);
        cr_assert_not_null(taken[i]);
        cr_assert_eq((uintptr_t)taken[i]->bytes % COPY_ALIGN_BYTES, 0);
        cr_assert_eq(chunk_at(p, taken[i]->index), taken[i]);
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(taken[i], taken[j]);
    }
    cr_assert_null(chunk_take(p));
    chunk_give(p, taken[1]);
    cr_assert_null(chunk_at(p, taken[1]->index), "one that is in the pool is nobody's");
    cr_assert_eq(chunk_take(p), taken[1]);
    cr_assert_null(chunk_at(p, 3));
    cr_assert_null(chunk_at(p, UINT64_MAX));
    chunk_pool_free(p);
}

static size_t allocated(void)
{
    const struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

Test(chunk, unused_ones_keep_little_memory_whatever_the_order_they_came_back_in)
{
    struct chunk_pool *p = chunk_pool_new(CHUNK_POOL, NULL);
    struct chunk *taken[CHUNK_POOL];
    const size_t before = allocated();

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < CHUNK_POOL; i++) {
            taken[i] = chunk_take(p);
            cr_assert_not_null(taken[i]);
            cr_assert_eq(chunk_at(p, taken[i]->index), taken[i]);
            taken[i]->bytes[CHUNK_BYTES - 1] = 1;
        }
        for (size_t i = 0; i < CHUNK_POOL; i++)
            chunk_give(p, taken[(i * 5 + (size_t)round) % CHUNK_POOL]); /* 5 and 208 share no factor: each once */
        cr_assert_leq(allocated() - before, (CHUNK_WARM + 1) * (CHUNK_BYTES + sizeof(struct chunk)));
    }
    chunk_pool_free(p);
}

/* Counts what is taken and not given back. */
static size_t taken_bytes;

static void *take_counted(size_t bytes)
{
    taken_bytes += bytes;
    return aligned_alloc(COPY_ALIGN_BYTES, bytes);
}

static void give_counted(void *slab, size_t bytes)
{
    taken_bytes -= bytes;
    free(slab);
}

static const struct chunk_memory counted = {.take = take_counted, .give = give_counted};

Test(chunk, memory_comes_and_goes_by_slabs)
{
    struct chunk_pool *p = chunk_pool_new(CHUNK_SLAB + 2, &counted);
    struct chunk *taken[CHUNK_SLAB + 2];

    cr_expect_eq(taken_bytes, 0);
    for (size_t i = 0; i < CHUNK_SLAB + 2; i++) {
        taken[i] = chunk_take(p);
        cr_assert_eq(taken[i]->index, i);
        cr_expect_eq(taken_bytes, (i < CHUNK_SLAB ? CHUNK_SLAB : CHUNK_SLAB + 2) * CHUNK_BYTES, "chunk %zu", i);
    }
    taken[1]->used = 7;
    for (size_t i = 0; i < CHUNK_SLAB + 2; i++) {
        if (i != 1)
            chunk_give(p, taken[i]);
    }
    cr_expect_eq(chunk_pool_bytes(p), (CHUNK_SLAB + 2) * (CHUNK_BYTES + sizeof(struct chunk)), "few enough to be kept");
    chunk_pool_release(p);
    cr_expect_eq(taken_bytes, CHUNK_SLAB * CHUNK_BYTES, "a slab with one that is out stays");
    cr_expect_eq(chunk_pool_bytes(p), CHUNK_SLAB * (CHUNK_BYTES + sizeof(struct chunk)));
    cr_expect_eq(taken[1]->used, 7);
    cr_expect_eq(chunk_take(p)->index, 0, "the lowest is next");
    cr_expect_eq(chunk_take(p)->index, 2);
    chunk_pool_free(p);
    cr_expect_eq(taken_bytes, 0);
}

static void *take_nothing(size_t bytes)
{
    (void)bytes;
    return NULL;
}

Test(chunk, without_memory_none_is_taken)
{
    static const struct chunk_memory none = {.take = take_nothing, .give = give_counted};
    struct chunk_pool *p = chunk_pool_new(3, &none);

    cr_expect_null(chunk_take(p));
    cr_expect_eq(chunk_available(p), 3);
    cr_expect_eq(chunk_pool_bytes(p), 0);
    chunk_pool_free(p);
}

Test(chunk, comes_back_empty)
{
    struct chunk_pool *p = chunk_pool_new(1, NULL);
    struct chunk *c = chunk_take(p);

    cr_assert_eq(chunk_append(c, 0, (const uint8_t *)"abc", 3), 3);
    chunk_give(p, c);
    c = chunk_take(p);
    cr_assert_eq(c->used, 0);
    cr_assert_eq(c->run_count, 0);
    chunk_pool_free(p);
}

Test(chunk, append_merges_what_continues_the_last_run)
{
    static const struct {
        uint64_t offset;
        const char *bytes;
        uint32_t runs, used;
    } rows[] = {
        {.offset = 100, .bytes = "ab", .runs = 1, .used = 2}, {.offset = 102, .bytes = "cd", .runs = 1, .used = 4},
        {.offset = 90, .bytes = "xy", .runs = 2, .used = 6},  {.offset = 104, .bytes = "ef", .runs = 3, .used = 8},
        {.offset = 106, .bytes = "", .runs = 3, .used = 8},
    };
    struct chunk *c = fresh_chunk();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t len = strlen(rows[i].bytes);

        cr_assert_eq(chunk_append(c, rows[i].offset, (const uint8_t *)rows[i].bytes, len), len, "row %zu", i);
        cr_assert_eq(c->run_count, rows[i].runs, "row %zu", i);
        cr_assert_eq(c->used, rows[i].used, "row %zu", i);
    }
    cr_assert_arr_eq(c->bytes, "abcdxyef", 8);
    cr_assert_eq(c->runs[0].offset, 100);
    cr_assert_eq(c->runs[0].len, 4);
    cr_assert_eq(c->runs[1].at, 4);
    cr_assert_eq(c->runs[2].offset, 104);
    cr_assert_eq(c->runs[2].at, 6);
    free(c);
}

Test(chunk, append_takes_only_what_fits)
{
    struct chunk *c = fresh_chunk();
    uint8_t *bytes = calloc(1, CHUNK_BYTES);

    cr_assert_eq(chunk_append(c, 0, bytes, CHUNK_BYTES - 5), CHUNK_BYTES - 5);
    cr_assert_eq(chunk_append(c, 7777777, bytes, 9), 5);
    cr_assert_eq(c->used, CHUNK_BYTES);
    cr_assert_eq(chunk_append(c, 0, bytes, 1), 0);
    free(bytes);
    free(c);
}

Test(chunk, append_stops_at_the_last_run_but_still_extends_it)
{
    struct chunk *c = fresh_chunk();

    for (uint64_t i = 0; i < CHUNK_RUNS; i++)
        cr_assert_eq(chunk_append(c, i * 10, (const uint8_t *)"a", 1), 1);
    cr_assert_eq(chunk_append(c, 9999999, (const uint8_t *)"b", 1), 0);
    cr_assert_eq(c->used, CHUNK_RUNS);
    cr_assert_eq(chunk_append(c, (CHUNK_RUNS - 1) * 10 + 1, (const uint8_t *)"c", 1), 1);
    cr_assert_eq(c->run_count, CHUNK_RUNS);
    free(c);
}
