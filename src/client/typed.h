/*
 * typed: what the user typed or piped in, as the UTF-8 that goes to peers.
 *
 * Texts travel as they were typed; only their encoding is changed, from that of the locale.  What is no text in it is
 * refused with words: a guess would reach the peer as something else.  Any thread.
 */
#ifndef DUET_CLIENT_TYPED_H
#define DUET_CLIENT_TYPED_H

#define TYPED_ERROR_BYTES 160

/* `bytes` in `codeset` (as nl_langinfo(CODESET) names it) as UTF-8 on the heap.  NULL: why is in `error`, a sentence
 * without its subject: "it is not UTF-8: ...". */
char *typed_utf8(const char *bytes, const char *codeset, char error[TYPED_ERROR_BYTES]);

#endif
