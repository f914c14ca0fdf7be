/*
 * command: what the user typed, as a message or one of the slash commands.
 *
 * "/send a b.txt" takes the rest of the line as a path, quotes optional, "~" and "~user" at its start expanded;
 * "//etc" is the message "/etc"; an unknown command is an error, never a message.  Main thread (reads HOME and the
 * user database for "~").
 */
#ifndef DUET_CHAT_COMMAND_H
#define DUET_CHAT_COMMAND_H

#include <stddef.h>

/* X(id, name, argument for /help, help) */
#define COMMAND_LIST(X)                                                                                    \
    X(COMMAND_HELP, "help", "", "list the commands")                                                       \
    X(COMMAND_CONNECT, "connect", "HOST[:PORT]", "connect to another peer")                                \
    X(COMMAND_SEND, "send", "PATH", "offer a file to everyone connected")                                  \
    X(COMMAND_ACCEPT, "accept", "[ID|all]", "accept an offered file")                                      \
    X(COMMAND_REJECT, "reject", "[ID|all]", "decline an offered file")                                     \
    X(COMMAND_CANCEL, "cancel", "[ID]", "stop a transfer, in or out")                                      \
    X(COMMAND_TRANSFERS, "transfers", "", "list the transfers")                                            \
    X(COMMAND_TRUST, "trust", "[NAME|KEY]", "let in a waiting peer, and remember its key")                 \
    X(COMMAND_REFUSE, "refuse", "[NAME|KEY]", "turn away a waiting peer")                                  \
    X(COMMAND_PEERS, "peers", "", "list who is connected, and who is waiting")                             \
    X(COMMAND_ASK, "ask", "NAME COMMAND [ARGS]", "run echo, reverse, time, sum, status or ping on a peer") \
    X(COMMAND_STATS, "stats", "", "show figures of the connections")                                       \
    X(COMMAND_ME, "me", "TEXT", "say what you are doing")                                                  \
    X(COMMAND_CLOSE, "close", "[NAME]", "end the connection with a peer")                                  \
    X(COMMAND_CLEAR, "clear", "", "clear the screen")                                                      \
    X(COMMAND_QUIT, "quit", "", "quit duet")

enum command_id {
    COMMAND_SAY,     /* not a command: text is the message */
    COMMAND_NOTHING, /* an empty line */
    COMMAND_BAD,     /* text is what to tell the user */
#define X(id, name, argument, help) id,
    COMMAND_LIST(X)
#undef X
};

struct command {
    enum command_id id;
    char *text; /* heap: the message, the argument ("" without one), or the error */
};

/* 0, or DUET_ENOMEM.  line: one line without its newline (a pasted message may have some inside). */
int command_parse(const char *line, struct command *out);
void command_dispose(struct command *c);

/* Takes the first word off *rest (which then starts at the next one); returns its bytes, its start in *word. */
size_t command_word(const char **rest, const char **word);

/* The lines of /help, one a call: index 0.. ; NULL: no more.  out is the buffer it is written to. */
#define COMMAND_HELP_BYTES 128
const char *command_help(size_t index, char out[COMMAND_HELP_BYTES]);

/* The name of a command by index, for Tab; NULL: no more. */
const char *command_name(size_t index);

#endif
