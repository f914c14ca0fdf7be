/*
 * screen: chat on a terminal: the chat's events into the scrollback, keys into the chat, the view at most 30
 * times a second.  Main thread.
 */
#ifndef DUET_CHAT_SCREEN_H
#define DUET_CHAT_SCREEN_H

#include "client/client.h"

#define SCREEN_FRAME_US UINT64_C(33333)         /* 30 frames a second at most */
#define SCREEN_STATS_US UINT64_C(1000000)       /* the status line's figures while something moves or is waited for */
#define SCREEN_IDLE_STATS_US UINT64_C(10000000) /* … while nobody waits for them: each change is activity to tmux */

/* Runs the conversation; the exit code.  The client is open and stays so.  -1: no screen can be shown here (why is
 * told), nothing has happened yet. */
int screen_run(struct client *client);

#endif
