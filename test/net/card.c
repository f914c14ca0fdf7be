#include "card.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    IPV4_LENGTH_AT = 2,
    IPV4_ID_AT = 4,
    IPV4_CHECKSUM_AT = 10,
    IPV6_LENGTH_AT = 4,
    IPV6_HEADER = 40,
    UDP_HEADER = 8,
    UDP_LENGTH_AT = 4,
    TCP_HEADER_MIN = 20,
    TCP_SEQUENCE_AT = 4,
    TCP_OFFSET_AT = 12,
    TCP_FLAGS_AT = 13,
    TCP_FIN = 0x01,
    TCP_PSH = 0x08,
    HEADERS_MAX = 256, /* IPv6 with some extensions, and TCP with all options */
};

/* Where things begin in a packet that is part of a train. */
struct layout {
    size_t transport, payload;
    bool v4, tcp;
};

static uint32_t get16(const uint8_t *b)
{
    return (uint32_t)b[0] << 8 | b[1];
}

static void put16(uint8_t *b, uint32_t v)
{
    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static void add32(uint8_t *b, uint32_t by)
{
    uint32_t v = (get16(b) << 16 | get16(b + 2)) + by;
    put16(b, v >> 16);
    put16(b + 2, v);
}

/* The kernel says where the transport's header is: where its checksum starts.  False if it makes no sense. */
static bool lay_out(const struct virtio_net_hdr *how, const uint8_t *packet, size_t len, struct layout *at)
{
    *at = (struct layout){
        .transport = how->csum_start,
        .v4 = packet[0] >> 4 == 4,
        .tcp = how->gso_type == VIRTIO_NET_HDR_GSO_TCPV4 || how->gso_type == VIRTIO_NET_HDR_GSO_TCPV6,
    };
    size_t least = at->transport + (at->tcp ? (size_t)TCP_HEADER_MIN : UDP_HEADER);
    if (!(how->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || how->gso_size == 0 || least > len)
        return false;
    at->payload = at->transport + (at->tcp ? (size_t)(packet[at->transport + TCP_OFFSET_AT] >> 4) * 4 : UDP_HEADER);
    return at->payload <= HEADERS_MAX && at->payload < len;
}

/* RFC 1071, over the header alone. */
static void sum_ipv4(uint8_t *ip, size_t header)
{
    uint32_t sum = 0;
    put16(ip + IPV4_CHECKSUM_AT, 0);
    for (size_t i = 0; i < header; i += 2)
        sum += get16(ip + i);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + IPV4_CHECKSUM_AT, ~(sum + (sum >> 16)));
}

/* Make the headers say that the packet is so long. */
static void set_length(uint8_t *headers, const struct layout *at, size_t len)
{
    if (at->v4) {
        put16(headers + IPV4_LENGTH_AT, (uint32_t)len);
        sum_ipv4(headers, (size_t)(headers[0] & 15) * 4);
    } else {
        put16(headers + IPV6_LENGTH_AT, (uint32_t)(len - IPV6_HEADER));
    }
    if (!at->tcp)
        put16(headers + at->transport + UDP_LENGTH_AT, (uint32_t)(len - at->transport));
}

/* The headers of the packet at `place`, from those of the train. */
static void set_place(uint8_t *headers, const struct layout *at, uint32_t place, size_t before, bool last)
{
    if (at->v4)
        put16(headers + IPV4_ID_AT, get16(headers + IPV4_ID_AT) + place);
    if (!at->tcp)
        return;
    uint8_t *tcp = headers + at->transport;
    add32(tcp + TCP_SEQUENCE_AT, (uint32_t)before);
    if (!last)
        tcp[TCP_FLAGS_AT] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

/* Each packet is made where its payload is: its headers take the place of what was pushed before. */
static void cut(const struct virtio_net_hdr *how, const struct layout *at, uint8_t *train, size_t len,
                struct link *into, uint64_t now_ns)
{
    struct link_origin origin = {.how = *how, .train = link_next_train(into)};
    uint8_t headers[HEADERS_MAX];
    memcpy(headers, train, at->payload);
    for (size_t done = 0, all = len - at->payload; done < all; done += how->gso_size, origin.place++) {
        size_t payload = all - done < how->gso_size ? all - done : how->gso_size;
        uint8_t *packet = train + done;
        memcpy(packet, headers, at->payload);
        set_place(packet, at, origin.place, done, done + payload == all);
        set_length(packet, at, at->payload + payload);
        link_push(into, &origin, packet, at->payload + payload, now_ns);
    }
}

static bool is_multicast(const uint8_t *packet, size_t len)
{
    if (len >= IPV6_HEADER && packet[0] >> 4 == 6)
        return packet[24] == 0xff;
    return len >= 20 && packet[0] >> 4 == 4 && packet[16] >= 224;
}

bool card_receive(int fd, struct link *into, uint64_t now_ns)
{
    static uint8_t frame[CARD_FRAME_MAX];
    struct link_origin alone = {.train = 0};
    struct layout at;
    ssize_t n = read(fd, frame, sizeof frame);
    if (n <= (ssize_t)sizeof alone.how)
        return false;
    uint8_t *packet = frame + sizeof alone.how;
    size_t len = (size_t)n - sizeof alone.how;
    memcpy(&alone.how, frame, sizeof alone.how);
    if (is_multicast(packet, len))
        return true;
    if (alone.how.gso_type == VIRTIO_NET_HDR_GSO_NONE)
        link_push(into, &alone, packet, len, now_ns);
    else if (lay_out(&alone.how, packet, len, &at))
        cut(&alone.how, &at, packet, len, into, now_ns);
    else
        into->stats.not_understood++;
    return true;
}

bool card_joins(const struct link_packet *before, const struct link_packet *next)
{
    return next->origin.train != 0 && next->origin.train == before->origin.train &&
           next->origin.place == before->origin.place + 1;
}

bool card_deliver(int fd, struct link_packet *const *packets, size_t count)
{
    struct link_packet *first = packets[0];
    struct virtio_net_hdr how = first->origin.how;
    struct iovec parts[2 + CARD_JOIN_MAX] = {{&how, sizeof how}, {first->bytes, first->len}};
    size_t used = 2, total = sizeof how + first->len;
    if (count == 1) {
        how.gso_type = VIRTIO_NET_HDR_GSO_NONE;
        how.gso_size = how.hdr_len = 0;
    } else {
        struct layout at;
        const struct link_packet *last = packets[count - 1];
        if (!lay_out(&how, first->bytes, first->len, &at))
            return false;
        for (size_t i = 1; i < count; i++) {
            parts[used++] = (struct iovec){packets[i]->bytes + at.payload, packets[i]->len - at.payload};
            total += packets[i]->len - at.payload;
        }
        how.hdr_len = (uint16_t)at.payload;
        if (at.tcp)
            first->bytes[at.transport + TCP_FLAGS_AT] |= last->bytes[at.transport + TCP_FLAGS_AT] & (TCP_FIN | TCP_PSH);
        set_length(first->bytes, &at, total - sizeof how);
    }
    return writev(fd, parts, (int)used) == (ssize_t)total;
}
