/*
 * turns: a busy machine.  A program that shares its processors with others is away now and then: nothing that arrives
 * for it is read, no timer of it fires.  Absences are uniform in (0, longest], what lies between two of them uniform
 * around the mean that gives the share of the time asked for.  The same seed gives the same turns.
 */
#ifndef SIM_TURNS_H
#define SIM_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"
#include "base/time.h"

struct turns {
    struct duet_rand rng;
    uint64_t longest_us, mean_gap_us;
    duet_time from, until; /* the absence that is or comes next; DUET_NEVER: none */
};

/* share of the time away, 0 <= share < 1; 0, or nothing of a longest absence: never. */
void turns_init(struct turns *t, double share, uint64_t longest_us, uint64_t seed, duet_time now);
/* When the program is there again, now if it is. */
duet_time turns_back(struct turns *t, duet_time now);

#endif
