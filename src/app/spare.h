/*
 * spare: memory that files and sessions left behind.  It is kept for SPARE_KEEP_US, because the next ones may follow at
 * once, and given back when nothing came.  Owned by the net thread.
 */
#ifndef DUET_APP_SPARE_H
#define DUET_APP_SPARE_H

#include "app/env.h"

#define SPARE_KEEP_US (UINT64_C(2) * US_PER_S)

struct spare {
    duet_time release_at; /* NEVER: there is none to give back, or files are under way */
    bool sessions_ended;  /* since memory last went back */
    bool gave_back;       /* spare_gave_back has not told yet */
};

void spare_init(struct spare *s);
/* After anything that may have ended. */
void spare_plan(struct spare *s, const struct env *env);
/* At release_at: frees what the chunk pools hold. */
void spare_release(struct spare *s, struct env *env);
/* Once after each release. */
bool spare_gave_back(struct spare *s);

#endif
