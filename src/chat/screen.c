#include "chat/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/time.h"
#include "chat/completion.h"
#include "chat/screen_state.h"
#include "chat/status.h"
#include "client/locale.h"
#include "client/print.h"
#include "client/transfer_bar.h"
#include "client/typed.h"
#include "ui/charset.h"
#include "ui/input.h"
#include "ui/keys.h"
#include "ui/term.h"
#include "ui/view.h"

#define READ_BYTES 256
#define IDLE_BYTES (DUET_DIALLED_BYTES + 32)

/* ---- pastes ---- */

static void preview_paste(struct screen *s)
{
    char *preview = pasted_first(&s->pasted) ? pasted_preview(&s->pasted) : NULL;

    s->asked = false;
    input_hold(false);
    if (!preview)
        return;
    scrollback_follow(&s->scrollback);
    screen_add_typed(s, TEXT_MULTILINE, preview);
    free(preview);
}

static void on_paste(struct screen *s, char *text)
{
    bool first = pasted_first(&s->pasted) == NULL;

    if (!pasted_add(&s->pasted, text)) {
        screen_add(s, LINE_ERROR, 0, "", "too many pastes are waiting for an answer: ^Y inserts this one");
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
        chat_send_path(&s->chat, path);
        return;
    }
    screen_add(s, LINE_ERROR, 0, "", error);
    input_keep(pasted_first(&s->pasted));
}

/* Any other key is no answer: the question stays. */
static void answer_paste(struct screen *s, unsigned char key)
{
    switch (key) {
    case 'y':
    case 'Y':
        chat_say(&s->chat, pasted_first(&s->pasted));
        break;
    case 'f':
    case 'F':
        send_as_file(s);
        break;
    case 'n':
    case 'N':
        input_keep(pasted_first(&s->pasted));
        screen_add(s, LINE_INFO, 0, "", "not sent: ^Y inserts it into the line");
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
    scrollback_follow(&s->scrollback);
    input_remember(line);
    chat_line(&s->chat, line);
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
    if (s->chat.leaving == CHAT_LEAVES)
        s->client->interrupted = true;
    else if (s->asked)
        answer_paste(s, 'n');
    else if (input_clear())
        screen_add(s, LINE_INFO, 0, "", "^C again quits");
    else
        s->client->interrupted = true;
}

static void on_input(struct screen *s, struct input_event ev)
{
    long page = s->scrollback.height > 1 ? (long)s->scrollback.height - 1 : 1;

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
        screen_add(s, LINE_ERROR, 0, "", "the paste is too long: send it as a file");
        break;
    case INPUT_CHOICES:
        screen_add_typed(s, TEXT_LINE, ev.text);
        break;
    case INPUT_PAGE_UP:
        scrollback_scroll(&s->scrollback, page);
        break;
    case INPUT_PAGE_DOWN:
        scrollback_scroll(&s->scrollback, -page);
        break;
    case INPUT_TOP:
        scrollback_scroll(&s->scrollback, SCROLLBACK_TOP);
        break;
    case INPUT_BOTTOM:
        scrollback_follow(&s->scrollback);
        break;
    case INPUT_KEY:
        answer_paste(s, ev.key);
        break;
    case INPUT_REDRAW:
        term_redraw();
        view_forget();
        break;
    case INPUT_END:
        chat_line(&s->chat, "/quit");
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
        s->client->interrupted = true;
        return;
    }
    uint64_t now_us = client_now().us;
    size_t at = 0;
    while (at < (size_t)len && !s->chat.hurried && !s->client->interrupted) {
        long rows = 0;
        size_t wheel = input_is_pasting() ? 0 : keys_wheel(bytes + at, (size_t)len - at, &rows);

        if (wheel > 0)
            scrollback_scroll(&s->scrollback, rows);
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

/* The status line while nobody is connected. */
static const char *idle_words(const struct screen *s, char out[IDLE_BYTES])
{
    const struct dial *calling = admission_calling(&s->chat.admission);

    if (roster_count(&s->chat.roster, ROSTER_TRUSTED) > 0)
        snprintf(out, IDLE_BYTES, "waiting for the other side to trust your key");
    else if (calling != NULL && !calling->is_called) /* the port is no part of the name */
        snprintf(out, IDLE_BYTES, "looking up %.*s", (int)(strrchr(calling->dialled, ':') - calling->dialled),
                 calling->dialled);
    else if (calling != NULL)
        snprintf(out, IDLE_BYTES, "connecting to %s", calling->dialled);
    else if (s->chat.dialling)
        snprintf(out, IDLE_BYTES, "connecting to %s", s->client->target);
    else
        snprintf(out, IDLE_BYTES, "nobody is connected, listening on %s", s->listening);
    return out;
}

/* Adds bars, status and warning, which live no longer than this call: hence a copy of the view. */
static void draw_with_state(struct screen *s, struct view v, uint64_t now_us)
{
    const struct roster *r = &s->chat.roster;
    const bool ascii = !charset_is_utf8();
    struct bar bars[VIEW_BARS_MAX];
    char states[VIEW_BARS_MAX][TRANSFER_BAR_STATE_BYTES];
    char idle[IDLE_BYTES], status[VIEW_STATUS_BYTES], names[VIEW_STATUS_BYTES];
    char strangers[ADMISSION_ROW_BYTES];

    for (size_t i = 0; i < VIEW_BARS_MAX && i < r->transfer_count; i++)
        bars[i] = transfer_bar(r, &r->transfers[i], now_us, states[i]);
    v.bars = bars;
    v.bar_count = r->transfer_count;
    v.bars_hint = "/transfers";
    v.status = status_peers(r, idle_words(s, idle), now_us, ascii, status);
    v.status_end = status_names(r, ascii, names);
    v.warning = admission_row(&s->chat.admission, view_columns(), strangers);
    view_draw(&v);
}

static void draw(struct screen *s, uint64_t now_us)
{
    size_t cursor;
    char *line = typed_line(&cursor);
    char prompt[PASTED_QUESTION_BYTES];
    bool asking = pasted_first(&s->pasted) != NULL;
    const struct view v = {
        .scrollback = &s->scrollback,
        .prompt = prompt_of(s, prompt),
        .input = asking         ? ""
                 : line != NULL ? line
                                : input_text(), /* it stays as it is and comes back */
        .cursor = asking ? 0 : cursor,
    };

    draw_with_state(s, v, now_us);
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
    return s->stats_us + (roster_is_busy(&s->chat.roster) ? SCREEN_STATS_US : SCREEN_IDLE_STATS_US);
}

/* Draws and asks for figures as they fall due; how long there is nothing to do. */
static uint64_t keep_up(struct screen *s)
{
    uint64_t now_us = client_now().us;

    if (now_us >= input_deadline_us())
        on_input(s, input_silence(now_us));
    if (now_us >= next_stats_us(s)) {
        chat_refresh_stats(&s->chat);
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
    const uint64_t tick_us = chat_tick(&s->chat); /* first: what it has to say is to be drawn */
    const uint64_t idle_us = keep_up(s);
    int number;

    if (idle_us < at_most_us)
        at_most_us = idle_us;
    if (tick_us < at_most_us)
        at_most_us = tick_us;
    unsigned woken = client_wait(s->client, STDIN_FILENO, at_most_us, &number);

    if (woken & WAKE_NODE)
        s->dirty = true;
    if (woken & WAKE_SIGNAL)
        on_signal(s, number);
    if (woken & WAKE_INPUT && !s->chat.hurried)
        read_keys(s);
}

static void wait_in_farewell(void *face, uint64_t at_most_us)
{
    wait_for_events(face, at_most_us);
}

static void loop(struct screen *s)
{
    struct client *client = s->client;
    const struct duet_event *ev;

    while (!s->chat.over && !client->interrupted) {
        wait_for_events(s, CLIENT_FOREVER);
        for (int i = 0; i < CLIENT_MESSAGES && !s->chat.over && (ev = client_next(client)) != NULL; i++)
            chat_on_event(&s->chat, ev);
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

int screen_run(struct client *client)
{
    const char *no_color = getenv("NO_COLOR");
    bool colors = !client->set->no_color && !(no_color && *no_color);
    const char *why = "";
    struct screen *s = calloc(1, sizeof *s);

    if (!s || term_start(colors, &why) < 0) {
        print_error("no screen: %s; lines are used instead", s ? why : err_text(DUET_ENOMEM));
        free(s);
        return -1;
    }
    block_screen_signals(SIG_BLOCK);
    view_start();
    input_start(&completion_language);
    s->client = client;
    s->dirty = true;
    scrollback_init(&s->scrollback);
    client->policy.may_ask = true;
    if (locale_note())
        screen_add(s, LINE_INFO, 0, "", locale_note());
    chat_init(&s->chat, client, screen_on_event, s);
    loop(s);
    int code = chat_farewell(&s->chat, wait_in_farewell);
    input_stop();
    term_stop();
    block_screen_signals(SIG_UNBLOCK);
    if (code != EXIT_DONE && code != EXIT_INTERRUPTED && s->chat.reason)
        print_error("%s", s->chat.reason);
    chat_dispose(&s->chat);
    scrollback_dispose(&s->scrollback);
    pasted_dispose(&s->pasted);
    free(s);
    return code;
}
