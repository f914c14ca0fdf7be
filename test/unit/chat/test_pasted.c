#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat/pasted.h"

Test(pasted, texts_wait_for_their_turn)
{
    struct pasted p = {0};
    char question[PASTED_QUESTION_BYTES];

    cr_expect_null(pasted_first(&p));
    for (size_t i = 0; i < PASTED_MAX; i++)
        cr_assert(pasted_add(&p, strdup(i == 0 ? "one\ntwo" : "three\nfour\nfive")));
    char *more = strdup("six\nseven");
    cr_expect_not(pasted_add(&p, more), "the caller keeps it");
    free(more);
    cr_expect_str_eq(pasted_first(&p), "one\ntwo");
    cr_expect(strstr(pasted_question(&p, 80, question), "2 pasted lines (7 B)") != NULL, "%s", question);
    for (size_t columns = 15; columns < 80; columns++) {
        cr_expect_leq(strlen(pasted_question(&p, columns, question)), columns, "%s", question);
        cr_expect(strchr(question, 'y') && strchr(question, 'f') && strchr(question, 'n'), "%s", question);
    }
    pasted_drop(&p);
    cr_expect_str_eq(pasted_first(&p), "three\nfour\nfive", "a second paste drops no first one, nor the reverse");
    pasted_dispose(&p);
    cr_expect_null(pasted_first(&p));
}

Test(pasted, a_preview_is_short_and_says_what_it_leaves_out)
{
    static const struct {
        const char *text, *want;
    } row[] = {
        {"a\nb", "pasted:\na\nb"},
        {"1\n2\n3\n4\n5\n6", "pasted:\n1\n2\n3\n4\n5\n6"},
        {"1\n2\n3\n4\n5\n6\n7\n8", "pasted:\n1\n2\n3\n4\n5\n6\n... 2 more"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct pasted p = {0};

        cr_assert(pasted_add(&p, strdup(row[i].text)));
        char *preview = pasted_preview(&p);
        cr_expect_str_eq(preview, row[i].want, "row %zu", i);
        free(preview);
        pasted_dispose(&p);
    }
}

Test(pasted, a_file_is_there_as_long_as_the_conversation)
{
    struct pasted p = {0};
    char path[PASTED_PATH_BYTES], error[PASTED_ERROR_BYTES] = "", text[16] = "";
    struct stat st;

    cr_assert(pasted_add(&p, strdup("one\ntwo")));
    cr_assert_eq(pasted_write(&p, path, error), 0, "%s", error);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_expect_eq(fread(text, 1, sizeof(text) - 1, file), 8);
    fclose(file);
    cr_expect_str_eq(text, "one\ntwo\n");
    pasted_dispose(&p);
    cr_expect_neq(stat(path, &st), 0, "nothing stays");
    *strrchr(path, '/') = '\0';
    cr_expect_neq(stat(path, &st), 0, "nor its directory");

    setenv("TMPDIR", "/dev/null", 1);
    cr_assert(pasted_add(&p, strdup("one\ntwo")));
    cr_expect_eq(pasted_write(&p, path, error), -1);
    cr_expect(strstr(error, "Not a directory") != NULL, "%s", error);
    pasted_dispose(&p);
}
