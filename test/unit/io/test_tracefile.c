#include "io/tracefile.h"

#include "unit.h"
#include <errno.h>

#include "base/err.h"
#include "tmpdir.h"

static struct tracefile *open_in(const struct tmpdir *d)
{
    struct tracefile *t = NULL;
    int sys = 0;

    cr_assert_eq(tracefile_open(tmpdir_path(d, "trace"), DUET_TIME(1000000), &t, &sys), 0);
    return t;
}

Test(tracefile, is_one_json_object_a_line_with_qlog_names)
{
    static const struct {
        struct trace_event ev;
        const char *line;
    } row[] = {
        {{.at = {1001234}, .type = TRACE_PACKET_SENT, .conn = 0xab, .number = 7, .bytes = 1200, .detail = "bulk"},
         "\n{\"time\":1.234,\"name\":\"transport:packet_sent\",\"group_id\":\"00000000000000ab\","
         "\"data\":{\"header\":{\"packet_number\":7},\"raw\":{\"length\":1200},\"detail\":\"bulk\"}}\n"},
        {{.at = {1000001}, .type = TRACE_PACKET_DROPPED, .bytes = 3},
         "\n{\"time\":0.001,\"name\":\"transport:packet_dropped\",\"group_id\":\"0000000000000000\","
         "\"data\":{\"header\":{\"packet_number\":0},\"raw\":{\"length\":3},\"trigger\":\"\"}}\n"},
        {{.at = {3000000},
          .type = TRACE_METRICS,
          .conn = 1,
          .cwnd_bytes = 9,
          .in_flight_bytes = 8,
          .srtt_us = 50001,
          .latest_rtt_us = 49,
          .pacing_bytes_per_s = 100},
         "\n{\"time\":2000.000,\"name\":\"recovery:metrics_updated\",\"group_id\":\"0000000000000001\","
         "\"data\":{\"congestion_window\":9,\"bytes_in_flight\":8,\"smoothed_rtt\":50.001,\"latest_rtt\":0.049,"
         "\"pacing_rate\":800}}\n"},
        {{.at = {1000000}, .type = TRACE_STATE, .conn = 1, .detail = "open"},
         "\n{\"time\":0.000,\"name\":\"connectivity:connection_state_updated\",\"group_id\":\"0000000000000001\","
         "\"data\":{\"new\":\"open\"}}\n"},
    };
    struct tmpdir d = tmpdir_make();
    struct tracefile *t = open_in(&d);
    struct stat st;
    bool found;
    int sys = 0;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        cr_assert_eq(tracefile_write(t, &row[i].ev, &sys), 0);
    cr_assert_eq(tracefile_flush(t, 0, &sys), 0);
    const char *text = tmpdir_get(&d, "trace", &found);
    cr_expect_eq(strncmp(text, "{\"qlog_version\":", 16), 0);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        cr_expect_not_null(strstr(text, row[i].line), "%zu in %s", i, text);
    cr_assert_eq(fstatat(d.fd, "trace", &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 0600);

    cr_assert_eq(tracefile_close(t, 12, &sys), 0);
    cr_expect_not_null(strstr(tmpdir_get(&d, "trace", &found), "trace_dropped\",\"data\":{\"events\":12}}\n"));
    tmpdir_remove(&d);
}

Test(tracefile, a_full_disk_is_said_once_and_the_rest_let_go)
{
    const struct trace_event ev = {.type = TRACE_STATE, .detail = "x"};
    struct tracefile *t = NULL;
    int sys = 0;

    cr_assert_eq(tracefile_open("/dev/full", DUET_TIME(0), &t, &sys), 0, "the header is still in memory");
    cr_assert_eq(tracefile_write(t, &ev, &sys), 0);
    cr_expect_eq(tracefile_flush(t, 0, &sys), DUET_ESYS);
    cr_expect_eq(sys, ENOSPC);
    cr_expect_eq(tracefile_write(t, &ev, &sys), 0);
    cr_expect_eq(tracefile_flush(t, 0, &sys), 0);
    cr_expect_eq(tracefile_close(t, 5, &sys), 0);
    cr_expect_eq(tracefile_open("/nowhere/trace", DUET_TIME(0), &t, &sys), DUET_ESYS);
    cr_expect_eq(sys, ENOENT);
    cr_expect_null(t);
    cr_expect_eq(tracefile_close(NULL, 0, &sys), 0);
}

/* A directory that others write to, /tmp: what lies there may have been put there for us. */
Test(tracefile, is_not_written_through_a_link_nor_into_the_file_of_somebody_else)
{
    static const struct {
        const char *name;
        int sys;
    } row[] = {{"symlink", ELOOP}, {"dangling", ELOOP}, {"hardlink", EPERM}, {"others", EPERM}};
    struct tmpdir d = tmpdir_make();
    struct tracefile *t = NULL;
    struct stat st;
    bool found;
    int sys;

    tmpdir_put(&d, "precious", "precious", 8);
    tmpdir_put(&d, "others", "others", 6);
    cr_assert_eq(symlinkat("precious", d.fd, "symlink"), 0);
    cr_assert_eq(symlinkat("not there", d.fd, "dangling"), 0);
    cr_assert_eq(linkat(d.fd, "precious", d.fd, "hardlink", 0), 0);
    const bool root = fchownat(d.fd, "others", 65534, 65534, 0) == 0;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]) - (root ? 0 : 1); i++) {
        cr_expect_eq(tracefile_open(tmpdir_path(&d, row[i].name), DUET_TIME(0), &t, &sys), DUET_ESYS, "%s",
                     row[i].name);
        cr_expect_eq(sys, row[i].sys, "%s: %d", row[i].name, sys);
        cr_expect_null(t);
    }
    cr_expect_str_eq(tmpdir_get(&d, "precious", &found), "precious");
    cr_expect_str_eq(tmpdir_get(&d, "others", &found), "others");
    cr_expect_neq(fstatat(d.fd, "not there", &st, 0), 0);

    tmpdir_put(&d, "trace", "an older and longer one of our own, which goes", 46);
    cr_expect_eq(tracefile_close(open_in(&d), 0, &sys), 0);
    cr_expect_eq(strncmp(tmpdir_get(&d, "trace", &found), "{\"qlog_version\":", 16), 0);
    cr_expect_null(strstr(tmpdir_get(&d, "trace", &found), "older"));
    tmpdir_remove(&d);
}
