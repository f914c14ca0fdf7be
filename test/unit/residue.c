#include "residue.h"

#include "unit.h"

#ifndef RESIDUE_CANNOT_LOOK

#include <dlfcn.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#define MASK 0x5a
#define PIECE_BYTES 16
#define PIECES 1024
#define STACK_BYTES (256 * 1024)
#define STACK_FILL 0xa5

static uint8_t pieces[PIECES][PIECE_BYTES];
static size_t piece_count;
static bool begins[256][256]; /* some piece does, with these two bytes as they are in memory */

static uint8_t stack[STACK_BYTES] __attribute__((aligned(64)));
static ucontext_t outside, inside;
static void (*step_to_run)(void);
static bool is_running;
static const uint8_t *dead_to;
static size_t left_on_stack;

/* ---- what is looked for ---- */

void residue_seek(const uint8_t *secret, size_t len)
{
    bool is_empty = true;

    cr_assert(len >= PIECE_BYTES && len % 8 == 0);
    for (size_t i = 0; i < len; i++)
        is_empty = is_empty && secret[i] == 0;
    for (size_t at = 0; !is_empty && at + PIECE_BYTES <= len; at += 8) {
        cr_assert_lt(piece_count, PIECES);
        for (size_t i = 0; i < PIECE_BYTES; i++)
            pieces[piece_count][i] = (uint8_t)(secret[at + i] ^ MASK);
        begins[secret[at]][secret[at + 1]] = true;
        piece_count++;
    }
}

void residue_seek_nothing(void)
{
    piece_count = 0;
    memset(begins, 0, sizeof(begins));
}

size_t residue_sought(void)
{
    return piece_count;
}

static bool is_piece(const uint8_t *at)
{
    for (size_t i = 0; begins[at[0]][at[1]] && i < piece_count; i++) {
        size_t same = 0;

        while (same < PIECE_BYTES && (uint8_t)(at[same] ^ MASK) == pieces[i][same])
            same++;
        if (same == PIECE_BYTES)
            return true;
    }
    return false;
}

static size_t found_between(const uint8_t *from, const uint8_t *to)
{
    size_t found = 0;

    for (const uint8_t *at = from; at + PIECE_BYTES <= to; at++)
        found += is_piece(at);
    return found;
}

/* ---- a stack of its own ---- */

static void enter(void)
{
    step_to_run();
    is_running = false;
}

/* What lies below `frame` belongs to calls that have returned: residue_run, outside, looks through it. */
static void look_below(void *frame)
{
    if (!is_running)
        return;
    dead_to = frame;
    cr_assert_eq(swapcontext(&inside, &outside), 0);
}

void residue_run(void (*step)(void))
{
    memset(stack, STACK_FILL, sizeof(stack));
    step_to_run = step;
    left_on_stack = 0;
    cr_assert_eq(getcontext(&inside), 0);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = sizeof(stack);
    inside.uc_link = &outside;
    makecontext(&inside, enter, 0);
    is_running = true;
    cr_assert_eq(swapcontext(&outside, &inside), 0);
    while (is_running) {
        left_on_stack += found_between(stack, dead_to);
        cr_assert_eq(swapcontext(&outside, &inside), 0);
    }
    cr_assert_eq(stack[0], STACK_FILL, "the stack was too small");
    left_on_stack += found_between(stack, stack + sizeof(stack));
}

size_t residue_on_stack(void)
{
    return left_on_stack;
}

/* The linker takes these for the library's; each looks, and does what the library does. */

static void find(const char *name, void *function)
{
    if (*(void **)function == NULL)
        *(void **)function = dlsym(RTLD_NEXT, name);
    cr_assert_not_null(*(void **)function);
}

int crypto_auth_hmacsha512_init(crypto_auth_hmacsha512_state *state, const unsigned char *key, size_t len)
{
    static int (*init)(crypto_auth_hmacsha512_state *, const unsigned char *, size_t);

    look_below(__builtin_frame_address(0));
    find("crypto_auth_hmacsha512_init", &init);
    return init(state, key, len);
}

int crypto_aead_chacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *c_len, const unsigned char *m,
                                              unsigned long long m_len, const unsigned char *ad,
                                              unsigned long long ad_len, const unsigned char *unused,
                                              const unsigned char *nonce, const unsigned char *key)
{
    static int (*encrypt)(unsigned char *, unsigned long long *, const unsigned char *, unsigned long long,
                          const unsigned char *, unsigned long long, const unsigned char *, const unsigned char *,
                          const unsigned char *);

    look_below(__builtin_frame_address(0));
    find("crypto_aead_chacha20poly1305_ietf_encrypt", &encrypt);
    return encrypt(c, c_len, m, m_len, ad, ad_len, unused, nonce, key);
}

/* ---- all there is ---- */

size_t residue_in_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], rights[8];
    unsigned long from, to;
    size_t found = 0;

    cr_assert_not_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && strncmp(rights, "rw", 2) == 0)
            found += found_between((const uint8_t *)from, (const uint8_t *)to);
    }
    fclose(maps);
    return found;
}

#endif
