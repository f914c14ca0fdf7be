#include "unit.h"

#include "base/err.h"
#include "cli/options.h"

#define WORDS_MAX 12

/* A command line as words; NULL ends it. */
static int parse(struct options *o, enum options_command command, const char *const words[], char *error)
{
    static char *argv[WORDS_MAX + 2];
    int argc = 0;

    argv[argc++] = (char *)"duet";
    for (size_t i = 0; words[i]; i++)
        argv[argc++] = (char *)words[i];
    argv[argc] = NULL;
    error[0] = '\0';
    return options_parse(o, command, argc, argv, 0, error);
}

#define PARSE(o, command, error, ...) parse((o), (command), (const char *const[]){__VA_ARGS__, NULL}, (error))

Test(options, has_the_defaults_of_the_contract)
{
    struct options o;
    char error[OPTIONS_ERROR_BYTES];

    cr_assert_eq(PARSE(&o, FOR_CHAT, error, NULL), 0);
    cr_expect_eq(o.settings.port, 6254);
    cr_expect_not(o.settings.port_given);
    cr_expect_eq(o.settings.timeout_us, 30000000);
    cr_expect_not(o.settings.step);
    cr_expect_eq(settings_family(&o.settings), 0);
    cr_expect_eq(o.settings.limit_bytes_per_s, 0);
    cr_expect_null(o.settings.host);
    options_dispose(&o);
}

Test(options, takes_every_way_to_write_a_value)
{
    static const char *const rows[][4] = {
        {"--port", "7000", NULL}, {"--port=7000", NULL}, {"-p", "7000", NULL},
        {"-p7000", NULL},         {"-qp", "7000", NULL}, {"-qp7000", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct options o;
        char error[OPTIONS_ERROR_BYTES];
        cr_assert_eq(parse(&o, FOR_SEND, rows[i], error), 0, "row %zu: %s", i, error);
        cr_expect_eq(o.settings.port, 7000, "row %zu", i);
        cr_expect(o.settings.port_given);
        options_dispose(&o);
    }
}

Test(options, stand_anywhere_until_two_dashes)
{
    struct options o;
    char error[OPTIONS_ERROR_BYTES];

    cr_assert_eq(PARSE(&o, FOR_SEND, error, "a", "-c", "host:1", "b", "--accept-new", "--", "-q", "--peer"), 0);
    cr_expect_str_eq(o.settings.host, "host:1");
    cr_expect(o.settings.accept_new);
    cr_expect_not(o.settings.quiet);
    cr_assert_eq(o.arg_count, 4);
    cr_expect_str_eq(o.args[0], "a");
    cr_expect_str_eq(o.args[1], "b");
    cr_expect_str_eq(o.args[2], "-q");
    cr_expect_str_eq(o.args[3], "--peer");
    options_dispose(&o);
}

Test(options, knows_every_common_option)
{
    struct options o;
    char error[OPTIONS_ERROR_BYTES];

    cr_assert_eq(PARSE(&o, FOR_RECV, error, "-yk6qv", "-o", "/tmp", "--bind=::1", "--home=h", "--name=Zoë"), 0, "%s",
                 error);
    cr_expect(o.yes && o.keep && o.settings.only_v6 && o.settings.quiet && o.settings.verbose);
    cr_expect_eq(settings_family(&o.settings), 6);
    cr_expect_str_eq(o.settings.out_dir, "/tmp");
    cr_expect_str_eq(o.settings.bind, "::1");
    cr_expect_str_eq(o.settings.home, "h");
    cr_expect_str_eq(o.settings.name, "Zoë");
    options_dispose(&o);
    cr_assert_eq(PARSE(&o, FOR_CHAT, error, "--plain", "--mode=step", "--window=1M", "--max-packet=9000",
                       "--heartbeat=0.5", "--timeout=1.5", "--cc=cubic", "--limit=2MB", "--trace=t", "--no-color",
                       "--no-gso", "--peer=ABCD-efgh-ijkl-mnop-qrst-uvwx-yz23-4567"),
                 0, "%s", error);
    cr_expect(o.plain && o.settings.no_color && o.settings.no_gso);
    cr_expect(o.settings.step);
    cr_expect_eq(o.settings.window_bytes, 1 << 20);
    cr_expect_eq(o.settings.max_packet_bytes, 9000);
    cr_expect_eq(o.settings.heartbeat_us, 500000);
    cr_expect_eq(o.settings.timeout_us, 1500000);
    cr_expect_eq(o.settings.limit_bytes_per_s, 2000000);
    cr_expect_str_eq(o.settings.cc, "cubic");
    cr_expect_str_eq(o.settings.trace, "t");
    cr_expect_str_eq(o.settings.peer, "ABCD-efgh-ijkl-mnop-qrst-uvwx-yz23-4567");
    options_dispose(&o);
}

Test(options, refuses_what_is_wrong_and_says_what_was_expected)
{
    static const struct {
        enum options_command command;
        const char *words[4];
        const char *says;
    } rows[] = {
        {FOR_CHAT, {"--prot", "1", NULL}, "did you mean '--port'"},
        {FOR_CHAT, {"--zzzzzzzzz", NULL}, "unknown option"},
        {FOR_CHAT, {"-x", NULL}, "unknown option '-x'"},
        {FOR_CHAT, {"-p", NULL}, "needs a value"},
        {FOR_CHAT, {"--port=65536", NULL}, "0 to 65535"},
        {FOR_CHAT, {"--port=-1", NULL}, "0 to 65535"},
        {FOR_CHAT, {"--port=1k", NULL}, "0 to 65535"},
        {FOR_CHAT, {"--port=", NULL}, "0 to 65535"},
        {FOR_CHAT, {"--plain=yes", NULL}, "takes no value"},
        {FOR_SEND, {"--plain", NULL}, "does not apply"},
        {FOR_SEND, {"-y", NULL}, "does not apply"},
        {FOR_ID, {"-p1", NULL}, "does not apply"},
        {FOR_CHAT, {"-4", "-6", NULL}, "exclude"},
        {FOR_CHAT, {"--mode=fast", NULL}, "burst or step"},
        {FOR_CHAT, {"--window=65535", NULL}, "64k to 48M"},
        {FOR_CHAT, {"--window=49M", NULL}, "64k to 48M"},
        {FOR_CHAT, {"--max-packet=1199", NULL}, "1200 to 65507"},
        {FOR_CHAT, {"--max-packet=4294968496", NULL}, "1200 to 65507"},
        {FOR_CHAT, {"--heartbeat=0.4", NULL}, "0.5 to 60"},
        {FOR_CHAT, {"--heartbeat=61", NULL}, "0.5 to 60"},
        {FOR_CHAT, {"--timeout=0", NULL}, "more than 0"},
        {FOR_CHAT, {"--timeout=soon", NULL}, "more than 0"},
        {FOR_CHAT, {"--limit=1023", NULL}, "at least 1k"},
        {FOR_CHAT, {"--peer=abcd", NULL}, "a whole key"},
        {FOR_CHAT, {"--peer=abcd-efgh-ijkl-mnop-qrst-uvwx-yz23-4561", NULL}, "a whole key"},
        {FOR_CHAT, {"--name=", NULL}, "1 to 64 bytes"},
        {FOR_CHAT, {"--name=   ", NULL}, "1 to 64 bytes"},
        {FOR_CHAT, {"--name=a\nb", NULL}, "1 to 64 bytes"},
        {FOR_CHAT, {"--name=a\x1b[31m", NULL}, "1 to 64 bytes"},
        {FOR_CHAT, {"--name=\xff", NULL}, "1 to 64 bytes"},
        {FOR_CHAT, {"--name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL}, "1 to 64 bytes"},
        {FOR_CHAT, {"--home=", NULL}, "not empty"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct options o;
        char error[OPTIONS_ERROR_BYTES];
        cr_expect_eq(parse(&o, rows[i].command, rows[i].words, error), DUET_EINVAL, "%s", rows[i].words[0]);
        cr_expect(strstr(error, rows[i].says), "%s: %s", rows[i].words[0], error);
        cr_expect_null(strpbrk(error, "\x1b\n"), "%s", error);
    }
}

Test(options, finds_the_subcommand_behind_options_and_their_values)
{
    static const struct {
        const char *words[6];
        int index;
    } rows[] = {
        {{"duet", "send", "a", NULL}, 1},        {{"duet", "--home", "send", "recv", NULL}, 3},
        {{"duet", "--home=x", "recv", NULL}, 2}, {{"duet", "-p", "1", "recv", NULL}, 3},
        {{"duet", "-p1", "recv", NULL}, 2},      {{"duet", "-qp", "1", "recv", NULL}, 3},
        {{"duet", "--plain", "host", NULL}, 2},  {{"duet", "--", "send", NULL}, 0},
        {{"duet", "--plain", NULL}, 0},          {{"duet", NULL}, 0},
        {{"duet", "-", "x", NULL}, 1},           {{"duet", "--home", NULL}, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int argc = 0;
        while (rows[i].words[argc])
            argc++;
        cr_expect_eq(options_first_word(argc, (char *const *)rows[i].words), rows[i].index, "row %zu", i);
    }
}

Test(options, reads_sizes)
{
    static const struct {
        const char *text;
        int err;
        uint64_t bytes;
    } rows[] = {
        {"0", 0, 0},
        {"1024", 0, 1024},
        {"64k", 0, 65536},
        {"64K", 0, 65536},
        {"64KiB", 0, 65536},
        {"64kB", 0, 64000},
        {"3M", 0, 3145728},
        {"2GB", 0, 2000000000},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", DUET_ERANGE, 0},
        {"17179869184G", DUET_ERANGE, 0},
        {"", DUET_EINVAL, 0},
        {"k", DUET_EINVAL, 0},
        {"-1", DUET_EINVAL, 0},
        {"1.5M", DUET_EINVAL, 0},
        {"1kk", DUET_EINVAL, 0},
        {"1B", DUET_EINVAL, 0},
        {" 1", DUET_EINVAL, 0},
        {"1T", DUET_EINVAL, 0},
        {"0x10", DUET_EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t bytes = 0;
        cr_expect_eq(options_read_size(rows[i].text, &bytes), rows[i].err, "'%s'", rows[i].text);
        cr_expect_eq(bytes, rows[i].bytes, "'%s'", rows[i].text);
    }
}

Test(options, reads_seconds)
{
    static const struct {
        const char *text;
        int err;
        uint64_t us;
    } rows[] = {
        {"1", 0, 1000000},         {"0.5", 0, 500000},
        {"2.25", 0, 2250000},      {"10.000001", 0, 10000001},
        {"1.0000009", 0, 1000000}, {"3.", 0, 3000000},
        {"", DUET_EINVAL, 0},      {".", DUET_EINVAL, 0},
        {".5", DUET_EINVAL, 0},    {"1.2.3", DUET_EINVAL, 0},
        {"1s", DUET_EINVAL, 0},    {"-1", DUET_EINVAL, 0},
        {"1e3", DUET_EINVAL, 0},   {"99999999999999999999", DUET_ERANGE, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t us = 0;
        cr_expect_eq(options_read_seconds(rows[i].text, &us), rows[i].err, "'%s'", rows[i].text);
        cr_expect_eq(us, rows[i].us, "'%s' gave %llu", rows[i].text, (unsigned long long)us);
    }
}

/* The text of --help as it is, and what the default controller is called, from the one table that decides it. */
Test(options, help_names_every_controller_and_the_default_first)
{
    char *text = NULL;
    size_t len = 0;
    char wanted[64];
    FILE *out = open_memstream(&text, &len);

    cr_assert(out);
    options_print_help(out, FOR_CHAT);
    fclose(out);
    snprintf(wanted, sizeof wanted, "controller: %s (default) or %s\n", duet_controller(0), duet_controller(1));
    cr_expect_null(duet_controller(2), "three need another text here");
    cr_expect(strstr(text, wanted) != NULL, "no '%s' in:\n%s", wanted, text);
    free(text);
}
