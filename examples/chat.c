/* A chat: waits for peers, or calls one.  What you type goes to everybody; keys are trusted when they are new.
 *     cc chat.c $(pkg-config --cflags --libs duet) -o chat        ./chat [HOST[:PORT]] */
#include <duet/duet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char *argv[])
{
    struct duet_options options;
    struct duet_node *node;
    const struct duet_event *e;
    char error[DUET_ERROR_BYTES], address[DUET_ADDR_BYTES], line[4096];
    struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}}; /* stdin and the node */
    uint32_t said = 0;

    duet_options_init(&options, sizeof(options));
    options.trust = DUET_TRUST_NEW;
    options.port_is_a_wish = argc > 1;
    if (duet_node_new(&options, &node, error) != 0 || (argc > 1 && duet_dial(node, 1, argv[1], error) != 0)) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    setvbuf(stdin, NULL, _IONBF, 0); /* poll does not see what stdio holds */
    for (fds[1].fd = duet_fd(node); poll(fds, 2, -1) > 0;) {
        while (duet_next(node, &e) == 1) {
            if (e->type == DUET_EVENT_LISTENING)
                fprintf(stderr, "listening on %s\n", duet_addr_text(e->addr, address));
            if (e->type == DUET_EVENT_CONNECTED)
                fprintf(stderr, "connected\n");
            if (e->type == DUET_EVENT_TEXT) {
                for (size_t i = 0; i < e->text_bytes; i++) /* a terminal obeys control characters */
                    putchar((unsigned char)e->text[i] < ' ' ? ' ' : e->text[i]);
                putchar('\n');
                fflush(stdout);
            } else if (e->text != NULL) {
                fprintf(stderr, "%s %s\n", duet_event_name(e->type), e->text);
            }
        }
        if (fds[0].revents == 0)
            continue;
        if (fgets(line, sizeof(line), stdin) == NULL)
            break;
        duet_say(node, DUET_EVERYBODY, ++said, line, strcspn(line, "\n"));
    }
    duet_quit(node, false);
    while (duet_wait(node, 5000, &e) == 1)
        continue;
    duet_node_free(node);
    return 0;
}
