/*
 * plain: chat as lines: what is typed (or piped in) are messages and /commands, what happens are lines on stdout.
 *
 *   * listening on [ADDR]:PORT     * connected to NAME FINGERPRINT     * NAME is unreachable | is back | left | lost
 *   <NAME> text                    * offer ID FILE BYTES               * received PATH    * sent FILE
 *   * delivered ID                 * answer NAME TEXT                  ! what went wrong
 *
 * Anything else the user asked for (/peers, /transfers, /stats, /help) is a line that starts with "* ".  Notices and
 * questions go to stderr.  Main thread.
 */
#ifndef DUET_CHAT_PLAIN_H
#define DUET_CHAT_PLAIN_H

#include "client/client.h"

#define PLAIN_LINE_BYTES (1024 * 1024) /* longest line taken from stdin */

/* Runs the conversation; the exit code.  The client is open and stays so. */
int plain_run(struct client *client);

#endif
