#include "io/tracefile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#define BUFFER_BYTES (64 * 1024)
#define MODE_TRACE 0600

struct tracefile {
    FILE *file;
    duet_time start;
    uint64_t dropped; /* as last written down */
    bool failed;
};

static int check(struct tracefile *t, bool ok, int *sys)
{
    *sys = 0;
    if (t->failed || ok)
        return 0;
    *sys = errno;
    t->failed = true;
    return DUET_ESYS;
}

/* Who may write to the directory (/tmp) must not choose, by a link or a file put there first, what
 * is overwritten or who reads along.  A descriptor, -1 with errno. */
static int open_own(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, MODE_TRACE);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || (st.st_uid == geteuid() && st.st_nlink == 1))) {
        if (!S_ISREG(st.st_mode) || ftruncate(fd, 0) == 0)
            return fd;
    } else {
        errno = EPERM;
    }
    const int why = errno;

    close(fd);
    errno = why;
    return -1;
}

int tracefile_open(const char *path, duet_time start, struct tracefile **out, int *sys)
{
    struct tracefile *t = calloc(1, sizeof(*t));

    *out = NULL;
    *sys = 0;
    if (t == NULL)
        return DUET_ENOMEM;
    const int fd = open_own(path);

    t->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (t->file == NULL) {
        *sys = errno;
        if (fd >= 0)
            close(fd);
        free(t);
        return DUET_ESYS;
    }
    t->start = start;
    setvbuf(t->file, NULL, _IOFBF, BUFFER_BYTES);
    const bool ok = fputs("{\"qlog_version\":\"0.3\",\"qlog_format\":\"NDJSON\",\"title\":\"duet\",\"trace\":{"
                          "\"vantage_point\":{\"type\":\"unknown\"},"
                          "\"common_fields\":{\"protocol_type\":[\"duet\"],\"time_format\":\"relative\"}}}\n",
                          t->file) >= 0;

    *out = t;
    if (check(t, ok, sys) == 0)
        return 0;
    fclose(t->file);
    free(t);
    *out = NULL;
    return DUET_ESYS;
}

/* "1234.567", ms since the start. */
static int write_head(struct tracefile *t, duet_time at, const char *name)
{
    const uint64_t us = time_since(at, t->start);

    return fprintf(t->file, "{\"time\":%" PRIu64 ".%03u,\"name\":\"%s\",", us / US_PER_MS, (unsigned)(us % US_PER_MS),
                   name);
}

static int write_metrics(struct tracefile *t, const struct trace_event *ev)
{
    /* qlog: round-trip times in ms, pacing_rate in bits per second. */
    return fprintf(t->file,
                   "\"data\":{\"congestion_window\":%" PRIu64 ",\"bytes_in_flight\":%" PRIu64
                   ",\"smoothed_rtt\":%" PRIu64 ".%03u,\"latest_rtt\":%" PRIu64 ".%03u,\"pacing_rate\":%" PRIu64 "}}\n",
                   ev->cwnd_bytes, ev->in_flight_bytes, ev->srtt_us / US_PER_MS, (unsigned)(ev->srtt_us % US_PER_MS),
                   ev->latest_rtt_us / US_PER_MS, (unsigned)(ev->latest_rtt_us % US_PER_MS),
                   ev->pacing_bytes_per_s * 8);
}

static int write_packet(struct tracefile *t, const struct trace_event *ev, const char *why)
{
    return fprintf(t->file,
                   "\"data\":{\"header\":{\"packet_number\":%" PRIu64 "},\"raw\":{\"length\":%" PRIu64
                   "},\"%s\":\"%s\"}}\n",
                   ev->number, ev->bytes, why, ev->detail != NULL ? ev->detail : "");
}

static int write_data(struct tracefile *t, const struct trace_event *ev)
{
    switch (ev->type) {
    case TRACE_METRICS:
        return write_metrics(t, ev);
    case TRACE_STATE:
        return fprintf(t->file, "\"data\":{\"new\":\"%s\"}}\n", ev->detail != NULL ? ev->detail : "");
    case TRACE_PACKET_DROPPED:
    case TRACE_PACKET_LOST:
        return write_packet(t, ev, "trigger");
    case TRACE_PACKET_SENT:
    case TRACE_PACKET_RECEIVED:
        break;
    }
    return write_packet(t, ev, "detail");
}

int tracefile_write(struct tracefile *t, const struct trace_event *ev, int *sys)
{
    *sys = 0;
    if (t->failed)
        return 0;
    const bool ok = write_head(t, ev->at, trace_name(ev->type)) >= 0 &&
                    fprintf(t->file, "\"group_id\":\"%016" PRIx64 "\",", ev->conn) >= 0 && write_data(t, ev) >= 0;

    return check(t, ok, sys);
}

int tracefile_flush(struct tracefile *t, uint64_t dropped, int *sys)
{
    bool ok = true;

    *sys = 0;
    if (t->failed)
        return 0;
    if (dropped > t->dropped) {
        ok = fprintf(t->file, "{\"time\":0,\"name\":\"duet:trace_dropped\",\"data\":{\"events\":%" PRIu64 "}}\n",
                     dropped) >= 0;
        t->dropped = dropped;
    }
    return check(t, ok && fflush(t->file) == 0, sys);
}

int tracefile_close(struct tracefile *t, uint64_t dropped, int *sys)
{
    *sys = 0;
    if (t == NULL)
        return 0;
    const int err = tracefile_flush(t, dropped, sys);
    const int failed = fclose(t->file);
    const int late = err == 0 && failed != 0 ? check(t, false, sys) : 0;

    free(t);
    return err != 0 ? err : late;
}
