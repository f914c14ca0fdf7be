/*
 * services: the table of remote commands and the functions in it.  Arguments
 * are hostile: lengths are given, nothing is NUL-terminated, and every answer
 * goes through a bounded append.
 */
#include "app/services.h"

#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/text.h"
#include "base/time.h"

#define S_PER_DAY 86400
#define DAYS_TO_0000_03_01 719468 /* from there to 1970-01-01 */
#define DAYS_PER_ERA 146097       /* 400 Gregorian years */

/* Numbers for `sum`: fixed point, exact, far from the limits of the sum of all that fit in one
 * argument. */
#define SUM_INT_DIGITS 18
#define SUM_FRACTION_DIGITS 9
#define SUM_SCALE 1000000000 /* 10^SUM_FRACTION_DIGITS */
typedef __int128 sum_t;

static void answer(struct service_answer *out, bool ok, const char *text, size_t len)
{
    const size_t room = sizeof(out->text) - out->len;

    out->ok = ok;
    if (len > room)
        len = room;
    if (len > 0)
        memcpy(out->text + out->len, text, len);
    out->len += len;
}

static void answer_words(struct service_answer *out, bool ok, const char *words)
{
    answer(out, ok, words, strlen(words));
}

static void run_echo(const struct service_call *call, struct service_answer *out)
{
    answer(out, true, call->arg, call->arg_len);
}

/* By what a reader sees as characters: a letter keeps its accents, a flag its two halves. */
static void run_reverse(const struct service_call *call, struct service_answer *out)
{
    size_t at = 0;

    if (call->arg_len > sizeof(out->text)) {
        answer_words(out, false, "too long");
        return;
    }
    while (at < call->arg_len) {
        int columns;
        const size_t len = text_grapheme(call->arg + at, call->arg_len - at, &columns);

        at += len;
        memcpy(out->text + call->arg_len - at, call->arg + at - len, len);
    }
    out->len = call->arg_len;
    out->ok = true;
}

/* Gregorian date of a day count since 1970-01-01; eras of 400 years begin on 1 March, so leap days
 * come last. */
static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    const int64_t shifted = days + DAYS_TO_0000_03_01;
    const int64_t era = shifted / DAYS_PER_ERA;
    const int64_t doe = shifted % DAYS_PER_ERA;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t march_month = (5 * doy + 2) / 153;

    *day = doy - (153 * march_month + 2) / 5 + 1;
    *month = march_month < 10 ? march_month + 3 : march_month - 9;
    *year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}

static void run_time(const struct service_call *call, struct service_answer *out)
{
    const int64_t seconds = (int64_t)(call->wall_us / US_PER_S);
    const int64_t of_day = seconds % S_PER_DAY;
    int64_t year, month, day;
    char text[64];

    date_of(seconds / S_PER_DAY, &year, &month, &day);
    snprintf(text, sizeof(text), "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ", (long long)year, (long long)month,
             (long long)day, (long long)(of_day / 3600), (long long)(of_day / 60 % 60), (long long)(of_day % 60));
    answer_words(out, true, text);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* "[+-]digits[.digits]" as fixed point; false for anything else, or too many digits. */
static bool parse_number(const char *text, size_t len, sum_t *out)
{
    const bool negative = len > 0 && text[0] == '-';
    size_t i = len > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    int before = 0, after = 0;
    bool point = false;
    sum_t value = 0;

    for (; i < len; i++) {
        if (text[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
        if (++*(point ? &after : &before) > (point ? SUM_FRACTION_DIGITS : SUM_INT_DIGITS))
            return false;
    }
    if (before + after == 0)
        return false;
    for (; after < SUM_FRACTION_DIGITS; after++)
        value *= 10;
    *out = negative ? -value : value;
    return true;
}

static void answer_number(struct service_answer *out, sum_t sum)
{
    char text[64];
    size_t at = sizeof(text);
    const bool negative = sum < 0;
    sum_t whole = (negative ? -sum : sum) / SUM_SCALE;
    int fraction = (int)((negative ? -sum : sum) % SUM_SCALE);

    if (fraction > 0) {
        bool seen = false; /* trailing zeros are not shown */

        for (int i = 0; i < SUM_FRACTION_DIGITS; i++, fraction /= 10) {
            seen = seen || fraction % 10 != 0;
            if (seen)
                text[--at] = (char)('0' + fraction % 10);
        }
        text[--at] = '.';
    }
    do {
        text[--at] = (char)('0' + (int)(whole % 10));
        whole /= 10;
    } while (whole > 0);
    if (negative)
        text[--at] = '-';
    answer(out, true, text + at, sizeof(text) - at);
}

static void run_sum(const struct service_call *call, struct service_answer *out)
{
    sum_t sum = 0;
    size_t at = 0;

    for (;;) {
        while (at < call->arg_len && is_blank(call->arg[at]))
            at++;
        if (at == call->arg_len)
            break;
        const size_t start = at;
        sum_t number;

        while (at < call->arg_len && !is_blank(call->arg[at]))
            at++;
        if (!parse_number(call->arg + start, at - start, &number)) {
            answer_words(out, false, "not a number (at most 18 digits before and 9 after the point): ");
            answer(out, false, call->arg + start, at - start);
            return;
        }
        sum += number;
    }
    answer_number(out, sum);
}

static void run_ping(const struct service_call *call, struct service_answer *out)
{
    (void)call;
    answer_words(out, true, "pong");
}

static void run_status(const struct service_call *call, struct service_answer *out)
{
    const struct service_status *s = call->status;
    const uint64_t up_s = s->up_us / US_PER_S;
    char text[512], addr[ADDR_TEXT_BYTES];

    snprintf(text, sizeof(text),
             "version %s\nup %llu:%02u:%02u\npeers %zu\ntransfers %zu in, %zu out\n"
             "path direct, you are %s, rtt %llu.%llu ms, packets of %u bytes",
             s->version != NULL ? s->version : "unknown", (unsigned long long)(up_s / 3600), (unsigned)(up_s / 60 % 60),
             (unsigned)(up_s % 60), s->peers, s->receiving, s->sending, addr_format(&s->path.addr, addr),
             (unsigned long long)(s->path.rtt_us / US_PER_MS), (unsigned long long)(s->path.rtt_us % US_PER_MS / 100),
             (unsigned)s->path.packet_bytes);
    answer_words(out, true, text);
}

const struct service services[] = {
    {.name = "echo", .help = "echo TEXT: says it back", .run = run_echo},
    {.name = "reverse", .help = "reverse TEXT: says it backwards", .run = run_reverse},
    {.name = "time", .help = "time: the peer's clock, UTC", .run = run_time},
    {.name = "sum", .help = "sum NUMBER...: adds them", .run = run_sum},
    {.name = "status", .help = "status: version, uptime, peers, transfers, path", .run = run_status},
    {.name = "ping", .help = "ping: how long an answer takes", .run = run_ping},
};
const size_t services_count = sizeof(services) / sizeof(services[0]);

void services_run(const char *name, size_t name_len, const struct service_call *call, struct service_answer *out)
{
    out->len = 0;
    out->ok = false;
    for (size_t i = 0; i < services_count; i++) {
        if (strlen(services[i].name) == name_len && memcmp(services[i].name, name, name_len) == 0) {
            services[i].run(call, out);
            return;
        }
    }
    answer_words(out, false, "unknown command \"");
    answer(out, false, name, name_len);
    answer_words(out, false, "\"; there are:");
    for (size_t i = 0; i < services_count; i++) {
        answer_words(out, false, " ");
        answer_words(out, false, services[i].name);
    }
}
