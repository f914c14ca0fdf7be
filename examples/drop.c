/* A place to drop files.  With a directory it takes whatever anybody sends; with files and a host it sends them there.
 *     cc drop.c $(pkg-config --cflags --libs duet) -o drop        ./drop DIR        ./drop HOST[:PORT] FILE... */
#include <duet/duet.h>
#include <stdio.h>

static int fail(const char *words)
{
    fprintf(stderr, "drop: %s\n", words);
    return 1;
}

static int receive(struct duet_node *node)
{
    const struct duet_event *e;
    char address[DUET_ADDR_BYTES];

    while (duet_wait(node, -1, &e) == 1) {
        if (e->type == DUET_EVENT_LISTENING)
            fprintf(stderr, "listening on %s\n", duet_addr_text(e->addr, address));
        if (e->type == DUET_EVENT_RECEIVED) {
            puts(e->text);
            fflush(stdout);
        }
        if (e->type == DUET_EVENT_TRANSFER_FAILED)
            fprintf(stderr, "drop: %s\n", e->text);
    }
    return 0;
}

static int send_all(struct duet_node *node, char *files[])
{
    const struct duet_event *e;
    int left = 0, failed = 0;

    while (duet_wait(node, -1, &e) == 1) {
        if (e->type == DUET_EVENT_CONNECTED && !e->takes_files)
            return fail("it takes no files");
        if (e->type == DUET_EVENT_CONNECTED)
            for (; files[left] != NULL; left++)
                if (duet_send_file(node, e->peer, (uint32_t)left + 1, files[left]) != 0)
                    return fail("cannot send");
        if (e->type == DUET_EVENT_FAILED || e->type == DUET_EVENT_LOST || e->type == DUET_EVENT_LEFT)
            return fail(e->text != NULL ? e->text : "it left");
        if (e->type == DUET_EVENT_KEY && e->err != 0)
            return fail(e->text);
        if (e->type == DUET_EVENT_TRANSFER_FAILED)
            failed = fail(e->text);
        if ((e->type == DUET_EVENT_SENT || e->type == DUET_EVENT_TRANSFER_FAILED) && --left == 0)
            return failed;
    }
    return 1;
}

int main(int argc, char *argv[])
{
    struct duet_options options;
    struct duet_node *node;
    char error[DUET_ERROR_BYTES];

    if (argc < 2)
        return fail("DIR, or HOST[:PORT] FILE...");
    duet_options_init(&options, sizeof(options));
    options.trust = DUET_TRUST_NEW;
    options.receive_files = options.accept_offers = argc == 2;
    options.out_dir = argc == 2 ? argv[1] : NULL;
    options.port_is_a_wish = options.refuse_calls = argc > 2;
    if (duet_node_new(&options, &node, error) != 0 || (argc > 2 && duet_dial(node, 1, argv[1], error) != 0))
        return fail(error);
    const int code = argc == 2 ? receive(node) : send_all(node, argv + 2);

    duet_node_free(node);
    return code;
}
