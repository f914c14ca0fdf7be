/* System calls that fail for the rest of this test, as on file systems that do not know them (seccomp; no privilege is
 * needed, and every test is a process of its own). */
#ifndef TEST_UNIT_IO_DENY_H
#define TEST_UNIT_IO_DENY_H

#include "unit.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static inline void deny_filter(struct sock_filter *all, size_t count)
{
    struct sock_fprog program = {.len = (unsigned short)count, .filter = all};

    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* What becomes of every call of `nr`: SECCOMP_RET_…; with TRAP it is a SIGSYS, whose handler may do something else. */
static inline void deny_with(int nr, unsigned action)
{
    struct sock_filter all[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    deny_filter(all, sizeof(all) / sizeof(all[0]));
}

/* `nr` fails with errno `why`, where the lower half of argument `arg` is `value`, or, `other`, is not. */
static inline void deny_where(int nr, unsigned arg, unsigned value, bool other, int why)
{
    const unsigned at = (unsigned)(offsetof(struct seccomp_data, args) + 8 * arg); /* on a little-endian machine */
    struct sock_filter all[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, other ? 1 : 0, other ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)why),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    deny_filter(all, sizeof(all) / sizeof(all[0]));
}

static inline void deny(int nr, int why)
{
    deny_where(nr, 0, 0, false, why);
    deny_where(nr, 0, 0, true, why);
}

/* A file system without RENAME_NOREPLACE, and, `link` not 0, without hard links. */
static inline void deny_renames(int noreplace, int link)
{
    deny_where(SYS_renameat2, 4, 0, true, noreplace);
    if (link != 0)
        deny(SYS_linkat, link);
}

#endif
