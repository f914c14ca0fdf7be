#include "ui/bar.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define BAR_CELLS_MIN 8
#define BAR_CELLS_MAX 40
#define NAME_COLUMNS_MIN 8 /* below this the bar gives way */
#define EIGHTHS 8
#define PART_BYTES 64

/* Figures change; what stands around them does not move. */
#define RATE_COLUMNS 8 /* "999.9 MB" */
#define ETA_COLUMNS 5  /* "59:59" */

/* The pieces right of the name, in the order in which they are given up (last first). */
enum bar_part { PART_AMOUNTS, PART_RATE, PART_ETA, PART_COUNT };

unsigned bar_percent(uint64_t done_bytes, uint64_t total_bytes)
{
    if (done_bytes >= total_bytes)
        return 100;
    unsigned percent = (unsigned)((double)done_bytes * 100.0 / (double)total_bytes);
    return percent > 99 ? 99 : percent;
}

const char *bar_amounts(uint64_t done_bytes, uint64_t total_bytes, char out[BAR_AMOUNT_BYTES])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double scale = 1;
    size_t unit = 0;

    while ((double)total_bytes / scale >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        scale *= 1000;
        unit++;
    }
    double total = (double)total_bytes / scale;
    double done = (double)done_bytes / scale;
    int decimals = unit > 0 && total < 99.95 ? 1 : 0;
    snprintf(out, BAR_AMOUNT_BYTES, "%.*f/%.*f %s", decimals, done, decimals, total, units[unit]);
    return out;
}

/* Adds to out what has room in it. */
static void append(char out[BAR_TEXT_BYTES], const char *text, size_t len)
{
    size_t used = strlen(out);

    if (used + len >= BAR_TEXT_BYTES)
        return;
    memcpy(out + used, text, len);
    out[used + len] = '\0';
}

static void append_text(char out[BAR_TEXT_BYTES], const char *text)
{
    append(out, text, strlen(text));
}

/* Figures stand at the right end of their columns, but not in logs. */
static int figure_columns(const struct bar *b, size_t columns)
{
    return b->plain ? 0 : (int)columns;
}

/* What takes the place of both figures, whatever its length. */
static void make_state(const struct bar *b, const char *state, char parts[PART_COUNT][PART_BYTES])
{
    const int place = (int)strlen(" /s eta ") + figure_columns(b, RATE_COLUMNS + ETA_COLUMNS);
    const int len = snprintf(parts[PART_RATE], PART_BYTES, "%s%s", *state ? " " : "", state);

    snprintf(parts[PART_ETA], PART_BYTES, "%*s", !b->plain && len < place ? place - len : 0, "");
}

static void make_parts(const struct bar *b, char parts[PART_COUNT][PART_BYTES])
{
    char amounts[BAR_AMOUNT_BYTES], widest[BAR_AMOUNT_BYTES];
    char rate[TEXT_SIZE_BYTES];
    char eta[TEXT_SPAN_BYTES];

    bar_amounts(b->total_bytes, b->total_bytes, widest);
    snprintf(parts[PART_AMOUNTS], PART_BYTES, " %*s", figure_columns(b, strlen(widest)),
             bar_amounts(b->done_bytes, b->total_bytes, amounts));
    if (b->state || b->rate_bytes_per_s == 0) { /* no figure is better than a wrong one */
        make_state(b, b->state ? b->state : "", parts);
        return;
    }
    snprintf(parts[PART_RATE], PART_BYTES, " %*s/s", figure_columns(b, RATE_COLUMNS),
             text_size(b->rate_bytes_per_s, rate));
    snprintf(parts[PART_ETA], PART_BYTES, " eta %*s", figure_columns(b, ETA_COLUMNS), text_span(b->eta_us, eta));
}

/* " |████▌    |", `cells` wide inside. */
static void append_cells(const struct bar *b, size_t cells, char out[BAR_TEXT_BYTES])
{
    static const char *const partial[EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double share = b->done_bytes >= b->total_bytes ? 1.0 : (double)b->done_bytes / (double)b->total_bytes;
    size_t eighths = (size_t)(share * (double)(cells * EIGHTHS));
    size_t full = eighths / EIGHTHS;
    const char *part = b->ascii ? "" : partial[eighths % EIGHTHS];

    append_text(out, " |");
    for (size_t i = 0; i < full; i++)
        append_text(out, b->ascii ? "#" : "█");
    append_text(out, part);
    for (size_t i = full + (*part ? 1 : 0); i < cells; i++)
        append_text(out, " ");
    append_text(out, "|");
}

/* The name in at most `columns` columns, its end replaced by "…" when it is longer. */
static void append_name(const struct bar *b, size_t columns, char out[BAR_TEXT_BYTES])
{
    const char *ellipsis = b->ascii ? "." : "…";
    size_t len = strlen(b->name);

    if (text_columns(b->name, len) <= columns) {
        append_text(out, b->name);
        return;
    }
    if (columns == 0)
        return;
    append(out, b->name, text_fit(b->name, len, columns - 1));
    append_text(out, ellipsis);
}

const char *bar_render(const struct bar *b, size_t columns, char out[BAR_TEXT_BYTES])
{
    char parts[PART_COUNT][PART_BYTES];
    char percent[8];
    const char *arrow = b->ascii ? (b->sending ? "^ " : "v ") : (b->sending ? "↑ " : "↓ ");
    size_t kept = PART_COUNT;

    out[0] = '\0';
    if (columns > BAR_COLUMNS_MAX)
        columns = BAR_COLUMNS_MAX;
    make_parts(b, parts);
    snprintf(percent, sizeof percent, " %*u%%", figure_columns(b, 3), bar_percent(b->done_bytes, b->total_bytes));

    size_t name_wanted = text_columns(b->name, strlen(b->name));
    size_t name_least = name_wanted < NAME_COLUMNS_MIN ? name_wanted : NAME_COLUMNS_MIN;
    size_t fixed = 2 + strlen(percent); /* the arrow and the share: always there */
    size_t rest = 0;
    for (size_t i = 0; i < PART_COUNT; i++)
        rest += strlen(parts[i]);
    while (kept > 0 && fixed + name_least + rest > columns)
        rest -= strlen(parts[--kept]);
    if (fixed > columns) { /* only the share, or not even that */
        const char *share = percent + strspn(percent, " ");

        if (strlen(share) <= columns)
            append_text(out, share);
        return out;
    }

    size_t spare = columns - fixed - rest;
    size_t cells = 0;
    if (!b->plain && spare >= name_least + 3 + BAR_CELLS_MIN) {
        size_t name_columns = name_wanted + 3 + BAR_CELLS_MIN <= spare ? name_wanted : spare - 3 - BAR_CELLS_MIN;
        cells = spare - name_columns - 3;
        if (cells > BAR_CELLS_MAX)
            cells = BAR_CELLS_MAX;
        spare -= cells + 3;
    }
    append_text(out, arrow);
    append_name(b, spare, out);
    append_text(out, percent);
    if (cells > 0)
        append_cells(b, cells, out);
    for (size_t i = 0; i < kept; i++)
        append_text(out, parts[i]);
    return out;
}
