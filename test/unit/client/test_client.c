#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "client/client.h"

Test(client, takes_a_folder_it_can_write_to_and_nothing_else)
{
    char dir[] = "/tmp/duet-program.XXXXXX";

    cr_assert_not_null(mkdtemp(dir));
    cr_expect_eq(client_check_dir(dir), EXIT_DONE);
    rmdir(dir);
    cr_expect_eq(client_check_dir(dir), EXIT_FILE);
    cr_expect_eq(client_check_dir("/dev/null"), EXIT_FILE);
    cr_expect_eq(client_check_dir(""), EXIT_FILE);
}
