/* Takes one file from whoever sends it, into the directory named, and prints its path. */
#include <duet/duet.h>
#include <stdio.h>

int main(int argc, char *argv[])
{
    struct duet_options options;
    struct duet_node *node;
    const struct duet_event *e;
    char error[DUET_ERROR_BYTES], address[DUET_ADDR_BYTES];
    int code = 1;

    duet_options_init(&options, sizeof(options));
    options.trust = DUET_TRUST_NEW;
    options.port = 0;
    options.receive_files = options.accept_offers = true;
    options.out_dir = argc > 1 ? argv[1] : ".";
    if (duet_node_new(&options, &node, error) != 0) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    while (duet_wait(node, -1, &e) == 1) {
        if (e->type == DUET_EVENT_LISTENING)
            fprintf(stderr, "listening on %s\n", duet_addr_text(e->addr, address));
        if (e->type == DUET_EVENT_RECEIVED) {
            puts(e->text);
            code = 0;
        }
        if (e->type == DUET_EVENT_LEFT || e->type == DUET_EVENT_LOST)
            break;
    }
    duet_node_free(node);
    return code;
}
