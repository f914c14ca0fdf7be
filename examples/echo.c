/* Whoever says something hears it again.
 *     cc echo.c $(pkg-config --cflags --libs duet) -o echo        ./echo [PORT] */
#include <duet/duet.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
    struct duet_options options;
    struct duet_node *node;
    const struct duet_event *e;
    char error[DUET_ERROR_BYTES], address[DUET_ADDR_BYTES];

    duet_options_init(&options, sizeof(options));
    options.trust = DUET_TRUST_NEW;
    options.serve = true; /* also "duet ask" */
    if (argc > 1)
        options.port = (uint16_t)atoi(argv[1]);
    if (duet_node_new(&options, &node, error) != 0) {
        fprintf(stderr, "echo: %s\n", error);
        return 1;
    }
    while (duet_wait(node, -1, &e) == 1) {
        if (e->type == DUET_EVENT_LISTENING)
            fprintf(stderr, "listening on %s\n", duet_addr_text(e->addr, address));
        if (e->type == DUET_EVENT_TEXT)
            duet_say(node, e->peer, 1, e->text, e->text_bytes);
    }
    duet_node_free(node);
    return 0;
}
