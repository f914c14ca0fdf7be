#include "unit.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat/completion.h"

static void set_up(void)
{
    cr_assert_not_null(setlocale(LC_ALL, "C.UTF-8"));
    setenv("INPUTRC", "/dev/null", 1);
    setenv("TERM", "xterm", 1);
    input_start(&completion_language);
}

TestSuite(completion, .init = set_up, .fini = input_stop);

/* The event of the last key. */
static struct input_event type(const char *keys)
{
    struct input_event ev = {.type = INPUT_NONE};

    for (; *keys; keys++) {
        free(ev.text);
        ev = input_byte((unsigned char)*keys, 0);
    }
    return ev;
}

static void expect_line(const char *keys, const char *line)
{
    struct input_event ev = type(keys);

    cr_assert_eq(ev.type, INPUT_LINE);
    cr_expect_str_eq(ev.text, line);
    free(ev.text);
}

Test(completion, knows_commands_and_paths)
{
    char dir[] = "/tmp/duet-input.XXXXXX";
    char path[64], keys[128], line[128];

    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/my file.txt", dir);
    fclose(fopen(path, "w"));
    snprintf(path, sizeof path, "%s/folder", dir);
    cr_assert_eq(mkdir(path, 0700), 0);

    expect_line("/tra\t\r", "/transfers ");
    snprintf(keys, sizeof keys, "/send %s/my\t\r", dir);
    snprintf(line, sizeof line, "/send %s/my file.txt", dir);
    expect_line(keys, line);
    snprintf(keys, sizeof keys, "/send %s/fol\t\r", dir);
    snprintf(line, sizeof line, "/send %s/folder/", dir);
    expect_line(keys, line);
    expect_line("no\tcommand\r", "nocommand");

    struct input_event ev = type("/c\t");
    cr_expect_eq(ev.type, INPUT_CHOICES);
    cr_expect(strstr(ev.text, "connect") && strstr(ev.text, "clear") && strstr(ev.text, "cancel"), "%s", ev.text);
    free(ev.text);

    snprintf(path, sizeof path, "%s/my file.txt", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/folder", dir);
    rmdir(path);
    rmdir(dir);
}
