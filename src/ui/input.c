#include "ui/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/text.h"
#include "ui/keys.h"

#define KEY_INTERRUPT 3 /* ^C */
#define KEY_REDRAW 12   /* ^L */
#define KEY_SUSPEND 26  /* ^Z */
#define CHOICES_BYTES 2048
#define NUL_STAND_IN '\x01'
#define PASTE_BEGIN "\x1b[200~"
#define PASTE_END "\x1b[201~"

/* Readline calls back without a context, so what its callbacks share is here. */
static struct {
    const struct input_language *language;
    FILE *nowhere;            /* readline's output */
    int byte;                 /* the byte being fed; EOF: none */
    struct input_event event; /* what this byte led to */
    struct keys keys;
    bool held;
    bool pasting;
    char *paste; /* INPUT_PASTE_BYTES and the end mark; NULL: not yet needed */
    size_t paste_len;
    bool paste_overflow;
    uint64_t paste_last_us; /* when its last byte came */
} in;

static void set_event(enum input_event_type type, char *text)
{
    free(in.event.text);
    in.event = (struct input_event){.type = type, .text = text};
}

static int next_byte(FILE *unused)
{
    (void)unused;
    int byte = in.byte;
    in.byte = EOF;
    return byte;
}

static int byte_available(void)
{
    return in.byte != EOF;
}

static void draw_nothing(void)
{
}

static void prepare_nothing(int unused)
{
    (void)unused;
}

static void on_line(char *line)
{
    set_event(line ? INPUT_LINE : INPUT_END, line);
}

static int on_redraw(int count, int key)
{
    (void)count, (void)key;
    set_event(INPUT_REDRAW, NULL);
    return 0;
}

static void begin_paste(uint64_t now_us)
{
    in.pasting = true;
    in.paste_len = 0;
    in.paste_overflow = false;
    in.paste_last_us = now_us;
}

/* Readline's generator for the words of the language. */
static char *word_generator(const char *text, int state)
{
    static size_t index;
    const char *word;

    if (state == 0)
        index = 0;
    while ((word = in.language->word(index))) {
        index++;
        if (strncmp(word, text, strlen(text)) == 0)
            return strdup(word);
    }
    return NULL;
}

/* The continuations of the end of `before`, which begins at *start; NULL: there are none.  The caller frees them. */
static char **find_matches(const char *before, enum input_completes what, size_t start)
{
    switch (what) {
    case INPUT_COMPLETES_NOTHING:
        return NULL;
    case INPUT_COMPLETES_WORDS:
        return rl_completion_matches(before + start, word_generator);
    case INPUT_COMPLETES_PATHS:
        return rl_completion_matches(before + start, rl_filename_completion_function);
    }
    return NULL;
}

/* What follows the only match. */
static const char *closing_of(enum input_completes what, const char *match)
{
    if (what == INPUT_COMPLETES_WORDS)
        return " ";
    return in.language->is_directory(match) ? "/" : "";
}

static void offer_choices(char **matches)
{
    char *list = calloc(1, CHOICES_BYTES);
    size_t used = 0;

    if (!list)
        return;
    for (size_t i = 1; matches[i]; i++) {
        const char *slash = strrchr(matches[i], '/');
        const char *shown = slash && slash[1] ? slash + 1 : matches[i];
        if (used + strlen(shown) + 8 > CHOICES_BYTES) {
            snprintf(list + used, CHOICES_BYTES - used, "  ...");
            break;
        }
        used += (size_t)snprintf(list + used, CHOICES_BYTES - used, "%s%s", i > 1 ? "  " : "", shown);
    }
    set_event(INPUT_CHOICES, list);
}

static int on_tab(int count, int key)
{
    size_t start = 0;

    (void)count, (void)key;
    char *before = in.language != NULL ? strndup(rl_line_buffer, (size_t)rl_point) : NULL;
    if (!before)
        return 0;
    const enum input_completes what = in.language->complete(before, &start);
    char **matches = find_matches(before, what, start);
    if (matches) {
        bool only = !matches[1];
        bool changes = strcmp(matches[0], before + start) != 0;
        const char *closing = only ? closing_of(what, matches[0]) : "";
        rl_begin_undo_group();
        rl_delete_text((int)start, rl_point);
        rl_point = (int)start;
        rl_insert_text(matches[0]);
        rl_insert_text(closing);
        rl_end_undo_group();
        if (!only && !changes)
            offer_choices(matches);
        for (size_t i = 0; matches[i]; i++)
            free(matches[i]);
        free(matches);
    }
    free(before);
    return 0;
}

static void bind_keys(void)
{
    rl_bind_key('\t', on_tab);
    rl_bind_keyseq("\\C-l", on_redraw);
    rl_bind_keyseq_if_unbound("\\e[H", rl_beg_of_line);
    rl_bind_keyseq_if_unbound("\\e[1~", rl_beg_of_line);
    rl_bind_keyseq_if_unbound("\\e[F", rl_end_of_line);
    rl_bind_keyseq_if_unbound("\\e[4~", rl_end_of_line);
    rl_bind_keyseq_if_unbound("\\e[3~", rl_delete);
    rl_bind_keyseq_if_unbound("\\e[1;5C", rl_forward_word);
    rl_bind_keyseq_if_unbound("\\e[1;5D", rl_backward_word);
}

void input_start(const struct input_language *language)
{
    in.language = language;
    in.byte = EOF;
    in.nowhere = fopen("/dev/null", "re+");
    rl_readline_name = "duet";
    rl_instream = in.nowhere ? in.nowhere : stdin;
    rl_outstream = in.nowhere ? in.nowhere : stderr;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_getc_function = next_byte;
    rl_input_available_hook = byte_available;
    rl_redisplay_function = draw_nothing;
    rl_prep_term_function = prepare_nothing;
    rl_deprep_term_function = draw_nothing;
    rl_initialize();
    rl_variable_bind("bell-style", "none");
    rl_variable_bind("enable-bracketed-paste", "off");
    rl_variable_bind("convert-meta", "off");
    rl_variable_bind("input-meta", "on");
    bind_keys();
    stifle_history(INPUT_HISTORY);
    rl_callback_handler_install("", on_line);
}

void input_stop(void)
{
    rl_callback_handler_remove();
    clear_history();
    if (in.nowhere)
        fclose(in.nowhere);
    rl_instream = stdin;
    rl_outstream = stderr;
    free(in.paste);
    free(in.event.text);
    memset(&in, 0, sizeof in);
}

/* Line ends of a paste come as \r; one at its end belongs to the way it was copied, not to the
 * text.  A NUL, which would end it, becomes another control; everything else stays as it is, and is
 * made safe where it is shown. */
static void normalise_paste(void)
{
    size_t used = 0;

    for (size_t i = 0; i < in.paste_len; i++) {
        bool ends = in.paste[i] == '\r';
        in.paste[used++] = ends ? '\n' : in.paste[i] == '\0' ? NUL_STAND_IN : in.paste[i];
        if (ends && i + 1 < in.paste_len && in.paste[i + 1] == '\n')
            i++;
    }
    while (used > 0 && in.paste[used - 1] == '\n')
        used--;
    in.paste_len = used;
}

static void drop_paste(void)
{
    free(in.paste);
    in.paste = NULL;
}

static void finish_paste(void)
{
    in.pasting = false;
    if (!in.paste)
        return;
    if (in.paste_overflow) {
        set_event(INPUT_PASTE_LONG, NULL);
        drop_paste();
        return;
    }
    normalise_paste();
    in.paste[in.paste_len] = '\0'; /* where the end mark was, or would be */
    if (strchr(in.paste, '\n') == NULL) {
        rl_insert_text(in.paste);
    } else {
        set_event(INPUT_PASTE, in.paste);
        in.paste = NULL;
    }
    drop_paste();
}

static void feed_paste(unsigned char byte, uint64_t now_us)
{
    static const char mark[] = PASTE_END;
    const size_t mark_len = sizeof mark - 1;

    in.paste_last_us = now_us;
    if (!in.paste)
        in.paste = malloc(INPUT_PASTE_BYTES + sizeof mark);
    if (!in.paste) {
        in.pasting = false;
        return;
    }
    if (in.paste_len == INPUT_PASTE_BYTES + mark_len) { /* keep only what may be the mark */
        in.paste_overflow = true;
        memmove(in.paste, in.paste + in.paste_len - mark_len, mark_len);
        in.paste_len = mark_len;
    }
    in.paste[in.paste_len++] = (char)byte;
    if (in.paste_len < mark_len || memcmp(in.paste + in.paste_len - mark_len, mark, mark_len) != 0)
        return;
    in.paste_len -= mark_len;
    finish_paste();
}

/* ---- keys ---- */

/* Sequences that are the screen's own, whatever the line editor has bound. */
static const struct {
    const char *bytes;
    enum input_event_type type;
} screen_keys[] = {
    {"\x1b[5~", INPUT_PAGE_UP},
    {"\x1b[6~", INPUT_PAGE_DOWN},
    {"\x1b[1;5H", INPUT_TOP},
    {"\x1b[1;5F", INPUT_BOTTOM},
};

/* Home and End, as the various terminals send them. */
static const char *const home_keys[] = {"\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"};
static const char *const end_keys[] = {"\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"};

static bool is_sequence(const struct keys *k, const char *bytes)
{
    return strlen(bytes) == k->len && memcmp(bytes, k->bytes, k->len) == 0;
}

static bool is_one_of(const struct keys *k, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_sequence(k, list[i]))
            return true;
    return false;
}

static void feed_readline(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        in.byte = bytes[i];
        rl_callback_read_char();
    }
}

static bool is_bound(const struct keys *k)
{
    int type = ISFUNC;

    return rl_function_of_keyseq_len((const char *)k->bytes, k->len, NULL, &type) != NULL && type != ISKMAP;
}

static void on_sequence(const struct keys *k, uint64_t now_us)
{
    const size_t count = sizeof home_keys / sizeof home_keys[0];
    const bool line_is_idle = in.held || rl_end == 0;

    for (size_t i = 0; i < sizeof screen_keys / sizeof screen_keys[0]; i++) {
        if (is_sequence(k, screen_keys[i].bytes)) {
            set_event(screen_keys[i].type, NULL);
            return;
        }
    }
    if (is_sequence(k, PASTE_BEGIN))
        begin_paste(now_us);
    else if (line_is_idle && is_one_of(k, home_keys, count))
        set_event(INPUT_TOP, NULL);
    else if (line_is_idle && is_one_of(k, end_keys, count))
        set_event(INPUT_BOTTOM, NULL);
    else if (!in.held && is_bound(k))
        feed_readline(k->bytes, k->len);
}

static void on_plain(const struct keys *k)
{
    const unsigned char last = k->bytes[k->len - 1];

    if (k->len == 1 && last == KEY_INTERRUPT)
        set_event(INPUT_INTERRUPT, NULL);
    else if (k->len == 1 && last == KEY_SUSPEND)
        set_event(INPUT_SUSPEND, NULL);
    else if (in.held && k->len == 1 && last == KEY_REDRAW)
        set_event(INPUT_REDRAW, NULL);
    else if (!in.held)
        feed_readline(k->bytes, k->len);
    else if (k->len == 1) {
        set_event(INPUT_KEY, NULL);
        in.event.key = last;
    }
}

static struct input_event take_event(void)
{
    struct input_event done = in.event;

    in.event = (struct input_event){.type = INPUT_NONE};
    return done;
}

static void on_keys(enum keys_result result, uint64_t now_us)
{
    const struct keys cut = in.keys; /* what it leads to may feed further bytes */

    if (result == KEYS_SEQUENCE)
        on_sequence(&cut, now_us);
    else if (result == KEYS_PLAIN)
        on_plain(&cut);
}

struct input_event input_byte(unsigned char byte, uint64_t now_us)
{
    if (in.pasting)
        feed_paste(byte, now_us);
    else
        on_keys(keys_feed(&in.keys, byte, now_us), now_us);
    return take_event();
}

bool input_is_pasting(void)
{
    return in.pasting;
}

uint64_t input_deadline_us(void)
{
    return in.pasting ? in.paste_last_us + INPUT_PASTE_SILENCE_US : keys_deadline_us(&in.keys);
}

struct input_event input_silence(uint64_t now_us)
{
    if (!in.pasting)
        on_keys(keys_silence(&in.keys, now_us), now_us);
    else if (now_us >= input_deadline_us())
        finish_paste();
    return take_event();
}

void input_hold(bool held)
{
    in.held = held;
}

void input_keep(const char *text)
{
    const int from = rl_point;

    rl_begin_undo_group();
    rl_insert_text(text);
    rl_kill_text(from, rl_point);
    rl_end_undo_group();
    rl_point = from;
}

const char *input_prompt(void)
{
    return rl_display_prompt ? rl_display_prompt : "";
}

const char *input_text(void)
{
    return rl_line_buffer ? rl_line_buffer : "";
}

size_t input_cursor(void)
{
    return rl_point > 0 ? (size_t)rl_point : 0;
}

bool input_clear(void)
{
    bool had = rl_end > 0;

    rl_replace_line("", 1);
    rl_point = 0;
    return had;
}

void input_remember(const char *line)
{
    const HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;

    if (line[0] != '\0' && (!last || strcmp(last->line, line) != 0))
        add_history(line);
    using_history(); /* Up starts from the newest */
}

size_t input_window(const char *text, size_t cursor, size_t columns, size_t *cursor_column)
{
    size_t start = 0;
    size_t column = text_columns(text, cursor);

    /* Jump by half a screen, so that typing at the edge does not scroll at every key. */
    while (columns > 0 && column >= columns) {
        size_t want = column - columns + 1 + columns / 2;
        size_t skip = text_fit(text + start, cursor - start, want);
        int unused;
        if (skip == 0)
            skip = text_grapheme(text + start, cursor - start, &unused);
        start += skip;
        column = text_columns(text + start, cursor - start);
    }
    *cursor_column = column;
    return start;
}
