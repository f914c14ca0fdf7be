#include "conn/conn_state.h"

static const struct {
    const char *word;
    char next[CONN_STATES + 1];
} states[] = {
#define X(name, word_, next_) [name] = {.word = word_, .next = next_},
    CONN_STATE_LIST(X)
#undef X
};

const char *conn_state_name(enum conn_state s)
{
    return states[s].word;
}

bool conn_state_may_follow(enum conn_state from, enum conn_state to)
{
    return states[from].next[to] != '-';
}
