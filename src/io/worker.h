/*
 * worker: starts a thread that no signal is delivered to: signals are the ui thread's.
 */
#ifndef DUET_IO_WORKER_H
#define DUET_IO_WORKER_H

#include <pthread.h>

/* `name`: at most 15 bytes, shown by ps and gdb.  0 or an errno. */
int worker_start(pthread_t *thread, const char *name, void *(*body)(void *), void *arg);

#endif
