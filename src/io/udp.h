/*
 * udp: the one UDP socket: trains of datagrams out, and in.
 *
 * Out: a train leaves as one UDP_SEGMENT message where the kernel can, else
 * through sendmmsg.  In: UDP_GRO lets the kernel hand over whole trains;
 * without it each is a single datagram.
 * Packets are never fragmented (IP_PMTUDISC_PROBE): too big is lost, and the
 * path MTU is the core's to find.  They leave from the local address their envelope
 * names, and what comes in says which one it was sent to (IP_PKTINFO).  ICMP errors are advisory: anyone can forge
 * them, so they cost no packet and the one thing heard of them, on request, is who says that nobody listens there.
 *
 * One thread at a time; no allocation after udp_open.
 */
#ifndef DUET_IO_UDP_H
#define DUET_IO_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "io/udpsock.h"

#define UDP_TRAIN_BYTES 65507     /* longest train: what one IPv4 datagram may carry */
#define UDP_TRAIN_SEGMENTS 64     /* UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT */
#define UDP_BUFFER_BYTES 65536    /* one receive buffer: the longest train GRO makes */
#define UDP_BUFFERS 32            /* most filled by one udp_recv … */
#define UDP_BUFFERS_LEAST 2       /* … and least, if there is enough; in between so many as hold UDP_BATCH_BYTES: */
#define UDP_BATCH_BYTES 262144    /* half of a usual second-level cache: what came last is still there when opened */
#define UDP_ERRORS 64             /* most reports that one udp_refusal looks at */
#define UDP_GSO_PAUSE_TRAINS 4096 /* after UDP_SEGMENT failed it is tried again after so many trains */

/* Datagrams of one sender that came together, as the kernel joined them: all of `segment` bytes, the last may be
 * shorter; a single one is as long as its segment. */
struct udp_train {
    struct envelope outside; /* from whom, and to which address of ours */
    uint8_t *bytes;          /* valid until the next udp_recv; may be written to */
    size_t len;
    size_t segment;
};

struct udp_counters {
    uint64_t sent_trains, sent_segments, refused_segments; /* refused: the kernel said no; for the core they are lost */
    uint64_t gso_failures;
    uint64_t received_trains, received_datagrams, receive_errors;
    uint64_t overflowed;   /* dropped by the kernel because the receive buffer was full (32 bits, wraps) */
    uint32_t rcvbuf_bytes; /* what SO_RCVBUF says we got */
};

struct udp;

/* Opens and binds.  0; DUET_EINVAL (bind is no address of that family), DUET_ENOMEM, DUET_ESYS (errno in *sys);
 * a line for the user in error. */
int udp_open(const struct udp_config *cfg, struct udp **out, char error[UDP_ERROR_BYTES], int *sys);
void udp_close(struct udp *u); /* NULL is fine */

int udp_fd(const struct udp *u);
void udp_local(const struct udp *u, struct duet_addr *out); /* bound address and port */

/* Sends `len` bytes as datagrams of `segment` bytes, the last may be shorter, from the local address the route names.
 * Bytes done with, always whole datagrams: fewer than len mean that the socket
 * buffer is full and the rest wants to be sent when the socket is writable. */
size_t udp_send(struct udp *u, const struct envelope *outside, const uint8_t *bytes, size_t len, size_t segment);

/* Fills the buffers with what has arrived, without waiting; only when udp_next gave false.
 * Buffers filled, 0: nothing there. */
size_t udp_recv(struct udp *u);
/* The next train of those buffers; false: that was all. */
bool udp_next(struct udp *u, struct udp_train *out);

/* Why the kernel refused what udp_send tried last, as often as it does; 0: it did not. */
int udp_refused(struct udp *u);

/* The same, each errno once in the life of the socket, for one line to the user; 0: no news. */
int udp_send_error(struct udp *u);

/* Size of a datagram that the last udp_send could not send because the interface takes none so large, once (0:
 * none). */
size_t udp_too_big(struct udp *u);

/* Lets udp_refusal hear of ICMP errors, from now on, or no more. */
void udp_hear_refusals(struct udp *u, bool on);
/* The next address at which, says an unauthenticated ICMP error, nobody listens.  false: none for now. */
bool udp_refusal(struct udp *u, struct duet_addr *at);

/* The local address that the last udp_send could not send from, because it is not this machine's
 * any more, and sent from one of the kernel's choice; true once. */
bool udp_local_gone(struct udp *u, struct duet_addr *out);

struct udp_counters udp_counters(const struct udp *u);

#endif
