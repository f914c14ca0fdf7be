#include "client/progress_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "client/print.h"
#include "client/transfer_bar.h"
#include "ui/bar.h"
#include "ui/charset.h"

#define COLUMNS_DEFAULT 80

void progress_line_init(struct progress_line *p, bool quiet)
{
    *p = (struct progress_line){.quiet = quiet, .tty = isatty(STDERR_FILENO) == 1};
}

static size_t terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
}

/* All running transfers as one: all that will come where that is known. */
static struct bar sum_up(const struct progress_line *p, struct roster *r, uint64_t now_us,
                         char label[TRANSFER_BAR_STATE_BYTES], char state[TRANSFER_BAR_STATE_BYTES])
{
    struct bar sum = transfer_bar(r, &r->transfers[0], now_us, state);
    uint64_t done = p->finished_bytes;
    uint64_t total = done;
    uint64_t rate = 0;

    if (r->transfer_count == 1 && p->files <= 1)
        return sum;
    for (size_t i = 0; i < r->transfer_count; i++) {
        done += r->transfers[i].done_bytes;
        total += r->transfers[i].total_bytes;
        rate += r->transfers[i].rate_bytes_per_s;
        if (r->transfers[i].state == ROSTER_RUNNING && !r->transfers[i].stalled)
            sum.state = NULL;
    }
    if (p->all_bytes > total)
        total = p->all_bytes;
    if (p->files > 0)
        snprintf(label, TRANSFER_BAR_STATE_BYTES, "%zu of %zu files", p->files_done, p->files);
    else
        snprintf(label, TRANSFER_BAR_STATE_BYTES, "%zu files", r->transfer_count);
    sum.name = label;
    sum.done_bytes = done;
    sum.total_bytes = total;
    sum.rate_bytes_per_s = rate;
    sum.eta_us = rate > 0 ? (uint64_t)((double)(total - done) / (double)rate * (double)US_PER_S) : UINT64_MAX;
    return sum;
}

/* The bar, with a name that the terminal can show as it is. */
static void render(struct bar b, bool tty, size_t columns, char text[BAR_TEXT_BYTES])
{
    char *escaped = NULL;

    b.plain = !tty;
    b.ascii = !print_utf8(stderr);
    if (b.ascii) {
        escaped = charset_escape_new(b.name, strlen(b.name));
        b.name = escaped ? escaped : "";
    }
    bar_render(&b, columns, text);
    free(escaped);
}

/* Over the last one, of `columns`. */
static void draw(const char *text, size_t columns)
{
    char *encoded = print_utf8(stderr) ? NULL : charset_encode_new(text);

    fprintf(stderr, "\r%s%*s", encoded != NULL ? encoded : text, (int)(columns - text_columns(text, strlen(text))), "");
    fflush(stderr);
    free(encoded);
}

uint64_t progress_line_show(struct progress_line *p, struct roster *r, uint64_t now_us)
{
    char text[BAR_TEXT_BYTES];
    char label[TRANSFER_BAR_STATE_BYTES];
    char state[TRANSFER_BAR_STATE_BYTES];

    if (p->quiet || r->transfer_count == 0)
        return UINT64_MAX;
    if (now_us < p->next_us)
        return p->next_us - now_us;
    bool first = p->next_us == 0;
    uint64_t every_us = p->tty ? PROGRESS_LINE_REDRAW_US : PROGRESS_LINE_EVERY_US;
    p->next_us = now_us + every_us;
    if (first && !p->tty) /* a log needs no line that says 0% */
        return every_us;

    struct bar b = sum_up(p, r, now_us, label, state);
    if (!p->tty) {
        render(b, false, BAR_COLUMNS_MAX, text);
        fprintf(stderr, "%s\n", text);
        return every_us;
    }
    size_t columns = terminal_columns();
    render(b, true, columns > 1 ? columns - 1 : 1, text);
    draw(text, columns - 1);
    p->drawn = true;
    return every_us;
}

void progress_line_clear(struct progress_line *p)
{
    if (!p->drawn)
        return;
    fprintf(stderr, "\r%*s\r", (int)terminal_columns() - 1, "");
    fflush(stderr);
    p->drawn = false;
}

static void note(struct progress_line *p, const char *lead, const char *format, va_list args)
{
    char *text = text_format_new(format, args);

    if (text == NULL)
        return;
    progress_line_clear(p);
    print_lines(stderr, lead, text);
    free(text);
}

void progress_line_note(struct progress_line *p, const char *format, ...)
{
    va_list args;

    if (p->quiet)
        return;
    va_start(args, format);
    note(p, "", format, args);
    va_end(args);
}

void progress_line_error(struct progress_line *p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(p, "duet: ", format, args);
    va_end(args);
}

void progress_line_summary(struct progress_line *p, const char *verb, const char *name, uint64_t bytes,
                           uint64_t took_us)
{
    char size[TEXT_SIZE_BYTES], rate[TEXT_SIZE_BYTES], span[TEXT_SPAN_BYTES];
    double per_second = (double)bytes * (double)US_PER_S / (double)(took_us > 0 ? took_us : 1);

    if (took_us < US_PER_S) { /* too short to say anything about the path */
        progress_line_note(p, "%s %s: %s in %.1f s", verb, name, text_size(bytes, size),
                           (double)took_us / (double)US_PER_S);
        return;
    }
    progress_line_note(p, "%s %s: %s in %s, %s/s", verb, name, text_size(bytes, size), text_span(took_us, span),
                       text_size((uint64_t)per_second, rate));
}
