#include "cli/subcommand.h"

const struct subcommand *const subcommands[] = {
    &subcommand_chat, &subcommand_send, &subcommand_recv, &subcommand_ask, &subcommand_id,
};
const size_t subcommand_count = sizeof(subcommands) / sizeof(subcommands[0]);
