#include "unit.h"

#include "cli/oneshot.h"

static struct oneshot j; /* large */

Test(oneshot, names_the_speaker_on_every_line_of_a_text, .init = cr_redirect_stderr)
{
    char text[] = "hi\nduet: connection lost\n";
    struct roster_peer *p = roster_add_peer(&j.roster, 1, &(struct duet_addr){0});

    snprintf(p->name, sizeof p->name, "eve");
    oneshot_on_text(&j, &(struct duet_event){.type = DUET_EVENT_TEXT, .peer = 1, .text = text});
    fflush(stderr);
    cr_assert_stderr_eq_str("<eve> hi\n<eve> duet: connection lost\n<eve> \n");
}
