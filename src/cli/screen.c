#include "duet/cli/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "duet/base/err.h"
#include "duet/base/text.h"
#include "duet/base/time.h"
#include "duet/cli/locale.h"
#include "duet/cli/pasted.h"
#include "duet/cli/say.h"
#include "duet/cli/talk.h"
#include "duet/cli/typed.h"
#include "duet/io/clock.h"
#include "duet/ui/input.h"
#include "duet/ui/keys.h"
#include "duet/ui/model.h"
#include "duet/ui/term.h"
#include "duet/ui/view.h"

#define READ_BYTES 256
#define IDLE_BYTES (RESOLVE_TEXT_BYTES + 32)

struct screen {
    struct program *program;
    struct talk talk;
    struct model model;
    char listening[ADDR_TEXT_BYTES];
    struct pasted pasted;
    bool asked; /* the question about a paste is on the screen: what is typed from here on is its answer */
    bool dirty;
    uint64_t next_frame_us, stats_us; /* stats_us: when figures were asked for last; 0: they are wanted now */
};

/* ---- events into lines ---- */

static const char *time_of_day(char out[6])
{
    time_t now = (time_t)(clock_wall_us() / US_PER_S);
    struct tm local;

    out[0] = '\0';
    if (localtime_r(&now, &local))
        strftime(out, 6, "%H:%M", &local);
    return out;
}

/* Everything that is shown passes the gate here: peers' words come as they were said. */
static void add(struct screen *s, enum model_kind kind, uint32_t id, const char *prefix, const char *text)
{
    char now[6];
    char *clean = text_sanitise_new(TEXT_MULTILINE, text, strlen(text));

    /* Without memory for a line there is none for words about it. */
    if (clean != NULL)
        (void)model_add(&s->model, kind, id, time_of_day(now), prefix, clean);
    free(clean);
    s->dirty = true;
}

__attribute__((format(printf, 3, 4))) static void addf(struct screen *s, enum model_kind kind, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return;
    add(s, kind, 0, "", text);
    free(text);
}

/* Words in the locale's encoding; what is no text in it comes as it is, for the gate. */
static void add_typed(struct screen *s, enum text_form form, const char *bytes)
{
    char error[TYPED_ERROR_BYTES];
    char *text = typed_utf8(bytes, nl_langinfo(CODESET), error);
    const char *shown = text != NULL ? text : bytes;
    char *clean = text_sanitise_new(form, shown, strlen(shown));

    if (clean != NULL)
        add(s, LINE_INFO, 0, "", clean);
    free(clean);
    free(text);
}

static void add_speech(struct screen *s, enum model_kind kind, const struct talk_event *ev)
{
    char prefix[ROSTER_NAME_BYTES + 4];

    snprintf(prefix, sizeof prefix, "<%s>", ev->name);
    add(s, kind, ev->id, prefix, ev->text);
    if (kind == LINE_PEER)
        model_paint(&s->model, view_hue(ev->key));
}

static void add_peer_event(struct screen *s, const struct talk_event *ev)
{
    unsigned long long seconds = ev->value / US_PER_S;
    const char *why = ev->text[0] ? ": " : "";

    if (ev->kind == TALK_CONNECTED)
        addf(s, LINE_EVENT, "connected to %s %s", ev->name, ev->text);
    else if (ev->kind == TALK_UNREACHABLE)
        addf(s, LINE_EVENT, "%s is unreachable: silent for %llu s", ev->name, seconds);
    else if (ev->kind == TALK_BACK)
        addf(s, LINE_EVENT, "%s is back after %llu s", ev->name, seconds);
    else
        addf(s, LINE_EVENT, ev->kind == TALK_LEFT ? "%s left%s%s" : "the connection to %s was lost%s%s", ev->name, why,
             ev->text);
}

static void add_file_event(struct screen *s, const struct talk_event *ev)
{
    char size[TEXT_SIZE_BYTES];

    text_size(ev->value, size);
    if (ev->kind == TALK_OFFER && !ev->flag)
        addf(s, LINE_EVENT, "%s offers %s (%s): /accept %u or /reject %u", ev->name, ev->text, size, ev->id, ev->id);
    else if (ev->kind == TALK_OFFER)
        addf(s, LINE_EVENT, "%s sends %s (%s)", ev->name, ev->text, size);
    else if (ev->kind == TALK_SENDING)
        addf(s, LINE_EVENT, "offered %s (%s) to %s, transfer %u", ev->text, size, ev->name, ev->id);
    else if (ev->kind == TALK_RECEIVED)
        addf(s, LINE_EVENT, "received %s (%s)", ev->text, size);
    else
        addf(s, LINE_EVENT, "%s has %s (%s)", ev->name, ev->text, size);
}

static void on_event(void *face, const struct talk_event *ev)
{
    struct screen *s = face;

    s->dirty = true;
    switch (ev->kind) {
    case TALK_LISTENING:
        snprintf(s->listening, sizeof s->listening, "%s", ev->text);
        addf(s, LINE_EVENT, "listening on %s", ev->text);
        break;
    case TALK_CONNECTED:
        s->stats_us = 0;
        add_peer_event(s, ev);
        break;
    case TALK_UNREACHABLE:
    case TALK_BACK:
    case TALK_LEFT:
    case TALK_LOST:
        add_peer_event(s, ev);
        break;
    case TALK_TEXT:
        add_speech(s, LINE_PEER, ev);
        break;
    case TALK_OWN:
        add_speech(s, LINE_OWN, ev);
        break;
    case TALK_DELIVERED:
        model_delivered(&s->model, ev->id);
        break;
    case TALK_OFFER:
    case TALK_SENDING:
    case TALK_RECEIVED:
    case TALK_SENT:
        add_file_event(s, ev);
        break;
    case TALK_ANSWER:
        addf(s, LINE_INFO, "%s answers: %s", ev->name, ev->text);
        break;
    case TALK_ERROR:
        add(s, LINE_ERROR, 0, "", ev->text);
        break;
    case TALK_STRANGER:
    case TALK_STRANGERS: /* the row above the input names them */
        break;
    case TALK_NOTICE:
        add(s, LINE_EVENT, 0, "", ev->text);
        break;
    case TALK_INFO:
        add(s, LINE_INFO, 0, "", ev->text);
        break;
    case TALK_CLEAR:
        model_clear(&s->model);
        break;
    }
}

/* ---- pastes ---- */

static void preview_paste(struct screen *s)
{
    char *preview = pasted_first(&s->pasted) ? pasted_preview(&s->pasted) : NULL;

    s->asked = false;
    input_hold(false);
    if (!preview)
        return;
    model_follow(&s->model);
    add_typed(s, TEXT_MULTILINE, preview);
    free(preview);
}

static void on_paste(struct screen *s, char *text)
{
    bool first = pasted_first(&s->pasted) == NULL;

    if (!pasted_add(&s->pasted, text)) {
        add(s, LINE_ERROR, 0, "", "too many pastes are waiting for an answer: ^Y inserts this one");
        input_keep(text);
        free(text);
    } else if (first) {
        preview_paste(s);
    }
}

static void send_as_file(struct screen *s)
{
    char path[PASTED_PATH_BYTES], error[PASTED_ERROR_BYTES];

    if (pasted_write(&s->pasted, path, error) == 0) {
        talk_send_path(&s->talk, path);
        return;
    }
    add(s, LINE_ERROR, 0, "", error);
    input_keep(pasted_first(&s->pasted));
}

/* Any other key is no answer: the question stays. */
static void answer_paste(struct screen *s, unsigned char key)
{
    switch (key) {
    case 'y':
    case 'Y':
        talk_say(&s->talk, pasted_first(&s->pasted));
        break;
    case 'f':
    case 'F':
        send_as_file(s);
        break;
    case 'n':
    case 'N':
        input_keep(pasted_first(&s->pasted));
        add(s, LINE_INFO, 0, "", "not sent: ^Y inserts it into the line");
        break;
    default:
        return;
    }
    pasted_drop(&s->pasted);
    preview_paste(s); /* the next one */
}

/* ---- keys ---- */

static void on_enter(struct screen *s, const char *line)
{
    model_follow(&s->model);
    input_remember(line);
    talk_line(&s->talk, line);
}

static void suspend(struct screen *s)
{
    sigset_t stop;

    term_suspend();
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &stop, NULL); /* stops here */
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    term_resume();
    view_forget();
    s->dirty = true;
}

static void on_interrupt(struct screen *s)
{
    if (s->talk.leaving == TALK_LEAVES)
        s->program->interrupted = true;
    else if (s->asked)
        answer_paste(s, 'n');
    else if (input_clear())
        add(s, LINE_INFO, 0, "", "^C again quits");
    else
        s->program->interrupted = true;
}

static void on_input(struct screen *s, struct input_event ev)
{
    long page = s->model.height > 1 ? (long)s->model.height - 1 : 1;

    s->dirty = true;
    switch (ev.type) {
    case INPUT_NONE:
        break;
    case INPUT_LINE:
        on_enter(s, ev.text);
        break;
    case INPUT_PASTE:
        on_paste(s, ev.text);
        return; /* kept */
    case INPUT_PASTE_LONG:
        add(s, LINE_ERROR, 0, "", "the paste is too long: send it as a file");
        break;
    case INPUT_CHOICES:
        add_typed(s, TEXT_LINE, ev.text);
        break;
    case INPUT_PAGE_UP:
        model_scroll(&s->model, page);
        break;
    case INPUT_PAGE_DOWN:
        model_scroll(&s->model, -page);
        break;
    case INPUT_TOP:
        model_scroll(&s->model, MODEL_TOP);
        break;
    case INPUT_BOTTOM:
        model_follow(&s->model);
        break;
    case INPUT_KEY:
        answer_paste(s, ev.key);
        break;
    case INPUT_REDRAW:
        term_redraw();
        view_forget();
        break;
    case INPUT_END:
        talk_line(&s->talk, "/quit");
        break;
    case INPUT_INTERRUPT:
        on_interrupt(s);
        break;
    case INPUT_SUSPEND:
        suspend(s);
        break;
    }
    free(ev.text);
}

static void read_keys(struct screen *s)
{
    unsigned char bytes[READ_BYTES];
    ssize_t len = read(STDIN_FILENO, bytes, sizeof bytes);

    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (len <= 0) { /* the terminal is gone */
        s->program->interrupted = true;
        return;
    }
    uint64_t now_us = clock_now().us;
    size_t at = 0;
    while (at < (size_t)len && !s->talk.hurried && !s->program->interrupted) {
        long rows = 0;
        size_t wheel = input_is_pasting() ? 0 : keys_wheel(bytes + at, (size_t)len - at, &rows);

        if (wheel > 0)
            model_scroll(&s->model, rows);
        else
            on_input(s, input_byte(bytes[at], now_us));
        at += wheel > 0 ? wheel : 1;
    }
    s->dirty = true;
}

static void on_signal(struct screen *s, int number)
{
    s->dirty = true;
    view_forget();
    if (number == SIGWINCH) {
        term_resize();
    } else if (number == SIGTSTP) {
        suspend(s);
    } else if (number == SIGCONT) { /* stopped and continued by somebody else: who knows what the screen shows */
        term_resize();
        term_redraw();
    }
}

/* ---- drawing ---- */

static const char *prompt_of(const struct screen *s, char out[PASTED_QUESTION_BYTES])
{
    if (pasted_first(&s->pasted))
        return pasted_question(&s->pasted, view_columns() - 1, out);
    if (input_prompt()[0])
        return input_prompt();
    return "> ";
}

/* The line that is being typed as UTF-8, on the heap, and where the cursor is in it.  NULL: it is
 * no text in the locale's encoding, and is shown as it is. */
static char *typed_line(size_t *cursor)
{
    char error[TYPED_ERROR_BYTES];
    char *before = strndup(input_text(), input_cursor());
    char *left = before != NULL ? typed_utf8(before, nl_langinfo(CODESET), error) : NULL;
    char *line = left != NULL ? typed_utf8(input_text(), nl_langinfo(CODESET), error) : NULL;

    *cursor = line != NULL ? strlen(left) : input_cursor();
    free(left);
    free(before);
    return line;
}

static void draw(struct screen *s, uint64_t now_us)
{
    size_t cursor;
    char *line = typed_line(&cursor);
    char prompt[PASTED_QUESTION_BYTES];
    char idle[IDLE_BYTES];
    char strangers[ADMISSION_ROW_BYTES];
    bool asking = pasted_first(&s->pasted) != NULL;
    const struct dial *calling = admission_calling(&s->talk.admission);

    if (roster_count(&s->talk.roster, ROSTER_TRUSTED) > 0)
        snprintf(idle, sizeof idle, "waiting for the other side to trust your key");
    else if (calling != NULL && calling->looks_up)
        snprintf(idle, sizeof idle, "looking up %s", calling->query.host);
    else if (calling != NULL)
        snprintf(idle, sizeof idle, "connecting to %s", calling->query.dialled);
    else if (s->talk.dialling)
        snprintf(idle, sizeof idle, "connecting to %s", s->program->target.dialled);
    else
        snprintf(idle, sizeof idle, "nobody is connected, listening on %s", s->listening);
    view_draw(&(struct view){
        .model = &s->model,
        .roster = &s->talk.roster,
        .prompt = prompt_of(s, prompt),
        .input = asking         ? ""
                 : line != NULL ? line
                                : input_text(), /* it stays as it is and comes back */
        .cursor = asking ? 0 : cursor,
        .now_us = now_us,
        .idle = idle,
        .strangers = admission_row(&s->talk.admission, view_columns(), strangers),
    });
    free(line);
    s->dirty = false;
    s->next_frame_us = now_us + SCREEN_FRAME_US;
    s->asked = asking;
    input_hold(asking);
}

static uint64_t next_stats_us(const struct screen *s)
{
    if (s->stats_us == 0)
        return 0;
    return s->stats_us + (roster_is_busy(&s->talk.roster) ? SCREEN_STATS_US : SCREEN_IDLE_STATS_US);
}

/* Draws and asks for figures as they fall due; how long there is nothing to do. */
static uint64_t keep_up(struct screen *s)
{
    uint64_t now_us = clock_now().us;

    if (now_us >= input_deadline_us())
        on_input(s, input_silence(now_us));
    if (now_us >= next_stats_us(s)) {
        talk_refresh_stats(&s->talk);
        s->stats_us = now_us;
        s->dirty = true; /* "stalled 12 s" counts on */
    }
    if (s->dirty && now_us >= s->next_frame_us)
        draw(s, now_us);
    uint64_t next_us = next_stats_us(s);
    if (s->dirty && s->next_frame_us < next_us)
        next_us = s->next_frame_us;
    if (input_deadline_us() < next_us)
        next_us = input_deadline_us();
    return next_us > now_us ? next_us - now_us : 0;
}

/* Waits for whatever comes first, and does what is not a message. */
static void wait_for_events(struct screen *s, uint64_t at_most_us)
{
    const uint64_t idle_us = keep_up(s), tick_us = talk_tick(&s->talk);
    int number;

    if (idle_us < at_most_us)
        at_most_us = idle_us;
    if (tick_us < at_most_us)
        at_most_us = tick_us;
    unsigned woken = program_wait(s->program, STDIN_FILENO, at_most_us, &number);

    if (woken & (WAKE_NODE | WAKE_LOOKUP))
        s->dirty = true;
    if (woken & WAKE_SIGNAL)
        on_signal(s, number);
    if (woken & WAKE_INPUT && !s->talk.hurried)
        read_keys(s);
}

static void wait_in_farewell(void *face, uint64_t at_most_us)
{
    wait_for_events(face, at_most_us);
}

static void loop(struct screen *s)
{
    struct program *p = s->program;
    struct msg m;

    while (!s->talk.over && !p->interrupted) {
        wait_for_events(s, PROGRAM_FOREVER);
        for (int i = 0; i < PROGRAM_MESSAGES && !s->talk.over && node_next(p->node, &m); i++) {
            talk_message(&s->talk, &m);
            msg_dispose(&m);
        }
    }
}

/* The signals that only a screen takes through the signalfd. */
static void block_screen_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    pthread_sigmask(how, &set, NULL);
}

int screen_run(struct program *p)
{
    const char *no_color = getenv("NO_COLOR");
    bool colors = !p->o->no_color && !(no_color && *no_color);
    const char *why = "";
    struct screen *s = calloc(1, sizeof *s);

    if (!s || term_start(colors, &why) < 0) {
        say_error("no screen: %s", s ? why : err_text(DUET_ENOMEM));
        free(s);
        return -1;
    }
    block_screen_signals(SIG_BLOCK);
    view_start();
    input_start();
    s->program = p;
    s->dirty = true;
    model_init(&s->model);
    p->policy.may_ask = true;
    if (locale_note())
        add(s, LINE_INFO, 0, "", locale_note());
    talk_init(&s->talk, p, on_event, s);
    loop(s);
    int code = talk_farewell(&s->talk, wait_in_farewell);
    input_stop();
    term_stop();
    block_screen_signals(SIG_UNBLOCK);
    if (code != EXIT_DONE && code != EXIT_INTERRUPTED && s->talk.reason)
        say_error("%s", s->talk.reason);
    talk_dispose(&s->talk);
    model_dispose(&s->model);
    pasted_dispose(&s->pasted);
    free(s);
    return code;
}
