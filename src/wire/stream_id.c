#include "wire/stream_id.h"

#define OPENER 1u
#define BULK 2u
#define PRIORITY_SHIFT 2
#define PRIORITY_MASK 3u
#define APP_SHIFT 4
#define BULK_SHIFT 2

static uint64_t opener_bit(bool by_initiator)
{
    return by_initiator ? 0 : OPENER;
}

uint64_t stream_id_app(bool by_initiator, enum stream_priority priority, uint64_t index)
{
    return index << APP_SHIFT | (uint64_t)priority << PRIORITY_SHIFT | opener_bit(by_initiator);
}

uint64_t stream_id_bulk(bool by_initiator, uint64_t index)
{
    return index << BULK_SHIFT | BULK | opener_bit(by_initiator);
}

bool stream_id_is_ordered(uint64_t id)
{
    return (id & BULK) == 0;
}

bool stream_id_is_app(uint64_t id)
{
    return stream_id_is_ordered(id) && id >> APP_SHIFT != 0 && (id >> PRIORITY_SHIFT & PRIORITY_MASK) != 0;
}

enum stream_priority stream_id_priority(uint64_t id)
{
    return (enum stream_priority)(id >> PRIORITY_SHIFT & PRIORITY_MASK);
}

uint64_t stream_id_app_index(uint64_t id)
{
    return id >> APP_SHIFT;
}

bool stream_id_is_bulk_of(uint64_t id, bool by_initiator)
{
    return (id & (BULK | OPENER)) == (BULK | opener_bit(by_initiator));
}

uint64_t stream_id_bulk_index(uint64_t id)
{
    return id >> BULK_SHIFT;
}

bool stream_id_is_by_initiator(uint64_t id)
{
    return (id & OPENER) == 0;
}
