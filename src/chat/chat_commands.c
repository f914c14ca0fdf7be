/*
 * The user's half of talk: lines, slash commands, and what they send to the node.
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
#include "io/clock.h"
#include "ui/bar.h"

/* As UTF-8 on the heap; NULL: told why not. */
static char *utf8_of(struct talk *t, const char *typed)
{
    char error[TYPED_ERROR_BYTES];
    char *text = typed_utf8(typed, nl_langinfo(CODESET), error);

    if (text == NULL) {
        t->undelivered++;
        talk_tell(t, TALK_ERROR, "not sent: %s", error);
    }
    return text;
}

/* What goes out is what was typed; whoever shows it makes it safe. */
static void say_utf8_text(struct talk *t, const char *text)
{
    uint32_t number = ++t->last_number;

    talk_emit(t, &(struct talk_event){.kind = TALK_OWN, .name = t->program->name, .text = text, .id = number});
    talk_dispatch(t, COMMAND_SAY, number, text);
}

void talk_say(struct talk *t, const char *typed)
{
    char *text = utf8_of(t, typed);

    if (text != NULL)
        say_utf8_text(t, text);
    free(text);
}

/* ---- commands ---- */

static void do_help(struct talk *t, const char *argument)
{
    char line[COMMAND_HELP_BYTES];

    (void)argument;
    for (size_t i = 0; command_help(i, line); i++)
        talk_tell(t, TALK_INFO, "%s", line);
    talk_tell(t, TALK_INFO, "//text                     say \"/text\"");
}

static void do_connect(struct talk *t, const char *argument)
{
    struct resolve_query q;
    struct resolve_result literal;
    char error[RESOLVE_ERROR_BYTES];

    if (resolve_parse(argument, settings_family(t->program->set), DUET_DEFAULT_PORT, &q, error) < 0) {
        talk_tell(t, TALK_ERROR, "%s", error);
    } else if (resolve_literal(&q, &literal) && literal.err < 0) {
        talk_tell(t, TALK_ERROR, "%s", literal.error);
    } else {
        talk_dial(t, &q);
    }
}

/* What cannot be sent is known before anybody comes for it. */
static bool can_be_sent(struct talk *t, const char *path)
{
    struct stat st;
    const char *why = NULL;

    if (stat(path, &st) < 0 || access(path, R_OK) < 0)
        why = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        why = "it is a directory";
    if (why != NULL)
        talk_tell(t, TALK_ERROR, "sending %s: %s", path, why);
    return why == NULL;
}

void talk_send_path(struct talk *t, const char *path)
{
    if (!talk_is_alone(t) || can_be_sent(t, path)) /* else whoever opens it says so */
        talk_dispatch(t, COMMAND_SEND, 0, path);
}

static void do_ask(struct talk *t, const char *argument)
{
    char *text = utf8_of(t, argument);

    if (text != NULL)
        talk_dispatch(t, COMMAND_ASK, 0, text);
    free(text);
}

static void do_me(struct talk *t, const char *argument)
{
    char *what = utf8_of(t, argument);
    char *text = NULL;

    if (what != NULL && asprintf(&text, "* %s %s", t->program->name, what) >= 0) {
        say_utf8_text(t, text);
        free(text);
    }
    free(what);
}

/* A transfer's number from the user; 0: told what is wrong. */
static uint32_t read_transfer(struct talk *t, const char *argument)
{
    char *end;
    unsigned long id = strtoul(argument, &end, 10);

    if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || id > UINT32_MAX ||
        !roster_transfer(&t->roster, (uint32_t)id)) {
        talk_tell(t, TALK_ERROR, "no transfer %s: /transfers lists them", argument);
        return 0;
    }
    return (uint32_t)id;
}

static void answer_offer(struct talk *t, struct roster_transfer *transfer, bool yes)
{
    program_send(t->program, yes ? MSG_ACCEPT : MSG_REJECT, transfer->peer, transfer->id, false);
    if (yes)
        transfer->state = ROSTER_RUNNING;
}

static void answer_offers(struct talk *t, const char *argument, bool yes)
{
    if (strcmp(argument, "all") == 0) {
        for (size_t i = 0; i < t->roster.transfer_count; i++) {
            struct roster_transfer *each = &t->roster.transfers[i];
            if (!each->sending && each->state == ROSTER_OFFERED)
                answer_offer(t, each, yes);
        }
        return;
    }
    uint32_t id = *argument ? read_transfer(t, argument) : roster_only_offer(&t->roster);
    if (id == 0) {
        if (!*argument)
            talk_tell(t, TALK_ERROR, "which offer? /transfers lists them");
        return;
    }
    struct roster_transfer *transfer = roster_transfer(&t->roster, id);
    if (transfer->sending || transfer->state != ROSTER_OFFERED)
        talk_tell(t, TALK_ERROR, "transfer %u is not an open offer", id);
    else
        answer_offer(t, transfer, yes);
}

static void do_accept(struct talk *t, const char *argument)
{
    answer_offers(t, argument, true);
}

static void do_reject(struct talk *t, const char *argument)
{
    answer_offers(t, argument, false);
}

/* "k3": a file that is kept. */
static bool cancel_kept(struct talk *t, const char *argument)
{
    char *end;
    unsigned long number = argument[0] == 'k' ? strtoul(argument + 1, &end, 10) : 0;

    if (number == 0 || number > UINT32_MAX || *end != '\0')
        return false;
    if (kept_cancel(&t->kept, (uint32_t)number))
        talk_tell(t, TALK_INFO, "%s is no longer kept", argument);
    else
        talk_tell(t, TALK_ERROR, "nothing is kept as %s: /transfers lists what is", argument);
    return true;
}

static void do_cancel(struct talk *t, const char *argument)
{
    uint32_t id = 0;

    if (cancel_kept(t, argument))
        return;
    if (*argument)
        id = read_transfer(t, argument);
    else if (t->roster.transfer_count == 1)
        id = t->roster.transfers[0].id;
    else
        talk_tell(t, TALK_ERROR, "which transfer? /transfers lists them");
    if (id != 0)
        program_send(t->program, MSG_CANCEL, roster_transfer(&t->roster, id)->peer, id, false);
}

/* Files by their numbers, lines as a number; how many files there are. */
static size_t list_kept(struct talk *t)
{
    size_t files = 0, lines = 0;

    for (size_t i = 0; i < t->kept.count; i++) {
        const struct kept_item *item = &t->kept.v[i];
        const char *whom = item->whom == KEPT_FOR_KEY       ? item->name
                           : item->whom == KEPT_FOR_DIALLED ? talk_called_name(t)
                                                            : "whoever comes first";
        if (item->id == COMMAND_SEND)
            talk_tell(t, TALK_INFO, "transfer k%u kept for %s: %s", item->number, whom, item->text);
        files += item->id == COMMAND_SEND;
        lines += item->id != COMMAND_SEND;
    }
    if (lines > 0)
        talk_tell(t, TALK_INFO, "kept for later: %zu %s", lines, lines == 1 ? "line" : "lines");
    return files;
}

static void do_transfers(struct talk *t, const char *argument)
{
    char amounts[BAR_AMOUNT_BYTES], rate[TEXT_SIZE_BYTES];

    (void)argument;
    for (size_t i = 0; i < t->roster.transfer_count; i++) {
        const struct roster_transfer *each = &t->roster.transfers[i];
        const char *state = each->state == ROSTER_OFFERED ? "offered" : each->stalled ? "stalled" : "running";
        talk_tell(t, TALK_INFO, "transfer %u %s %s %u%% %s %s/s %s", each->id, each->sending ? "sending" : "receiving",
                  state, bar_percent(each->done_bytes, each->total_bytes),
                  bar_amounts(each->done_bytes, each->total_bytes, amounts), text_size(each->rate_bytes_per_s, rate),
                  each->name);
    }
    if (list_kept(t) == 0 && t->roster.transfer_count == 0)
        talk_tell(t, TALK_INFO, "no transfers");
}

static void list_strangers(struct talk *t)
{
    const struct stranger *s;
    char addr[ADDR_TEXT_BYTES];

    for (size_t i = 0; (s = admission_next(&t->admission, &i)) != NULL; i++)
        talk_tell(t, TALK_INFO, "stranger %s %s %s%s%s", s->key.name, s->print, words_endpoint(&s->key.addr, addr),
                  s->known_as[0] != '\0' ? " known as " : "", s->known_as);
}

static void do_trust(struct talk *t, const char *argument)
{
    admission_command(&t->admission, argument, true, clock_now());
}

static void do_refuse(struct talk *t, const char *argument)
{
    admission_command(&t->admission, argument, false, clock_now());
}

static void do_peers(struct talk *t, const char *argument)
{
    char addr[ADDR_TEXT_BYTES];

    (void)argument;
    if (talk_is_alone(t))
        talk_tell(t, TALK_INFO, "no peers");
    list_strangers(t);
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));)
        talk_tell(t, TALK_INFO, "peer %s %s %s %s", p->name, p->fingerprint, addr_format(&p->addr, addr),
                  p->unreachable ? "unreachable" : "connected");
}

static void do_stats(struct talk *t, const char *argument)
{
    (void)argument;
    if (talk_is_alone(t))
        talk_tell(t, TALK_INFO, "no peers");
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));) {
        p->wants_stats = true;
        program_send(t->program, MSG_STATS_PLEASE, p->id, 0, false);
    }
}

static void do_close(struct talk *t, const char *argument)
{
    bool ambiguous = false;
    struct roster_peer *p = roster_next_connected(&t->roster, NULL);

    if (*argument)
        p = roster_named(&t->roster, argument, &ambiguous);
    else if (roster_count(&t->roster, ROSTER_CONNECTED) > 1)
        ambiguous = true;
    if (ambiguous)
        talk_tell(t, TALK_ERROR, "which peer? Use its name or the start of its fingerprint: /peers lists them");
    else if (!p)
        talk_tell(t, TALK_ERROR, "nobody%s%s is connected", *argument ? " called " : "", argument);
    else
        program_send(t->program, MSG_CLOSE, p->id, 0, false);
}

static void do_clear(struct talk *t, const char *argument)
{
    (void)argument;
    talk_emit(t, &(struct talk_event){.kind = TALK_CLEAR, .name = "", .text = ""});
}

/* The second /quit does not wait for anything. */
static void do_quit(struct talk *t, const char *argument)
{
    (void)argument;
    if (t->leaving == TALK_LEAVES)
        t->over = t->hurried = true;
    t->leaving = TALK_LEAVES;
    if (t->kept.count == 0)
        t->dialling = false; /* nothing waits for it */
    for (size_t i = 0; i < t->roster.transfer_count; i++)
        program_send(t->program, MSG_CANCEL, t->roster.transfers[i].peer, t->roster.transfers[i].id, false);
    talk_settle(t);
}

static const struct {
    enum command_id id;
    void (*run)(struct talk *t, const char *argument);
} commands[] = {
    {COMMAND_SAY, talk_say},        {COMMAND_HELP, do_help},     {COMMAND_CONNECT, do_connect},
    {COMMAND_SEND, talk_send_path}, {COMMAND_ACCEPT, do_accept}, {COMMAND_REJECT, do_reject},
    {COMMAND_CANCEL, do_cancel},    {COMMAND_PEERS, do_peers},   {COMMAND_TRANSFERS, do_transfers},
    {COMMAND_ASK, do_ask},          {COMMAND_STATS, do_stats},   {COMMAND_ME, do_me},
    {COMMAND_CLOSE, do_close},      {COMMAND_CLEAR, do_clear},   {COMMAND_QUIT, do_quit},
    {COMMAND_TRUST, do_trust},      {COMMAND_REFUSE, do_refuse},
};

void talk_line(struct talk *t, const char *line)
{
    struct command c;

    if (t->leaving == TALK_LEAVES && strcmp(line, "/quit") != 0) {
        if (line[0] != '\0')
            talk_tell(t, TALK_ERROR, "not sent: duet is quitting");
        return;
    }
    if (command_parse(line, &c) < 0) {
        talk_tell(t, TALK_ERROR, "%s", err_text(DUET_ENOMEM));
        return;
    }
    if (c.id == COMMAND_BAD)
        talk_tell(t, TALK_ERROR, "%s", c.text);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (commands[i].id == c.id)
            commands[i].run(t, c.text);
    command_dispose(&c);
    talk_settle(t);
}
