/*
 * duet send: offers files to one peer and ends when each was verified, synced and renamed there, or
 * failed.
 *
 *   check paths → wait or connect → (trust) → offer, SEND_AT_ONCE under way at a time → duet_quit → exit code
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/oneshot.h"
#include "cli/subcommand.h"
#include "client/exit.h"
#include "client/print.h"
#include "client/words.h"

#define SEND_AT_ONCE 16 /* offers under way: enough that many small files do not wait for round trips */

struct send_file {
    const char *path;
    uint64_t bytes;
    bool requested, over; /* duet_send_file went out; its outcome is known */
    uint64_t began_us;
};

struct send {
    struct oneshot oneshot;
    struct send_file *files; /* those that can be read */
    size_t count;
    size_t next; /* not yet requested */
    size_t under_way;
    size_t sent, refused, failed_here, failed; /* failed: all that were not sent, refused and failed_here among them */
    uint64_t peer;                             /* whom we send to; 0: nobody yet */
    bool connected;
    bool gone; /* files fail because the peer is; the message that says why follows */
};

/* What keeps a path from being sent, in words; NULL: nothing. */
static const char *path_trouble(const char *path, uint64_t *bytes)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return strerror(errno);
    if (S_ISDIR(st.st_mode))
        return "directories are not supported yet";
    if (!S_ISREG(st.st_mode))
        return "not a regular file";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return strerror(errno);
    close(fd);
    *bytes = (uint64_t)st.st_size;
    return NULL;
}

/* Before anybody connects: the peer should not be bothered with what cannot come. */
static int check_paths(struct send *s, const struct options *o)
{
    s->files = calloc(o->arg_count, sizeof *s->files);
    if (!s->files) {
        print_error("%s", err_text(DUET_ENOMEM));
        return EXIT_INTERNAL;
    }
    for (size_t i = 0; i < o->arg_count; i++) {
        struct send_file *file = &s->files[s->count];
        const char *trouble = path_trouble(o->args[i], &file->bytes);
        if (trouble) {
            char *clean = text_sanitise_new(TEXT_LINE, o->args[i], strlen(o->args[i]));
            print_error("cannot send %s: %s", clean ? clean : "a file", trouble);
            free(clean);
            s->failed++;
            s->failed_here++;
            continue;
        }
        file->path = o->args[i];
        s->count++;
    }
    return s->count > 0 ? EXIT_DONE : EXIT_FILE;
}

static void request_more(struct send *s)
{
    for (; s->next < s->count && s->under_way < SEND_AT_ONCE && !s->oneshot.over && !s->gone; s->next++) {
        struct send_file *file = &s->files[s->next];
        if (file->over)
            continue;
        if (duet_send_file(s->oneshot.client.node, s->peer, (uint32_t)s->next + 1, file->path) < 0) {
            progress_line_error(&s->oneshot.progress_line, "%s", err_text(DUET_ENOMEM));
            oneshot_finish(&s->oneshot, EXIT_INTERNAL);
            return;
        }
        file->requested = true;
        s->under_way++;
    }
    if (s->under_way == 0 && s->next == s->count && !s->gone)
        oneshot_finish(&s->oneshot, EXIT_DONE);
}

/* The file of this duet_send_file; NULL: a number that was never given, or its outcome is known. */
static struct send_file *file_of(struct send *s, uint64_t request)
{
    struct send_file *file = request > 0 && request <= s->count ? &s->files[request - 1] : NULL;

    return file && file->requested && !file->over ? file : NULL;
}

static void file_over(struct send *s, struct send_file *file, uint32_t transfer)
{
    file->over = true;
    s->under_way--;
    s->oneshot.progress_line.files_done++;
    s->oneshot.progress_line.finished_bytes += file->bytes;
    roster_remove_transfer(&s->oneshot.roster, transfer);
    request_more(s);
}

static void on_sending(struct oneshot *o, const struct duet_event *ev)
{
    struct send *s = o->self;
    const uint32_t request = ev->id;
    struct send_file *file = file_of(s, request);
    struct roster_transfer *t = file ? roster_add_transfer(&o->roster, ev->transfer) : NULL;

    if (!t)
        return;
    file->began_us = client_now().us;
    s->oneshot.progress_line.all_bytes += ev->bytes - file->bytes; /* files of /proc are longer than stat says */
    file->bytes = ev->bytes;
    t->peer = ev->peer;
    t->sending = true;
    t->request = request;
    t->total_bytes = ev->bytes;
    snprintf(t->name, sizeof t->name, "%s", ev->text ? ev->text : "");
}

static void on_sent(struct oneshot *o, const struct duet_event *ev)
{
    struct send *s = o->self;
    const struct roster_transfer *t = roster_transfer(&o->roster, ev->transfer);
    struct send_file *file = t ? file_of(s, t->request) : NULL;

    if (!file)
        return;
    s->sent++;
    progress_line_summary(&o->progress_line, "sent", t->name, ev->bytes, client_now().us - file->began_us);
    file_over(s, file, ev->transfer);
}

static void on_file_failed(struct oneshot *o, const struct duet_event *ev)
{
    struct send *s = o->self;
    struct send_file *file = ev->ours ? file_of(s, ev->id) : NULL;

    if (!file)
        return;
    s->gone |= ev->err == DUET_ECLOSED;
    if (s->gone && !s->connected) { /* the peer has not heard of it yet */
        roster_remove_transfer(&o->roster, ev->transfer);
        return;
    }
    s->failed++;
    if (ev->err == DUET_EREFUSED || ev->err == DUET_ECANCELLED)
        s->refused++;
    else if (ev->err == DUET_EINTEGRITY || (ev->err == DUET_ESYS && ev->sys != 0))
        s->failed_here++;
    progress_line_error(&o->progress_line, "%s", ev->text ? ev->text : err_text(ev->err));
    file_over(s, file, ev->transfer);
}

static void on_peer_key(struct oneshot *o, const struct duet_event *ev)
{
    const struct send *s = o->self;

    const bool wanted = s->peer == 0 && (!o->client.has_target || admission_is_called(&o->admission, ev));

    admission_judge(&o->admission, ev, wanted, client_now());
}

static void on_admitted(struct oneshot *o, uint64_t peer)
{
    struct send *s = o->self;

    s->peer = peer;
    admission_close(&o->admission, client_now()); /* it is the one */
    request_more(s);                              /* whether it trusts us, and takes files, it says in its answer */
}

/* Each file will come back refused, if the peer stays for so long; it may be one that sends, too,
 * and leaves as soon as it learns the same of us. */
static void all_refused(struct send *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct send_file *file = &s->files[i];
        if (file->over)
            continue;
        char *clean = text_sanitise_new(TEXT_LINE, file->path, strlen(file->path));
        progress_line_error(&s->oneshot.progress_line, "sending %s: the peer does not accept files",
                            clean ? clean : "a file");
        free(clean);
        file->over = true;
        s->failed++;
        s->refused++;
    }
    oneshot_finish(&s->oneshot, EXIT_DONE);
}

static void on_connected(struct oneshot *o, const struct duet_event *ev)
{
    struct send *s = o->self;

    oneshot_on_connected(o, ev);
    if (ev->peer != s->peer)
        return;
    s->connected = true;
    if (!ev->takes_files) {
        all_refused(s);
        return;
    }
    for (size_t i = 0; i < s->next; i++)
        s->files[i].began_us = client_now().us; /* its owner may have thought about our key for long */
}

/* The one we let in left before it took anything: the files are for whoever comes next. */
static void await_another(struct send *s, const struct duet_event *ev, duet_time now)
{
    char text[WORDS_ENDED_BYTES];

    admission_say_limited(&s->oneshot.admission, words_ended(oneshot_peer_name(&s->oneshot, ev->peer), ev, text), now);
    roster_remove_peer(&s->oneshot.roster, ev->peer);
    for (size_t i = 0; i < s->count; i++)
        s->files[i].requested = false;
    s->peer = 0;
    s->next = s->under_way = 0;
    s->gone = false;
}

/* Left, lost, or never there. */
static void on_gone(struct oneshot *o, const struct duet_event *ev)
{
    struct send *s = o->self;

    if (ev->type == DUET_EVENT_FAILED ? s->connected : ev->peer != s->peer)
        return;
    if (!o->client.has_target && !s->connected) {
        await_another(s, ev, client_now());
        return;
    }
    progress_line_clear(&o->progress_line);
    oneshot_finish(o, client_report_failure(&o->client, oneshot_peer_name(o, ev->peer), ev));
}

static const struct oneshot_rule rules[] = {
    {DUET_EVENT_LISTENING, oneshot_on_listening},
    {DUET_EVENT_TRIED, oneshot_on_call},
    {DUET_EVENT_ALREADY, oneshot_on_call},
    {DUET_EVENT_KEY, on_peer_key},
    {DUET_EVENT_CONNECTED, on_connected},
    {DUET_EVENT_FAILED, on_gone},
    {DUET_EVENT_SENDING, on_sending},
    {DUET_EVENT_PROGRESS, oneshot_on_progress},
    {DUET_EVENT_SENT, on_sent},
    {DUET_EVENT_TRANSFER_FAILED, on_file_failed},
    {DUET_EVENT_UNREACHABLE, oneshot_on_silence},
    {DUET_EVENT_BACK, oneshot_on_silence},
    {DUET_EVENT_LEFT, on_gone},
    {DUET_EVENT_LOST, on_gone},
    {DUET_EVENT_TEXT, oneshot_on_text},
    {DUET_EVENT_NOTICE, oneshot_on_notice},
    {DUET_EVENT_STOPPED, oneshot_on_stopped},
    {DUET_EVENT_STOPPED, NULL},
};

static int count_up(const struct send *s)
{
    if (s->failed == 0)
        return EXIT_DONE;
    if (s->sent == 0 && s->refused == s->failed)
        return EXIT_REFUSED;
    if (s->sent == 0 && s->failed_here == s->failed)
        return EXIT_FILE;
    return EXIT_SOME_FAILED;
}

static int send_files(struct send *s, const struct options *o)
{
    const struct client_role role = {.give_up_us = o->settings.timeout_us};
    int code = oneshot_open(&s->oneshot, &o->settings, &role, rules, on_admitted, s);

    if (code != EXIT_DONE)
        return code;
    for (size_t i = 0; i < s->count; i++)
        s->oneshot.progress_line.all_bytes += s->files[i].bytes;
    s->oneshot.progress_line.files = s->count;
    code = oneshot_run(&s->oneshot);
    oneshot_close(&s->oneshot);
    return code == EXIT_DONE ? count_up(s) : code;
}

static int run(struct options *o)
{
    if (o->arg_count == 0) {
        print_error("nothing to send: duet send [OPTIONS] [-c HOST[:PORT]] PATH...");
        return EXIT_USAGE;
    }
    struct send *s = calloc(1, sizeof *s);
    if (!s) {
        print_error("%s", err_text(DUET_ENOMEM));
        return EXIT_INTERNAL;
    }
    int code = check_paths(s, o);
    if (code == EXIT_DONE)
        code = send_files(s, o);
    free(s->files);
    free(s);
    return code;
}

const struct subcommand subcommand_send = {
    .name = "send",
    .command = FOR_SEND,
    .usage = "send [OPTIONS] [-c HOST[:PORT]] PATH...",
    .summary = "send files to the peer at HOST, or to the first one that connects",
    .operand = "PATH",
    .more = "Ends when the peer has verified and stored every file. Exit codes: 0 all arrived, 5 the peer refused,\n"
            "6 connection lost, 7 no file could be read, 8 some files failed.",
    .run = run,
};
