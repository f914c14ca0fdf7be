#include "chat/plain.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "chat/chat.h"
#include "client/print.h"

#define READ_BYTES 4096

struct plain {
    struct client *client;
    struct chat chat;
    char bytes[READ_BYTES]; /* read and not yet looked at: [at, count) */
    size_t at, count;
    char *line; /* what has come of the present line */
    size_t len, cap;
    bool too_long; /* the present line: skipped to its end */
    bool ended;    /* of stdin */
    bool parting;  /* in the farewell */
};

/* Has stdout room for a piece?  Whoever reads it may have stopped; that must not keep a signal from
 * ending us. */
static bool may_write(struct plain *f)
{
    struct pollfd fds[] = {{.fd = STDOUT_FILENO, .events = POLLOUT}, {.fd = f->client->signal_fd, .events = POLLIN}};

    for (;;) {
        const int ready = poll(fds, 2, f->client->interrupted ? 0 : -1);

        if (ready > 0 && fds[0].revents != 0)
            return true;
        if (ready == 0)
            return false;
        if (ready > 0)
            (void)client_take_signal(f->client);
    }
}

static void write_pieces(struct plain *f, const char *bytes, size_t len)
{
    while (len > 0 && !ferror(stdout) && may_write(f)) {
        size_t piece = len < PIPE_BUF ? len : PIPE_BUF;
        fwrite(bytes, 1, piece, stdout);
        fflush(stdout);
        bytes += piece;
        len -= piece;
    }
}

static void print(struct plain *f, const char *lead, const char *text)
{
    char *lines = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&lines, &len);

    if (memory) {
        print_lines_as(memory, print_form(stdout), lead, text);
        if (fclose(memory) == 0)
            write_pieces(f, lines, len);
    }
    free(lines);
    if (!ferror(stdout) || f->chat.over)
        return;
    print_error("cannot write to standard output: %s", strerror(errno));
    chat_finish(&f->chat, EXIT_INTERNAL, "cannot write to standard output");
}

/* `format` has the event's words.  One event, one line: newlines of peers become visible. */
__attribute__((format(printf, 2, 3))) static void event(struct plain *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = text_format_new(format, args);
    va_end(args);
    char *line = text ? text_sanitise_new(TEXT_PIPE, text, strlen(text)) : NULL;
    if (line)
        print(f, "", line);
    free(line);
    free(text);
}

/* A peer may call itself "received", and "* received left" would be a file. */
static const char *name_in_line(const char *name, char out[ROSTER_NAME_BYTES])
{
    static const char *const taken[] = {"listening", "connected", "offer",   "received", "sent", "delivered",
                                        "answer",    "peer",      "stats",   "transfer", "no",   "stranger",
                                        "strangers", "trusted",   "refused", "kept"};
    bool plain = true;

    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        plain = plain && strcmp(name, taken[i]) != 0;
    snprintf(out, ROSTER_NAME_BYTES, "%s%s", plain ? "" : "_", name);
    return out;
}

/* For people, on stderr. */
static void say_aside(const struct plain *f, const struct chat_event *ev)
{
    const struct settings *set = f->client->set;
    char line[ROSTER_NAME_BYTES + 40];

    snprintf(line, sizeof(line), "transfer %u offered to %s", ev->id, ev->name);
    if (ev->kind == CHAT_SENDING ? set->verbose : !set->quiet)
        print_lines(stderr, "", ev->kind == CHAT_SENDING ? line : ev->text);
}

static void on_event(void *face, const struct chat_event *ev)
{
    struct plain *f = face;
    char name[ROSTER_NAME_BYTES];

    switch (ev->kind) {
    case CHAT_LISTENING:
        event(f, "* listening on %s", ev->text);
        break;
    case CHAT_CONNECTED:
        event(f, "* connected to %s %s", name_in_line(ev->name, name), ev->text);
        break;
    case CHAT_UNREACHABLE:
        event(f, "* %s is unreachable", name_in_line(ev->name, name));
        break;
    case CHAT_BACK:
        event(f, "* %s is back", name_in_line(ev->name, name));
        break;
    case CHAT_LEFT:
        event(f, "* %s left", name_in_line(ev->name, name));
        break;
    case CHAT_LOST:
        event(f, "* %s lost", name_in_line(ev->name, name));
        break;
    case CHAT_TEXT:
        event(f, "<%s> %s", name_in_line(ev->name, name), ev->text);
        break;
    case CHAT_DELIVERED:
        event(f, "* delivered %u", ev->id);
        break;
    case CHAT_OFFER:
        event(f, "* offer %u %s %llu", ev->id, ev->text, (unsigned long long)ev->value);
        break;
    case CHAT_RECEIVED:
        event(f, "* received %s", ev->text);
        break;
    case CHAT_SENT:
        event(f, "* sent %s", ev->text);
        break;
    case CHAT_ANSWER:
        event(f, "* answer %s %s", name_in_line(ev->name, name), ev->text);
        break;
    case CHAT_ERROR:
        print(f, "! ", ev->text);
        break;
    case CHAT_INFO:
        print(f, "* ", ev->text);
        break;
    case CHAT_STRANGER:
        event(f, "* stranger %s %s", name_in_line(ev->name, name), ev->text);
        break;
    case CHAT_STRANGERS:
        event(f, "* strangers %llu", (unsigned long long)ev->value);
        break;
    case CHAT_NOTICE:
    case CHAT_SENDING:
        say_aside(f, ev);
        break;
    case CHAT_OWN:
    case CHAT_CLEAR:
        break;
    }
}

static void end_line(struct plain *f)
{
    if (f->too_long) {
        char error[100];
        snprintf(error, sizeof error, "line not sent: longer than %d bytes; put it in a file and /send that",
                 PLAIN_LINE_BYTES - 1);
        print(f, "! ", error);
    } else if (f->line) {
        if (f->len > 0 && f->line[f->len - 1] == '\r')
            f->len--;
        f->line[f->len] = '\0';
        chat_line(&f->chat, f->line);
    }
    f->len = 0;
    f->too_long = false;
}

/* Room for one more byte and the NUL. */
static bool make_room(struct plain *f)
{
    if (f->len + 2 <= f->cap)
        return true;
    size_t cap = f->cap ? f->cap * 2 : READ_BYTES;
    char *line = cap <= PLAIN_LINE_BYTES ? realloc(f->line, cap) : NULL;
    if (!line)
        return false;
    f->line = line;
    f->cap = cap;
    return true;
}

static void take_byte(struct plain *f, char byte)
{
    if (!make_room(f)) {
        f->too_long = true;
    }
    if (byte == '\n') {
        end_line(f);
        return;
    }
    if (f->too_long)
        return;
    /* A NUL would cut the line short; another control byte is shown for what it is. */
    f->line[f->len++] = byte ? byte : '\x01';
}

/* Only as far as the conversation has room: the rest waits here, and behind it whoever writes to
 * us. */
static void consume(struct plain *f)
{
    while (f->at < f->count && (f->parting ? !f->chat.hurried : chat_has_room(&f->chat) && !f->chat.over))
        take_byte(f, f->bytes[f->at++]);
}

static void read_input(struct plain *f)
{
    ssize_t len = read(STDIN_FILENO, f->bytes, sizeof f->bytes);

    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    f->at = 0;
    f->count = len > 0 ? (size_t)len : 0;
    consume(f);
    if (len > 0)
        return;
    if (f->len > 0 || f->too_long)
        end_line(f);
    f->ended = true;
    chat_end_of_input(&f->chat);
}

static void loop(struct plain *f)
{
    struct client *client = f->client;
    const struct duet_event *ev;

    while (!f->chat.over && !client->interrupted) {
        bool reads = !f->ended && f->at == f->count && chat_has_room(&f->chat);
        unsigned woken = client_wait(client, reads ? STDIN_FILENO : -1, chat_tick(&f->chat), NULL);
        for (int i = 0;
             i < CLIENT_MESSAGES && !f->chat.over && !client->interrupted && (ev = client_next(client)) != NULL; i++)
            chat_on_event(&f->chat, ev);
        if (woken & WAKE_INPUT && !f->chat.over)
            read_input(f);
        consume(f);
    }
}

/* The second /quit of somebody who looks on; a pipe is not read any more. */
static void wait_in_farewell(void *face, uint64_t at_most_us)
{
    struct plain *f = face;
    const bool reads = !f->ended && isatty(STDIN_FILENO);

    if (client_wait(f->client, reads ? STDIN_FILENO : -1, at_most_us, NULL) & WAKE_INPUT)
        read_input(f);
}

int plain_run(struct client *client)
{
    struct plain *f = calloc(1, sizeof *f);

    if (!f) {
        print_error("%s", err_text(DUET_ENOMEM));
        return EXIT_INTERNAL;
    }
    f->client = client;
    chat_init(&f->chat, client, on_event, f);
    f->chat.ends_when_lost = client->has_target;
    loop(f);
    f->parting = true;
    int code = chat_farewell(&f->chat, wait_in_farewell);
    chat_dispose(&f->chat);
    free(f->line);
    free(f);
    return code;
}
