/*
 * completion: what Tab goes on with in a chat: names of commands behind the slash, paths behind /send.  Main thread.
 */
#ifndef DUET_CHAT_COMPLETION_H
#define DUET_CHAT_COMPLETION_H

#include "ui/input.h"

extern const struct input_language completion_language;

#endif
