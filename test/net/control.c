#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define WORDS_MAX 5
#define ANSWER_TIMEOUT_S 5

struct unit {
    const char *name;
    double factor;
};

static const struct unit plain_units[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0}};
static const struct unit time_units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {NULL, 0}}; /* to nanoseconds */
static const struct unit percent_units[] = {{"", 1}, {"%", 1}, {NULL, 0}};

static bool number(const char *word, const struct unit *units, double *out)
{
    if (!word)
        return false;
    char *end;
    double value = strtod(word, &end);
    if (end == word || !(value >= 0 && value <= 1e15))
        return false;
    for (const struct unit *u = units; u->name; u++) {
        if (strcasecmp(end, u->name) == 0) {
            *out = value * u->factor;
            return *out <= 1e18;
        }
    }
    return false;
}

enum kind { KIND_COUNT, KIND_TIME, KIND_SHARE, KIND_SWITCH, KIND_FACTOR };

struct knob {
    const char *name;
    enum kind kind;
    size_t offset; /* in struct link_settings */
};

static const struct knob knobs[] = {
    {"rate", KIND_COUNT, offsetof(struct link_settings, rate_bps)},
    {"queue", KIND_COUNT, offsetof(struct link_settings, queue_bytes)},
    {"max-packet", KIND_COUNT, offsetof(struct link_settings, max_packet)},
    {"drop", KIND_COUNT, offsetof(struct link_settings, drop_next)},
    {"policer", KIND_COUNT, offsetof(struct link_settings, policer_bytes)},
    {"swing", KIND_FACTOR, offsetof(struct link_settings, swing)},
    {"jitter", KIND_TIME, offsetof(struct link_settings, jitter_ns)},
    {"delay", KIND_TIME, offsetof(struct link_settings, delay_ns)},
    {"loss", KIND_SHARE, offsetof(struct link_settings, loss)},
    {"burst", KIND_SHARE, offsetof(struct link_settings, burst_start)}, /* with the length: link_set_bursts */
    {"reorder", KIND_SHARE, offsetof(struct link_settings, reorder)},
    {"duplicate", KIND_SHARE, offsetof(struct link_settings, duplicate)},
    {"corrupt", KIND_SHARE, offsetof(struct link_settings, corrupt)},
    {"no-marks", KIND_SWITCH, offsetof(struct link_settings, no_marks)},
    {"hole", KIND_SWITCH, offsetof(struct link_settings, hole)},
};

static const struct knob *find_knob(const char *name)
{
    for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++)
        if (strcmp(knobs[i].name, name) == 0)
            return &knobs[i];
    return NULL;
}

/* Set one knob in a copy of the settings; false if the value does not fit it. */
static bool turn(const struct knob *k, const char *value, struct link_settings *set)
{
    char *field = (char *)set + k->offset;
    double parsed = 0;
    switch (k->kind) {
    case KIND_COUNT:
    case KIND_TIME:
        if (!number(value, k->kind == KIND_TIME ? time_units : plain_units, &parsed))
            return false;
        *(uint64_t *)(void *)field = (uint64_t)parsed;
        return true;
    case KIND_SHARE:
        if (!number(value, percent_units, &parsed) || parsed > 100)
            return false;
        *(struct link_share *)(void *)field = link_share(parsed);
        return true;
    case KIND_FACTOR:
        if (!number(value, plain_units, &parsed) || parsed > 100)
            return false;
        *(double *)(void *)field = parsed;
        return true;
    case KIND_SWITCH:
        if (!value || (strcmp(value, "on") != 0 && strcmp(value, "off") != 0))
            return false;
        *(bool *)(void *)field = strcmp(value, "on") == 0;
        return true;
    }
    return false;
}

const char *control_apply(const char *line, struct link *ab, struct link *ba)
{
    char copy[CONTROL_LINE_MAX], *words[WORDS_MAX + 1] = {NULL}, *rest = copy;
    if (strlen(line) >= sizeof copy)
        return "line too long";
    strcpy(copy, line);
    size_t n = 0;
    for (char *w; n < WORDS_MAX && (w = strsep(&rest, " \t\n")) != NULL;)
        if (*w)
            words[n++] = w;
    const struct knob *k = n > 0 ? find_knob(words[0]) : NULL;
    if (!k)
        return "no such knob";

    bool to_ab = true, to_ba = true;
    size_t next = 1;
    if (n > 1 && (strcmp(words[1], "ab") == 0 || strcmp(words[1], "ba") == 0 || strcmp(words[1], "both") == 0)) {
        to_ab = strcmp(words[1], "ba") != 0;
        to_ba = strcmp(words[1], "ab") != 0;
        next = 2;
    }
    struct link_settings new_ab = ab->set, new_ba = ba->set;
    if (!turn(k, words[next], &new_ab) || !turn(k, words[next], &new_ba))
        return "bad value";
    next++;
    if (strcmp(k->name, "reorder") == 0 && words[next]) {
        double wait_ns;
        if (!number(words[next++], time_units, &wait_ns))
            return "bad value";
        new_ab.reorder_ns = new_ba.reorder_ns = (uint64_t)wait_ns;
    }
    if (strcmp(k->name, "burst") == 0) {
        double percent, packets = 1;
        if (!number(words[next - 1], percent_units, &percent) || percent >= 100 ||
            (words[next] && (!number(words[next++], plain_units, &packets) || packets < 1)))
            return "bad value";
        link_set_bursts(&new_ab, percent, packets);
        link_set_bursts(&new_ba, percent, packets);
    }
    if (words[next] || (rest && *rest))
        return "too many words";
    if (to_ab)
        ab->set = new_ab;
    if (to_ba)
        ba->set = new_ba;
    return NULL;
}

void control_print_stats(const struct link *ab, const struct link *ba, FILE *out)
{
    fputs("{\"ab\":", out);
    link_print_stats(ab, out);
    fputs(",\"ba\":", out);
    link_print_stats(ba, out);
    fputs("}\n", out);
}

static int failed(const char *what, const char *path, int fd)
{
    fprintf(stderr, "linkemu: %s %s: %s\n", what, path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool address_of(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) < sizeof address->sun_path) {
        strcpy(address->sun_path, path);
        return true;
    }
    errno = ENAMETOOLONG;
    return false;
}

int control_listen(const char *path)
{
    struct sockaddr_un address;
    if (!address_of(path, &address))
        return failed("control socket", path, -1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return failed("cannot bind", path, fd);
    return fd;
}

void control_serve(int fd, struct link *ab, struct link *ba)
{
    for (;;) {
        char line[CONTROL_LINE_MAX], reply[CONTROL_REPLY_MAX] = "error: out of memory\n";
        struct sockaddr_un from;
        socklen_t from_len = sizeof from;
        ssize_t len = recvfrom(fd, line, sizeof line - 1, 0, (struct sockaddr *)&from, &from_len);
        if (len < 0)
            return;
        line[len] = '\0';
        if (strcmp(line, "stats") == 0) {
            FILE *out = fmemopen(reply, sizeof reply, "w");
            if (out) {
                control_print_stats(ab, ba, out);
                fclose(out);
            }
        } else {
            const char *wrong = strcmp(line, "ready") == 0 ? NULL : control_apply(line, ab, ba);
            snprintf(reply, sizeof reply, "%s%s\n", wrong ? "error: " : "ok", wrong ? wrong : "");
        }
        /* The one who asked may be gone; nobody else wants the answer. */
        (void)sendto(fd, reply, strlen(reply), 0, (struct sockaddr *)&from, from_len);
    }
}

int control_ask(const char *path, const char *line)
{
    struct sockaddr_un address;
    if (!address_of(path, &address))
        return failed("control socket", path, -1) ? 1 : 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = ANSWER_TIMEOUT_S};
    /* Binding the bare family gives an address of our own for the answer to come to. */
    struct sockaddr_un self = {.sun_family = AF_UNIX};
    char reply[CONTROL_REPLY_MAX];
    ssize_t len = -1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        bind(fd, (struct sockaddr *)&self, sizeof self.sun_family) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        send(fd, line, strlen(line), 0) == (ssize_t)strlen(line))
        len = recv(fd, reply, sizeof reply - 1, 0);
    if (len < 0) {
        failed("no answer at", path, fd);
        return 1;
    }
    close(fd);
    reply[len] = '\0';
    fputs(reply, stdout);
    return strncmp(reply, "error", 5) == 0;
}
