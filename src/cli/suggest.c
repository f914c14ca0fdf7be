#include "cli/suggest.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance, the whole table: the words are short. */
size_t suggest_distance(const char *a, const char *b)
{
    size_t cost[SUGGEST_WORD_BYTES + 1][SUGGEST_WORD_BYTES + 1];
    size_t rows = strlen(a);
    size_t columns = strlen(b);

    if (rows > SUGGEST_WORD_BYTES || columns > SUGGEST_WORD_BYTES)
        return SUGGEST_WORD_BYTES;
    for (size_t i = 0; i <= rows; i++) {
        for (size_t j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            size_t changed = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            cost[i][j] = least(changed, least(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[rows][columns];
}

const char *suggest_word(const char *typed, const char *const words[])
{
    size_t best = strlen(typed) <= 4 ? 1 : 2;
    const char *found = NULL;

    for (size_t i = 0; words[i]; i++) {
        size_t distance = suggest_distance(typed, words[i]);
        /* A word of two letters is one mistake away from half of all short words. */
        if (distance > best || distance >= strlen(words[i]) || (found && distance == best))
            continue;
        best = distance;
        found = words[i];
    }
    return found;
}
