#include "ui/view.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "ui/bar.h"
#include "ui/charset.h"
#include "ui/input.h"
#include "ui/links.h"
#include "ui/term.h"

#define GUTTER_FULL 8 /* "12:34 ✓ " */
#define GUTTER_MARK 2 /* "✓ " */
#define REPLACEMENT 0xFFFD
#define RETURN_SYMBOL 0x23CE
#define TAB_SYMBOL 0x21E5
#define ZERO_WIDTH_JOINER 0x200D
#define CELL_CHARACTERS CCHARW_MAX

#define PAIR_OF(color) ((short)((color) + 1)) /* pair 0 is the terminal's */

/* Of the 256 colours; of eight only red and magenta are legible on both. */
static const short palette[VIEW_COLORS] = {
    [COLOR_OF_OWN] = 28,
    [COLOR_OF_ERROR] = 196,
    [COLOR_OF_BAR] = 31,
    [COLOR_OF_HUE] = 130,
    64,
    29,
    30,
    63,
    129,
    163,
    132,
};

/* One terminal, one set of links on it. */
static struct {
    bool taken;
    struct links now;
} screen_links;

struct view_layout view_layout(size_t height, size_t bars, bool warning)
{
    size_t left = height > 1 ? height - 1 : 0; /* the last row is the input line */
    struct view_layout l = {.warning = warning && left >= 1};

    left -= l.warning ? 1 : 0; /* what it asks for needs its words before anything else */
    l.status = left >= 2;
    left -= l.status ? 1 : 0;
    l.bars = bars < VIEW_BARS_MAX ? bars : VIEW_BARS_MAX;
    if (l.bars > left / 2)
        l.bars = left / 2;
    l.lines = left - l.bars;
    return l;
}

size_t view_gutter(size_t width)
{
    return width >= 40 ? GUTTER_FULL : width >= 16 ? GUTTER_MARK : 0;
}

/* Appends words to a status line of `used` bytes; what does not fit is cut. */
static size_t append(char *out, size_t used, const char *format, ...) __attribute__((format(printf, 3, 4)));
static size_t append(char *out, size_t used, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int more = vsnprintf(out + used, VIEW_STATUS_BYTES - used, format, args);
    va_end(args);
    used += more > 0 ? (size_t)more : 0;
    return used < VIEW_STATUS_BYTES ? used : VIEW_STATUS_BYTES - 1;
}

const char *view_separator(bool ascii)
{
    return ascii ? " - " : " · ";
}

const char *view_status(const struct view *v, bool ascii, char out[VIEW_STATUS_BYTES])
{
    size_t used = append(out, 0, "%s", v->status);

    if (v->scrollback->scroll > 0)
        used = append(out, used, "%sPgDn: %zu more below", view_separator(ascii), v->scrollback->scroll);
    append(out, used, "%s", v->status_end);
    return out;
}

/* What the view draws for a character; 0: nothing.  The shapes that selectors ask for are as wide
 * as each terminal likes, and so they are not asked for. */
static int32_t drawn_as(int32_t point)
{
    if (point == 0xFE0E || point == 0xFE0F)
        return 0;
    if (point == '\n' || point == '\t') /* in a line that is being typed */
        point = point == '\n' ? RETURN_SYMBOL : TAB_SYMBOL;
    if (point < ' ' || (point >= 0x7f && point < 0xa0) || wcwidth((wchar_t)point) < 0)
        point = REPLACEMENT;
    return charset_has(point) ? point : '?';
}

/* One place of a cluster as curses wants it: a character of at most `columns`, and the marks on
 * it. */
static void fill_cell(const char *text, size_t len, int columns, wchar_t out[CELL_CHARACTERS + 1])
{
    size_t used = 0;

    for (size_t at = 0; at < len && used < CELL_CHARACTERS;) {
        int32_t point = REPLACEMENT;
        ssize_t taken = text_decode(text + at, len - at, &point);

        at += taken > 0 ? (size_t)taken : 1;
        /* A joiner at the end would, in terminals that join emoji, pull the next cell into this
         * one. */
        point = point == ZERO_WIDTH_JOINER && at == len ? 0 : drawn_as(point);
        if (point == 0)
            continue;
        if (used == 0 && wcwidth((wchar_t)point) == 0)
            out[used++] = L' '; /* a mark without anything under it */
        if (used > 0 && wcwidth((wchar_t)point) > 0)
            break; /* the colour of an emoji: a terminal that does not know it would draw it beside */
        out[used++] = (wchar_t)(wcwidth((wchar_t)point) > columns ? drawn_as(REPLACEMENT) : point);
    }
    out[used] = L'\0';
}

/* Draws text from (row, column) in at most `columns` cells; returns the column behind it. */
static int draw_text(int row, int column, size_t columns, const char *text, size_t len, attr_t attributes, short pair)
{
    int end = column + (int)columns;
    wchar_t cell[CELL_CHARACTERS + 1];
    cchar_t packed;

    while (len > 0) {
        int width = 0;
        size_t bytes = text_cell(text, text_grapheme(text, len, &width), &width);

        if (column + width > end)
            break;
        fill_cell(text, bytes, width, cell);
        if (cell[0] != L'\0' && column < end && setcchar(&packed, cell, attributes, pair, NULL) == OK)
            mvadd_wch(row, column, &packed);
        column += width;
        text += bytes;
        len -= bytes;
    }
    return column;
}

uint8_t view_hue(const char *speaker)
{
    uint32_t hash = 2166136261; /* FNV-1a */

    for (const char *at = speaker; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619;
    return (uint8_t)(hash % VIEW_HUES);
}

short view_color_number(enum view_color color, int colors)
{
    if (colors >= 256)
        return palette[color];
    if (color == COLOR_OF_ERROR)
        return COLOR_RED;
    return color >= COLOR_OF_HUE && color % 2 == 0 ? COLOR_MAGENTA : -1;
}

static void attributes_of(const struct scrollback_line *line, attr_t *attributes, short *pair)
{
    *attributes = A_NORMAL;
    *pair = 0;
    switch (line->kind) {
    case LINE_OWN:
        *attributes = A_BOLD;
        *pair = PAIR_OF(COLOR_OF_OWN);
        break;
    case LINE_PEER:
        *attributes = A_BOLD;
        *pair = PAIR_OF(COLOR_OF_HUE + line->hue);
        break;
    case LINE_ERROR:
        *attributes = A_BOLD;
        *pair = PAIR_OF(COLOR_OF_ERROR);
        break;
    case LINE_EVENT:
    case LINE_INFO:
        break;
    }
    if (!term_colors())
        *pair = 0;
}

static const char *mark_of(const struct scrollback_line *line)
{
    const bool utf8 = charset_is_utf8();

    switch (line->kind) {
    case LINE_OWN:
        return line->delivered ? (utf8 ? "✓" : "+") : (utf8 ? "·" : ".");
    case LINE_EVENT:
        return "*";
    case LINE_ERROR:
        return "!";
    case LINE_PEER:
    case LINE_INFO:
        break;
    }
    return " ";
}

static void draw_row(int y, const struct scrollback_row *row, size_t width)
{
    const struct scrollback_line *line = row->line;
    size_t gutter = row->flush ? 0 : view_gutter(width);
    const char *text = line->text + row->start;
    attr_t attributes;
    short pair;
    size_t named = 0; /* bytes of this row that are the speaker's name */

    attributes_of(line, &attributes, &pair);
    if (row->first && gutter == GUTTER_FULL)
        draw_text(y, 0, GUTTER_FULL, line->time, strlen(line->time), A_DIM, 0);
    if (row->first && gutter > 0) {
        const char *mark = mark_of(line);
        draw_text(y, (int)(gutter - GUTTER_MARK), GUTTER_MARK, mark, strlen(mark), attributes, pair);
    }
    if (line->prefix > row->start)
        named = line->prefix - row->start < row->len ? line->prefix - row->start : row->len;
    if (line->kind == LINE_ERROR)
        named = row->len;
    int column = draw_text(y, (int)gutter, width - gutter, text, named, attributes, pair);
    size_t left = width > (size_t)column ? width - (size_t)column : 0;
    draw_text(y, column, left, text + named, row->len - named, A_NORMAL, 0);
    if (screen_links.taken && line->kind != LINE_ERROR)
        links_collect(&screen_links.now, y, (int)gutter, line->text, line->len, row->start, row->len);
}

static void draw_lines(struct scrollback *m, const struct view_layout *l, size_t width)
{
    size_t gutter = view_gutter(width);

    scrollback_resize(m, gutter, width - gutter, l->lines);
    struct scrollback_row *rows = calloc(l->lines + 1, sizeof *rows);
    if (!rows)
        return;
    size_t count = scrollback_rows(m, rows, l->lines);
    for (size_t i = 0; i < count; i++)
        draw_row((int)i, &rows[i], width);
    free(rows);
}

static void draw_bars(const struct view *v, const struct view_layout *l, size_t width)
{
    char text[BAR_TEXT_BYTES];
    short pair = term_colors() ? PAIR_OF(COLOR_OF_BAR) : 0;

    for (size_t i = 0; i < l->bars; i++) {
        int y = (int)(l->lines + i);
        if (i + 1 == l->bars && v->bar_count > l->bars) {
            snprintf(text, sizeof text, "and %zu more: %s", v->bar_count - i, v->bars_hint);
        } else {
            struct bar b = v->bars[i];
            b.ascii = !charset_is_utf8();
            bar_render(&b, width, text);
        }
        draw_text(y, 0, width, text, strlen(text), A_NORMAL, pair);
    }
}

static void draw_status(const struct view *v, int y, size_t width)
{
    char text[VIEW_STATUS_BYTES];

    view_status(v, !charset_is_utf8(), text);
    for (int x = 0; x < (int)width; x++)
        mvaddch(y, x, ' ' | A_REVERSE);
    if (width > 2)
        draw_text(y, 1, width - 2, text, strlen(text), A_REVERSE, 0);
}

/* Readline's line may hold control bytes (^V): each is one cell to text_columns, and drawn as one
 * replacement. */
static void draw_input(const struct view *v, int y, size_t width)
{
    size_t prompt = text_columns(v->prompt, strlen(v->prompt));
    size_t column;
    int x = 0;

    if (v->input[0] == '\0') /* a question may have it all, but for the cursor */
        prompt = prompt < width ? prompt : width - 1;
    else if (prompt + 4 > width) /* a narrow screen goes without */
        prompt = width >= 8 ? width / 2 : 0;
    if (prompt > 0)
        x = draw_text(y, 0, prompt, v->prompt, strlen(v->prompt), A_BOLD, 0);
    size_t room = width - (size_t)x;
    size_t start = input_window(v->input, v->cursor, room, &column);
    draw_text(y, x, room, v->input + start, strlen(v->input + start), A_NORMAL, 0);
    move(y, x + (int)(column < room ? column : room - 1));
}

static const char *variable(const char *name)
{
    return getenv(name);
}

void view_start(void)
{
    screen_links.taken = links_are_taken(getenv("TERM"), variable);
    links_forget(&screen_links.now);
    if (!term_colors())
        return;
    for (int color = 0; color < VIEW_COLORS; color++)
        init_pair(PAIR_OF(color), view_color_number((enum view_color)color, COLORS), -1);
}

size_t view_columns(void)
{
    const int width = getmaxx(stdscr);

    return width > 0 ? (size_t)width : 0;
}

void view_forget(void)
{
    links_forget(&screen_links.now);
}

/* What curses leaves as it is, since the same letters stand there, would stay a part of a link that
 * went. */
static void refresh_with_links(int height)
{
    const bool changed = links_changed(&screen_links.now);

    for (int y = 0; changed && y < height && y < LINKS_ROWS; y++)
        if (screen_links.now.has_link[y])
            wredrawln(stdscr, y, 1);
    refresh();
    if (changed)
        links_write(&screen_links.now, stdout);
}

void view_draw(const struct view *v)
{
    const bool warning = v->warning != NULL && v->warning[0] != '\0';
    int height, width;

    getmaxyx(stdscr, height, width);
    if (height < 1 || width < 1)
        return;
    struct view_layout l = view_layout((size_t)height, v->bar_count, warning);
    erase();
    links_begin(&screen_links.now);
    if (l.lines > 0)
        draw_lines(v->scrollback, &l, (size_t)width);
    draw_bars(v, &l, (size_t)width);
    if (l.status)
        draw_status(v, height - (l.warning ? 3 : 2), (size_t)width);
    if (l.warning)
        draw_text(height - 2, 0, (size_t)width, v->warning, strlen(v->warning), A_BOLD,
                  term_colors() ? PAIR_OF(COLOR_OF_ERROR) : 0);
    draw_input(v, height - 1, (size_t)width);
    refresh_with_links(height);
}
