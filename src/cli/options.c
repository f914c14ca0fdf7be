#include "cli/options.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/option_table.h"
#include "cli/suggest.h"
#include "client/trust.h"
#include "client/typed.h"

#define TIMEOUT_MAX_US (UINT64_C(7) * 24 * 3600 * US_PER_S)
#define HELP_COLUMN 26

int options_read_size(const char *text, uint64_t *bytes)
{
    static const char letters[] = "kMG";
    uint64_t value = 0;
    const char *at = text;

    if (*at < '0' || *at > '9')
        return DUET_EINVAL;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return DUET_ERANGE;
    const char *letter = *at ? strchr(letters, *at == 'K' ? 'k' : *at) : NULL;
    if (letter) {
        bool decimal = strcmp(at + 1, "B") == 0;
        at += decimal ? 2 : strcmp(at + 1, "iB") == 0 ? 3 : 1;
        for (const char *step = letters; step <= letter; step++)
            if (__builtin_mul_overflow(value, decimal ? 1000 : 1024, &value))
                return DUET_ERANGE;
    }
    if (*at)
        return DUET_EINVAL;
    *bytes = value;
    return 0;
}

/* By hand: strtod would follow the locale's decimal point. */
int options_read_seconds(const char *text, uint64_t *span_us)
{
    uint64_t value = 0;
    uint64_t unit = 0; /* of the next digit behind the point; 0 before it */
    bool digits = false;

    for (const char *at = text; *at; at++) {
        if (*at == '.' && digits && !strchr(at + 1, '.')) {
            unit = US_PER_S / 10;
            continue;
        }
        if (*at < '0' || *at > '9')
            return DUET_EINVAL;
        uint64_t digit = (uint64_t)(*at - '0');
        digits = true;
        if (strchr(text, '.') && strchr(text, '.') < at) {
            value += digit * unit;
            unit /= 10;
        } else if (__builtin_mul_overflow(value, 10, &value) ||
                   __builtin_add_overflow(value, digit * US_PER_S, &value)) {
            return DUET_ERANGE;
        }
    }
    if (!digits)
        return DUET_EINVAL;
    *span_us = value;
    return 0;
}

static int set_port(struct options *o, const char *value, const char **wanted)
{
    uint64_t port;

    *wanted = "a number from 0 to 65535";
    if (strspn(value, "0123456789") != strlen(value) || options_read_size(value, &port) < 0 || port > UINT16_MAX)
        return -1;
    o->settings.port = (uint16_t)port;
    o->settings.port_given = true;
    return 0;
}

/* An argument of an 8-bit locale as UTF-8, in `out`.  NULL: it is none, or too long. */
static const char *name_from_locale(const char *value, char out[DUET_NAME_BYTES + 1])
{
    char error[TYPED_ERROR_BYTES];
    char *text = typed_utf8(value, nl_langinfo(CODESET), error);
    const bool fits = text != NULL && strlen(text) <= DUET_NAME_BYTES;

    if (fits)
        memcpy(out, text, strlen(text) + 1);
    free(text);
    return fits ? out : NULL;
}

static int set_name(struct options *o, const char *value, const char **wanted)
{
    static char converted[DUET_NAME_BYTES + 1]; /* arguments last as long as the program, and so does this */
    char clean[DUET_NAME_BYTES * 10 + 1];

    *wanted = "1 to 64 bytes of printable UTF-8 on one line";
    if (!text_valid(value, strlen(value)))
        value = name_from_locale(value, converted);
    const size_t len = value != NULL ? strlen(value) : 0;

    if (len == 0 || len > DUET_NAME_BYTES || value[strspn(value, " ")] == '\0')
        return -1;
    if (text_sanitise(TEXT_LINE, value, len, clean, sizeof clean) != len || strcmp(clean, value) != 0)
        return -1;
    o->settings.name = value;
    return 0;
}

/* Of a key that cannot be one nobody would ever be let in. */
static int set_peer(struct options *o, const char *value, const char **wanted)
{
    *wanted = "a whole key, as duet id prints it";
    o->settings.peer = value;
    return trust_is_fingerprint(value) ? 0 : -1;
}

static int set_mode(struct options *o, const char *value, const char **wanted)
{
    *wanted = "burst or step";
    if (strcmp(value, "burst") == 0)
        o->settings.step = false;
    else if (strcmp(value, "step") == 0)
        o->settings.step = true;
    else
        return -1;
    return 0;
}

static int set_window(struct options *o, const char *value, const char **wanted)
{
    *wanted = "a size from 64k to 48M";
    _Static_assert(DUET_WINDOW_MIN_BYTES == 64 << 10 && DUET_WINDOW_MAX_BYTES == 48 << 20, "as the message says");
    if (options_read_size(value, &o->settings.window_bytes) < 0)
        return -1;
    return o->settings.window_bytes < DUET_WINDOW_MIN_BYTES || o->settings.window_bytes > DUET_WINDOW_MAX_BYTES ? -1
                                                                                                                : 0;
}

static int set_max_packet(struct options *o, const char *value, const char **wanted)
{
    uint64_t bytes;

    *wanted = "a size from 1200 to 65507";
    _Static_assert(DUET_PACKET_MIN_BYTES == 1200 && DUET_PACKET_MAX_BYTES == 65507, "as the message says");
    if (options_read_size(value, &bytes) < 0 || bytes < DUET_PACKET_MIN_BYTES || bytes > DUET_PACKET_MAX_BYTES)
        return -1;
    o->settings.max_packet_bytes = bytes;
    return 0;
}

static int set_heartbeat(struct options *o, const char *value, const char **wanted)
{
    uint64_t *span_us = &o->settings.heartbeat_us;

    *wanted = "seconds from 0.5 to 60";
    _Static_assert(DUET_HEARTBEAT_MIN_US == 500000 && DUET_HEARTBEAT_MAX_US == 60000000, "as the message says");
    if (options_read_seconds(value, span_us) < 0 || *span_us < DUET_HEARTBEAT_MIN_US ||
        *span_us > DUET_HEARTBEAT_MAX_US)
        return -1;
    return 0;
}

static int set_timeout(struct options *o, const char *value, const char **wanted)
{
    *wanted = "seconds, more than 0 and at most a week";
    if (options_read_seconds(value, &o->settings.timeout_us) < 0 || o->settings.timeout_us == 0 ||
        o->settings.timeout_us > TIMEOUT_MAX_US)
        return -1;
    return 0;
}

static int set_limit(struct options *o, const char *value, const char **wanted)
{
    *wanted = "bytes a second, at least 1k, like 500k or 2MB";
    if (options_read_size(value, &o->settings.limit_bytes_per_s) < 0 || o->settings.limit_bytes_per_s < 1024)
        return -1;
    return 0;
}

#define OPTION(letter_, name_, argument_, help_, commands_, ...)                                                 \
    {                                                                                                            \
        .letter = (letter_), .name = (name_), .argument = (argument_), .help = (help_), .commands = (commands_), \
        __VA_ARGS__                                                                                              \
    }
#define FLAG(member) .flag_at = offsetof(struct options, member)
#define TEXT(member) .text_at = offsetof(struct options, member)
#define SET(setter) .set = (setter)
#define MAN(text) .man = (text)
#define TRANSFERS (FOR_CHAT | FOR_RECV)
#define PEERS (FOR_ALL & ~FOR_ID)

/* clang-format off */
static const struct option_entry entries[] = {
    OPTION('c', "connect", "HOST[:PORT]", "connect to this peer; without it, wait for one",
     FOR_SEND | FOR_RECV | FOR_ASK, TEXT(settings.host)),
    OPTION(0, "plain", NULL, "lines instead of a screen: messages or /commands in, events out", FOR_CHAT, FLAG(plain),
     MAN("Lines instead of a screen.\n"
         "This is also the way when standard input or output is not a terminal, or is one that cannot position its\n"
         "cursor.")),
    OPTION('o', "out", "DIR", "where received files go (default: the current directory)",
     TRANSFERS, TEXT(settings.out_dir),
     MAN("Where received files go; the current directory by default.")),
    OPTION('y', "yes", NULL, "accept every offered file", TRANSFERS, FLAG(yes)),
    OPTION('k', "keep", NULL, "keep waiting for the next peer", FOR_RECV, FLAG(keep)),
    OPTION('p', "port", "PORT", "local UDP port (default 6254; 0: any free one)", PEERS, SET(set_port),
     MAN("Local UDP port; 6254 by default, 0 for any free one, which is reported.\n"
         "When `send` or `ask` connects, any free one by default.")),
    OPTION(0, "bind", "ADDR", "local address to use", PEERS, TEXT(settings.bind)),
    OPTION('4', "ipv4", NULL, "IPv4 only", PEERS, FLAG(settings.only_v4),
     MAN("IPv4 only.\n"
         "By default one socket serves both families.")),
    OPTION('6', "ipv6", NULL, "IPv6 only", PEERS, FLAG(settings.only_v6)),
    OPTION(0, "home", "DIR", "keep keys and known peers in DIR (else DUET_HOME, else XDG)",
     FOR_ALL, TEXT(settings.home),
     MAN("Keep keys and known peers in _DIR_; see FILES.")),
    OPTION(0, "name", "NAME", "the name peers see", FOR_ALL, SET(set_name),
     MAN("The name peers see, at most 64 bytes.\n"
         "By default the login name and four characters of the key.")),
    OPTION(0, "accept-new", NULL, "trust new keys (a changed key is always refused)", PEERS, FLAG(settings.accept_new),
     MAN("Trust new keys, at most 32 a minute from one host; a changed key is always refused.")),
    OPTION(0, "peer", "FINGERPRINT", "trust only the peer with this key", PEERS, SET(set_peer)),
    OPTION(0, "mode", "burst|step", "many packets in flight, or one at a time", PEERS, SET(set_mode),
     MAN("Many packets in flight (default), or one at a time.")),
    OPTION(0, "window", "BYTES", "at most this many file bytes in flight (default 48M)", PEERS, SET(set_window),
     MAN("At most this many file bytes in flight, or received and not yet written, in each direction: 64k to 48M; 48M\n"
         "by default.\n"
         "What a receiver really allows starts at 2M and adapts to path and disk; this is the upper bound of that, and\n"
         "of the memory for it.")),
    OPTION(0, "max-packet", "BYTES", "largest UDP payload (default: what the path carries)", PEERS,
     SET(set_max_packet),
     MAN("Largest UDP payload, 1200 to 65507.\n"
         "duet finds out what the path carries; this is the upper bound.")),
    OPTION(0, "heartbeat", "SECONDS", "send a sign of life this often when idle (default 5)", PEERS,
     SET(set_heartbeat),
     MAN("Send a sign of life this often when idle, 0.5 to 60; 5 by default.\n"
         "After 7 s of silence duet asks the peer for one in any case.")),
    OPTION(0, "timeout", "SECONDS",
     "give up connecting, or on a silent peer, after this (default 30)", PEERS,
     SET(set_timeout),
     MAN("Give up connecting after this; 30 by default.\n"
         "`send`, `recv` and `ask` also give up on a peer that has been silent for this long, though not before it is\n"
         "unreachable (14 s), and on one that is there but accepts and confirms nothing for this long.\n"
         "An offer may wait for its answer without limit.")),
    OPTION(0, "cc", "NAME", "congestion controller", PEERS, TEXT(settings.cc), .choice = duet_controller,
     MAN("Each side chooses for what it sends.")),
    OPTION(0, "limit", "RATE", "send at most this many bytes a second", PEERS, SET(set_limit),
     MAN("Send at most this many bytes a second to each peer, at least 1k.")),
    OPTION(0, "trace", "FILE", "log what the transport does as JSON lines", PEERS, TEXT(settings.trace),
     MAN("Log what the transport does as JSON lines, with the names of qlog and no text of peers.\n"
         "`scripts/plot-trace` _FILE_ of the sources draws it.")),
    OPTION(0, "no-gso", NULL, "send packets one by one, not in batches (UDP GSO)", PEERS, FLAG(settings.no_gso),
     MAN("Send packets one by one, not in batches (UDP GSO), for drivers that damage batches.")),
    OPTION('q', "quiet", NULL, "show errors only", FOR_ALL, FLAG(settings.quiet)),
    OPTION('v', "verbose", NULL, "say more", FOR_ALL, FLAG(settings.verbose),
     MAN("Say more: which implementation encrypts, which addresses of a name do not answer.\n"
         "With `--version` too.")),
    OPTION(0, "no-color", NULL, "no colours (also: NO_COLOR)", FOR_ALL, FLAG(settings.no_color),
     MAN("No colours.\n"
         "The variable `NO_COLOR` has the same effect.")),
    OPTION('h', "help", NULL, "show this help", FOR_ALL, FLAG(help),
     MAN("Show the help, also of one command.")),
    OPTION(0, "version", NULL, "show the version", FOR_ALL, FLAG(version)),
};
/* clang-format on */
#define ENTRY_COUNT (sizeof entries / sizeof entries[0])

const struct option_entry *option_table(size_t *count)
{
    *count = ENTRY_COUNT;
    return entries;
}

static const struct option_entry *entry_by_letter(char letter)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (entries[i].letter == letter)
            return &entries[i];
    return NULL;
}

static const struct option_entry *entry_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (strlen(entries[i].name) == len && memcmp(entries[i].name, name, len) == 0)
            return &entries[i];
    return NULL;
}

static bool is_option(const char *arg)
{
    return arg[0] == '-' && arg[1] != '\0';
}

/* Does this option argument take the next argument as its value? */
static bool wants_next(const char *arg)
{
    if (arg[1] == '-') {
        const struct option_entry *e = entry_by_name(arg + 2, strlen(arg + 2));
        return e && e->argument;
    }
    for (const char *at = arg + 1; *at; at++) {
        const struct option_entry *e = entry_by_letter(*at);
        if (!e)
            return false;
        if (e->argument)
            return at[1] == '\0';
    }
    return false;
}

int options_first_word(int argc, char *const argv[])
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            return 0;
        if (!is_option(argv[i]))
            return i;
        if (wants_next(argv[i]))
            i++;
    }
    return 0;
}

/* What the parser is at; so its steps need no long argument lists. */
struct parser {
    struct options *o;
    int argc;
    char **argv;
    int at;
    char *error;
};

static int complain_unknown(struct parser *p, const char *arg)
{
    const char *names[ENTRY_COUNT + 1];
    size_t count = 0;
    char shown[80];

    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (entries[i].commands & (unsigned)p->o->command)
            names[count++] = entries[i].name;
    names[count] = NULL;
    text_sanitise(TEXT_LINE, arg, strlen(arg), shown, sizeof shown);
    const char *meant = arg[1] == '-' ? suggest_word(arg + 2, names) : NULL;
    if (meant)
        snprintf(p->error, OPTIONS_ERROR_BYTES, "unknown option '%s': did you mean '--%s'?", shown, meant);
    else
        snprintf(p->error, OPTIONS_ERROR_BYTES, "unknown option '%s' (write -- before arguments that start with '-')",
                 shown);
    return DUET_EINVAL;
}

static int apply(struct parser *p, const struct option_entry *e, const char *value)
{
    const char *wanted = "a value that is not empty";
    char shown[80];
    int bad = 0;

    if (!(e->commands & (unsigned)p->o->command)) {
        snprintf(p->error, OPTIONS_ERROR_BYTES, "option --%s does not apply to this command", e->name);
        return DUET_EINVAL;
    }
    if (!e->argument) {
        *(bool *)((char *)p->o + e->flag_at) = true;
        return 0;
    }
    if (e->set)
        bad = e->set(p->o, value, &wanted);
    else if (value[0] == '\0')
        bad = -1;
    else
        *(const char **)((char *)p->o + e->text_at) = value;
    if (bad == 0)
        return 0;
    text_sanitise(TEXT_LINE, value, strlen(value), shown, sizeof shown);
    snprintf(p->error, OPTIONS_ERROR_BYTES, "--%s '%s': expected %s", e->name, shown, wanted);
    return DUET_EINVAL;
}

/* The value of an option that was not joined to it. */
static const char *next_value(struct parser *p, const struct option_entry *e)
{
    if (p->at + 1 < p->argc)
        return p->argv[++p->at];
    snprintf(p->error, OPTIONS_ERROR_BYTES, "option --%s needs a value: %s", e->name, e->argument);
    return NULL;
}

static int parse_long(struct parser *p)
{
    const char *arg = p->argv[p->at];
    const char *equals = strchr(arg, '=');
    size_t len = equals ? (size_t)(equals - arg) - 2 : strlen(arg + 2);
    const struct option_entry *e = entry_by_name(arg + 2, len);

    if (!e)
        return complain_unknown(p, arg);
    if (equals && !e->argument) {
        snprintf(p->error, OPTIONS_ERROR_BYTES, "option --%s takes no value", e->name);
        return DUET_EINVAL;
    }
    const char *value = equals ? equals + 1 : e->argument ? next_value(p, e) : "";
    return value ? apply(p, e, value) : DUET_EINVAL;
}

static int parse_letters(struct parser *p)
{
    const char *arg = p->argv[p->at];

    for (const char *at = arg + 1; *at; at++) {
        const struct option_entry *e = entry_by_letter(*at);
        if (!e)
            return complain_unknown(p, arg);
        const char *value = "";
        if (e->argument)
            value = at[1] ? at + 1 : next_value(p, e);
        if (!value)
            return DUET_EINVAL;
        int err = apply(p, e, value);
        if (err < 0 || e->argument)
            return err;
    }
    return 0;
}

static struct options defaults(enum options_command command)
{
    return (struct options){
        .command = command,
        .settings = settings_default(),
    };
}

int options_parse(struct options *o, enum options_command command, int argc, char *argv[], int skip,
                  char error[OPTIONS_ERROR_BYTES])
{
    struct parser p = {.o = o, .argc = argc, .argv = argv, .at = 1, .error = error};
    bool ended = false;
    int err = 0;

    *o = defaults(command);
    o->args = calloc((size_t)argc + 1, sizeof *o->args);
    if (!o->args) {
        snprintf(error, OPTIONS_ERROR_BYTES, "%s", err_text(DUET_ENOMEM));
        return DUET_ENOMEM;
    }
    for (; p.at < argc && err == 0; p.at++) {
        char *arg = argv[p.at];
        if (p.at == skip)
            continue;
        if (ended || !is_option(arg))
            o->args[o->arg_count++] = arg;
        else if (strcmp(arg, "--") == 0)
            ended = true;
        else
            err = arg[1] == '-' ? parse_long(&p) : parse_letters(&p);
    }
    if (err == 0 && o->settings.only_v4 && o->settings.only_v6) {
        snprintf(error, OPTIONS_ERROR_BYTES, "-4 and -6 exclude each other");
        err = DUET_EINVAL;
    }
    if (err < 0)
        options_dispose(o);
    return err;
}

void options_dispose(struct options *o)
{
    free(o->args);
    o->args = NULL;
    o->arg_count = 0;
}

/* ": bbr (default) or cubic" */
static void print_choices(FILE *out, const char *(*choice)(unsigned i))
{
    for (unsigned i = 0; choice(i); i++)
        fprintf(out, "%s%s%s", i == 0 ? ": " : choice(i + 1) ? ", " : " or ", choice(i), i == 0 ? " (default)" : "");
}

void options_print_help(FILE *out, enum options_command command)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        const struct option_entry *e = &entries[i];
        char left[64];
        if (!(e->commands & (unsigned)command))
            continue;
        int used = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", e->letter ? '-' : ' ', e->letter ? e->letter : ' ',
                            e->letter ? ',' : ' ', e->name, e->argument ? " " : "", e->argument ? e->argument : "");
        if (used > HELP_COLUMN)
            fprintf(out, "%s\n%*s  %s", left, HELP_COLUMN, "", e->help);
        else
            fprintf(out, "%-*s  %s", HELP_COLUMN, left, e->help);
        if (e->choice)
            print_choices(out, e->choice);
        fputc('\n', out);
    }
}
