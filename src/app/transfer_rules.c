/*
 * transfer_rules: the table is its own drawing.  One row a state, one letter an
 * event:   d do   . ignore   ! violation   # our bug
 *
 * Reading the less obvious ones:
 *   - STOPPED and RESET only quiet the bulk stream; the FAILED or CANCEL that says why follows on the control
 *     stream, which is reliable.  Before ACCEPT there is no bulk stream to speak of, so they are ignored there.
 *   - REFUSE and FAILED never both apply: the receiver says REFUSE until it said ACCEPT, FAILED from then on.
 *   - A cancel that meets COMMITTING is too late: every byte is here and the disk is renaming.  The same for the
 *     end of the session: the file is kept, only its sender never learns.
 *   - ENDED: the peer and the disk may not have heard yet, so everything is merely late.  RELEASED still counts.
 *   - The lookup by direction keeps a sender's events from a receiver's transfer, hence '#' across the halves;
 *     disk results come from our own disk thread, hence '#' for those nobody asked for.
 */
#include "app/transfer_rules.h"

#include <assert.h>

/* clang-format off */
static const char rules[TRANSFER_STATES][TRANSFER_EVENTS + 1] = {
    /*                         O R D C W C   A R C F S R   D C E F R   user   G
     *                         p e i r r o   c e o a t e   i a x i e   a r c  o
     *                         e a g e o m   c f m i o l   g n t n s   c e a  n
     *                         n d s a t m   e u p l p e   e c e i e   c j n  e
     *                         e   t t e i   p s l e p a   s e n s t   e e c     */
    [TRANSFER_OPENING] =      "d#####" /**/ "!!!!.." /**/ "#####" /**/ "..d" "d",
    [TRANSFER_OFFERED] =      "######" /**/ "dd!!.." /**/ "#####" /**/ "..d" "d",
    [TRANSFER_SENDING] =      "#d####" /**/ "!!!ddd" /**/ "#####" /**/ "..d" "d",
    [TRANSFER_DIGESTING] =    "##d###" /**/ "!!!ddd" /**/ "#####" /**/ "..d" "d",
    [TRANSFER_CONFIRMING] =   "######" /**/ "!!dddd" /**/ "#####" /**/ "..d" "d",
    [TRANSFER_ASKED] =        "######" /**/ "######" /**/ "!d..." /**/ "ddd" "d",
    [TRANSFER_CREATING] =     "###d##" /**/ "######" /**/ "!d..." /**/ "..d" "d",
    [TRANSFER_QUEUED] =       "######" /**/ "######" /**/ "!d..." /**/ "..d" "d",
    [TRANSFER_RECEIVING] =    "####d#" /**/ "######" /**/ "ddddd" /**/ "..d" "d",
    [TRANSFER_COMMITTING] =   "#####d" /**/ "######" /**/ "!...." /**/ "..." ".",
    [TRANSFER_ENDED] =        "......" /**/ ".....d" /**/ "....." /**/ "..." ".",
};
/* clang-format on */

enum transfer_rule transfer_rule(enum transfer_state state, enum transfer_event event)
{
    switch (rules[state][event]) {
    case 'd':
        return RULE_DO;
    case '.':
        return RULE_IGNORE;
    case '!':
        return RULE_VIOLATION;
    }
    assert(rules[state][event] == '#');
    return RULE_BUG;
}
