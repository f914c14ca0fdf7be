/*
 * endpoint_update: what follows whatever happened to a connection.  Every operation of the endpoint
 * ends here, once for each connection it touched.
 */
#include "conn/attempt.h"

void endpoint_update(struct endpoint *e, struct conn *c, duet_time now)
{
    if (c->attempt != NULL)
        attempt_look(e, c);
    endpoint_refresh(e, c, now);
}
