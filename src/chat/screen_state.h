/*
 * screen_state: what a screen is made of.  For the files of the screen only (screen.c, screen_lines.c); everyone else
 * sees screen.h.
 */
#ifndef DUET_CHAT_SCREEN_STATE_H
#define DUET_CHAT_SCREEN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "chat/chat.h"
#include "chat/pasted.h"
#include "ui/scrollback.h"

struct screen {
    struct client *client;
    struct chat chat;
    struct scrollback scrollback;
    char listening[ADDR_TEXT_BYTES];
    struct pasted pasted;
    bool asked; /* the question about a paste is on the screen: what is typed from here on is its answer */
    bool dirty;
    uint64_t next_frame_us, stats_us; /* stats_us: when figures were asked for last; 0: they are wanted now */
};

/* Everything that is shown passes the gate here: peers' words come as they were said. */
void screen_add(struct screen *s, enum line_kind kind, uint32_t id, const char *prefix, const char *text);

/* Words in the locale's encoding; what is no text in it comes as it is, for the gate. */
void screen_add_typed(struct screen *s, enum text_form form, const char *bytes);

/* A chat_sink. */
void screen_on_event(void *face, const struct chat_event *ev);

#endif
