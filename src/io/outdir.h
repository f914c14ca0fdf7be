/*
 * outdir: the directory that received files go to, by its path.
 *
 * It may be removed and made again, moved, or mounted over while duet runs
 * (recv -k for weeks, a USB stick).  So it is opened anew for each file, and
 * before a file gets its name we look where the opened directory is by now: a
 * printed path must lead to the file.  Disk thread.
 */
#ifndef DUET_IO_OUTDIR_H
#define DUET_IO_OUTDIR_H

/* A descriptor of the directory `path`, or -1 with errno. */
int outdir_open(const char *path);

/* The path under which the opened directory can be reached now, on the heap: `path` while it leads
 * there, else where it was moved to.  NULL: it was removed, or something is mounted over it (errno
 * ENOENT), or there is no memory (ENOMEM). */
char *outdir_where(int dirfd, const char *path);

#endif
