#include "unit.h"

#include <stdlib.h>

#include "chat/command.h"

static void expect(const char *line, enum command_id id, const char *text)
{
    struct command c;

    cr_assert_eq(command_parse(line, &c), 0);
    cr_expect_eq(c.id, id, "'%s' is %d, not %d: %s", line, c.id, id, c.text);
    if (text)
        cr_expect_str_eq(c.text, text, "'%s' gave '%s'", line, c.text);
    command_dispose(&c);
}

Test(command, tells_messages_from_commands)
{
    expect("hello", COMMAND_SAY, "hello");
    expect("  indented", COMMAND_SAY, "  indented");
    expect("//etc/passwd", COMMAND_SAY, "/etc/passwd");
    expect("//", COMMAND_SAY, "/");
    expect("a /quit inside", COMMAND_SAY, "a /quit inside");
    expect("", COMMAND_NOTHING, NULL);
    expect(" \t", COMMAND_NOTHING, NULL);
    expect("/quit", COMMAND_QUIT, "");
    expect("/quit  ", COMMAND_QUIT, "");
    expect("/me waves", COMMAND_ME, "waves");
    expect("/accept", COMMAND_ACCEPT, "");
    expect("/accept 12", COMMAND_ACCEPT, "12");
    expect("/ask bob echo  two  blanks", COMMAND_ASK, "bob echo  two  blanks");
}

Test(command, never_makes_a_message_of_a_mistyped_command)
{
    static const char *const lines[] = {"/sned file", "/",   "/ quit", "/QUIT",     "/quit now", "/send",
                                        "/send   ",   "/me", "/ask",   "/x\x1b[2J", "/peers all"};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct command c;
        cr_assert_eq(command_parse(lines[i], &c), 0);
        cr_expect_eq(c.id, COMMAND_BAD, "'%s'", lines[i]);
        cr_expect_null(strchr(c.text, '\x1b'));
        command_dispose(&c);
    }
}

Test(command, takes_the_rest_of_the_line_as_a_path)
{
    setenv("HOME", "/home/me", 1);
    expect("/send a.txt", COMMAND_SEND, "a.txt");
    expect("/send   my file (1).txt  ", COMMAND_SEND, "my file (1).txt");
    expect("/send \"my file.txt\"", COMMAND_SEND, "my file.txt");
    expect("/send ' edges '", COMMAND_SEND, " edges ");
    expect("/send \"a\\\"b\"", COMMAND_SEND, "a\"b");
    expect("/send 'back\\slash'", COMMAND_SEND, "back\\slash");
    expect("/send my\\ file", COMMAND_SEND, "my file");
    expect("/send ends\\ ", COMMAND_SEND, "ends ");
    expect("/send it's", COMMAND_SEND, "it's");
    expect("/send ~/x", COMMAND_SEND, "/home/me/x");
    expect("/send ~", COMMAND_SEND, "/home/me");
    expect("/send a~b", COMMAND_SEND, "a~b");
    expect("/send '~/x'", COMMAND_SEND, "~/x");
    expect("/send ~root/x", COMMAND_SEND, "/root/x");
    expect("/send ~nobody-of-this-name/x", COMMAND_SEND, "~nobody-of-this-name/x");
}

Test(command, complains_about_odd_quotes)
{
    expect("/send \"open", COMMAND_BAD, NULL);
    expect("/send 'a' b", COMMAND_BAD, NULL);
    expect("/send \"\"", COMMAND_BAD, NULL);
}

Test(command, takes_words_off_the_front)
{
    const char *rest = "  one two   three ";
    const char *word;

    cr_expect_eq(command_word(&rest, &word), 3);
    cr_expect_eq(strncmp(word, "one", 3), 0);
    cr_expect_str_eq(rest, "two   three ");
    cr_expect_eq(command_word(&rest, &word), 3);
    cr_expect_eq(command_word(&rest, &word), 5);
    cr_expect_str_empty(rest);
    cr_expect_eq(command_word(&rest, &word), 0);
}

Test(command, lists_every_command_in_help)
{
    char out[COMMAND_HELP_BYTES];
    size_t count = 0;

    while (command_help(count, out)) {
        cr_expect_eq(out[0], '/');
        cr_expect_eq(strncmp(out + 1, command_name(count), strlen(command_name(count))), 0);
        count++;
    }
    cr_expect_eq(count, (size_t)(COMMAND_QUIT - COMMAND_HELP + 1));
    cr_expect_null(command_name(count));
}
