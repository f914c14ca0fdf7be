/*
 * The user's half of a chat: lines, slash commands, and what they send to the node.
 */
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "chat/chat.h"
#include "client/typed.h"
#include "client/words.h"
#include "ui/bar.h"

/* As UTF-8 on the heap; NULL: told why not. */
static char *utf8_of(struct chat *c, const char *typed)
{
    char error[TYPED_ERROR_BYTES];
    char *text = typed_utf8(typed, nl_langinfo(CODESET), error);

    if (text == NULL) {
        c->undelivered++;
        chat_tell(c, CHAT_ERROR, "not sent: %s", error);
    }
    return text;
}

/* What goes out is what was typed; whoever shows it makes it safe. */
static void say_utf8_text(struct chat *c, const char *text)
{
    uint32_t number = ++c->last_number;

    chat_emit(c, &(struct chat_event){.kind = CHAT_OWN, .name = c->client->name, .text = text, .id = number});
    chat_dispatch(c, COMMAND_SAY, number, text);
}

void chat_say(struct chat *c, const char *typed)
{
    char *text = utf8_of(c, typed);

    if (text != NULL)
        say_utf8_text(c, text);
    free(text);
}

/* ---- commands ---- */

static void do_help(struct chat *c, const char *argument)
{
    char line[COMMAND_HELP_BYTES];

    (void)argument;
    for (size_t i = 0; command_help(i, line); i++)
        chat_tell(c, CHAT_INFO, "%s", line);
    chat_tell(c, CHAT_INFO, "//text                     say \"/text\"");
}

static void do_connect(struct chat *c, const char *argument)
{
    char dialled[DUET_DIALLED_BYTES], error[DUET_ERROR_BYTES];

    if (duet_host_parse(argument, settings_family(c->client->set), dialled, error) < 0)
        chat_tell(c, CHAT_ERROR, "%s", error);
    else
        chat_dial(c, dialled);
}

/* What cannot be sent is known before anybody comes for it. */
static bool can_be_sent(struct chat *c, const char *path)
{
    struct stat st;
    const char *why = NULL;

    if (stat(path, &st) < 0 || access(path, R_OK) < 0)
        why = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        why = "it is a directory";
    if (why != NULL)
        chat_tell(c, CHAT_ERROR, "sending %s: %s", path, why);
    return why == NULL;
}

void chat_send_path(struct chat *c, const char *path)
{
    if (!chat_is_alone(c) || can_be_sent(c, path)) /* else whoever opens it says so */
        chat_dispatch(c, COMMAND_SEND, 0, path);
}

static void do_ask(struct chat *c, const char *argument)
{
    char *text = utf8_of(c, argument);

    if (text != NULL)
        chat_dispatch(c, COMMAND_ASK, 0, text);
    free(text);
}

static void do_me(struct chat *c, const char *argument)
{
    char *what = utf8_of(c, argument);
    char *text = NULL;

    if (what != NULL && asprintf(&text, "* %s %s", c->client->name, what) >= 0) {
        say_utf8_text(c, text);
        free(text);
    }
    free(what);
}

/* A transfer's number from the user; 0: told what is wrong. */
static uint32_t read_transfer(struct chat *c, const char *argument)
{
    char *end;
    unsigned long id = strtoul(argument, &end, 10);

    if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || id > UINT32_MAX ||
        !roster_transfer(&c->roster, (uint32_t)id)) {
        chat_tell(c, CHAT_ERROR, "no transfer %s: /transfers lists them", argument);
        return 0;
    }
    return (uint32_t)id;
}

static void answer_offer(struct chat *c, struct roster_transfer *transfer, bool yes)
{
    (void)(yes ? duet_accept : duet_reject)(c->client->node, transfer->id);
    if (yes)
        transfer->state = ROSTER_RUNNING;
}

static void answer_offers(struct chat *c, const char *argument, bool yes)
{
    if (strcmp(argument, "all") == 0) {
        for (size_t i = 0; i < c->roster.transfer_count; i++) {
            struct roster_transfer *each = &c->roster.transfers[i];
            if (!each->sending && each->state == ROSTER_OFFERED)
                answer_offer(c, each, yes);
        }
        return;
    }
    uint32_t id = *argument ? read_transfer(c, argument) : roster_only_offer(&c->roster);
    if (id == 0) {
        if (!*argument)
            chat_tell(c, CHAT_ERROR, "which offer? /transfers lists them");
        return;
    }
    struct roster_transfer *transfer = roster_transfer(&c->roster, id);
    if (transfer->sending || transfer->state != ROSTER_OFFERED)
        chat_tell(c, CHAT_ERROR, "transfer %u is not an open offer", id);
    else
        answer_offer(c, transfer, yes);
}

static void do_accept(struct chat *c, const char *argument)
{
    answer_offers(c, argument, true);
}

static void do_reject(struct chat *c, const char *argument)
{
    answer_offers(c, argument, false);
}

/* "k3": a file that is kept. */
static bool cancel_kept(struct chat *c, const char *argument)
{
    char *end;
    unsigned long number = argument[0] == 'k' ? strtoul(argument + 1, &end, 10) : 0;

    if (number == 0 || number > UINT32_MAX || *end != '\0')
        return false;
    if (kept_cancel(&c->kept, (uint32_t)number))
        chat_tell(c, CHAT_INFO, "%s is no longer kept", argument);
    else
        chat_tell(c, CHAT_ERROR, "nothing is kept as %s: /transfers lists what is", argument);
    return true;
}

static void do_cancel(struct chat *c, const char *argument)
{
    uint32_t id = 0;

    if (cancel_kept(c, argument))
        return;
    if (*argument)
        id = read_transfer(c, argument);
    else if (c->roster.transfer_count == 1)
        id = c->roster.transfers[0].id;
    else
        chat_tell(c, CHAT_ERROR, "which transfer? /transfers lists them");
    if (id != 0)
        (void)duet_cancel(c->client->node, id);
}

/* Files by their numbers, lines as a number; how many files there are. */
static size_t list_kept(struct chat *c)
{
    size_t files = 0, lines = 0;

    for (size_t i = 0; i < c->kept.count; i++) {
        const struct kept_item *item = &c->kept.v[i];
        const char *whom = item->whom == KEPT_FOR_KEY       ? item->name
                           : item->whom == KEPT_FOR_DIALLED ? chat_called_name(c)
                                                            : "whoever comes first";
        if (item->id == COMMAND_SEND)
            chat_tell(c, CHAT_INFO, "transfer k%u kept for %s: %s", item->number, whom, item->text);
        files += item->id == COMMAND_SEND;
        lines += item->id != COMMAND_SEND;
    }
    if (lines > 0)
        chat_tell(c, CHAT_INFO, "kept for later: %zu %s", lines, lines == 1 ? "line" : "lines");
    return files;
}

static void do_transfers(struct chat *c, const char *argument)
{
    char amounts[BAR_AMOUNT_BYTES], rate[TEXT_SIZE_BYTES];

    (void)argument;
    for (size_t i = 0; i < c->roster.transfer_count; i++) {
        const struct roster_transfer *each = &c->roster.transfers[i];
        const char *state = each->state == ROSTER_OFFERED ? "offered" : each->stalled ? "stalled" : "running";
        chat_tell(c, CHAT_INFO, "transfer %u %s %s %u%% %s %s/s %s", each->id, each->sending ? "sending" : "receiving",
                  state, bar_percent(each->done_bytes, each->total_bytes),
                  bar_amounts(each->done_bytes, each->total_bytes, amounts), text_size(each->rate_bytes_per_s, rate),
                  each->name);
    }
    if (list_kept(c) == 0 && c->roster.transfer_count == 0)
        chat_tell(c, CHAT_INFO, "no transfers");
}

static void list_strangers(struct chat *c)
{
    const struct stranger *s;
    char addr[ADDR_TEXT_BYTES];

    for (size_t i = 0; (s = admission_next(&c->admission, &i)) != NULL; i++)
        chat_tell(c, CHAT_INFO, "stranger %s %s %s%s%s", s->key.name, s->key.fingerprint,
                  words_endpoint(&s->key.addr, addr), s->known_as[0] != '\0' ? " known as " : "", s->known_as);
}

static void do_trust(struct chat *c, const char *argument)
{
    admission_command(&c->admission, argument, true, client_now());
}

static void do_refuse(struct chat *c, const char *argument)
{
    admission_command(&c->admission, argument, false, client_now());
}

static void do_peers(struct chat *c, const char *argument)
{
    char addr[ADDR_TEXT_BYTES];

    (void)argument;
    if (chat_is_alone(c))
        chat_tell(c, CHAT_INFO, "nobody is connected");
    list_strangers(c);
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&c->roster, p));)
        chat_tell(c, CHAT_INFO, "peer %s %s %s %s", p->name, p->fingerprint, addr_format(&p->addr, addr),
                  p->unreachable ? "unreachable" : "connected");
}

static void do_stats(struct chat *c, const char *argument)
{
    (void)argument;
    if (chat_is_alone(c))
        chat_tell(c, CHAT_INFO, "nobody is connected");
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&c->roster, p));) {
        p->wants_stats = true;
        (void)duet_stats(c->client->node, p->id);
    }
}

static void do_close(struct chat *c, const char *argument)
{
    bool ambiguous = false;
    struct roster_peer *p = roster_next_connected(&c->roster, NULL);

    if (*argument)
        p = roster_named(&c->roster, argument, &ambiguous);
    else if (roster_count(&c->roster, ROSTER_CONNECTED) > 1)
        ambiguous = true;
    if (ambiguous)
        chat_tell(c, CHAT_ERROR, "which peer? Use its name or the start of its fingerprint: /peers lists them");
    else if (!p)
        chat_tell(c, CHAT_ERROR, "nobody%s%s is connected", *argument ? " called " : "", argument);
    else
        (void)duet_close(c->client->node, p->id);
}

static void do_clear(struct chat *c, const char *argument)
{
    (void)argument;
    chat_emit(c, &(struct chat_event){.kind = CHAT_CLEAR, .name = "", .text = ""});
}

/* The second /quit does not wait for anything. */
static void do_quit(struct chat *c, const char *argument)
{
    (void)argument;
    if (c->leaving == CHAT_LEAVES)
        c->over = c->hurried = true;
    c->leaving = CHAT_LEAVES;
    if (c->kept.count == 0)
        c->dialling = false; /* nothing waits for it */
    for (size_t i = 0; i < c->roster.transfer_count; i++)
        (void)duet_cancel(c->client->node, c->roster.transfers[i].id);
    chat_settle(c);
}

static const struct {
    enum command_id id;
    void (*run)(struct chat *c, const char *argument);
} commands[] = {
    {COMMAND_SAY, chat_say},        {COMMAND_HELP, do_help},     {COMMAND_CONNECT, do_connect},
    {COMMAND_SEND, chat_send_path}, {COMMAND_ACCEPT, do_accept}, {COMMAND_REJECT, do_reject},
    {COMMAND_CANCEL, do_cancel},    {COMMAND_PEERS, do_peers},   {COMMAND_TRANSFERS, do_transfers},
    {COMMAND_ASK, do_ask},          {COMMAND_STATS, do_stats},   {COMMAND_ME, do_me},
    {COMMAND_CLOSE, do_close},      {COMMAND_CLEAR, do_clear},   {COMMAND_QUIT, do_quit},
    {COMMAND_TRUST, do_trust},      {COMMAND_REFUSE, do_refuse},
};

void chat_line(struct chat *c, const char *line)
{
    struct command command;

    if (c->leaving == CHAT_LEAVES && strcmp(line, "/quit") != 0) {
        if (line[0] != '\0')
            chat_tell(c, CHAT_ERROR, "not sent: duet is quitting");
        return;
    }
    if (command_parse(line, &command) < 0) {
        chat_tell(c, CHAT_ERROR, "%s", err_text(DUET_ENOMEM));
        return;
    }
    if (command.id == COMMAND_BAD)
        chat_tell(c, CHAT_ERROR, "%s", command.text);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (commands[i].id == command.id)
            commands[i].run(c, command.text);
    command_dispose(&command);
    chat_settle(c);
}
