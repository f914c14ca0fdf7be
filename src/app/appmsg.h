/*
 * appmsg: the application messages on the two ordered streams, and their codec
 * (PROTOCOL.md §8 quotes this drawing).
 *
 *    0               4      5
 *   +---------------+------+----------------------+
 *   | payload bytes | type | payload …            |      big-endian; v = varint (RFC 9000 §16)
 *   +---------------+------+----------------------+
 *
 *   control stream
 *   0x01 HELLO      flags 8 ‖ anything (later versions)           first message of each side, exactly once
 *   0x11 DELIVERED  text id 4                                     it and all texts before it reached the user
 *   0x20 OFFER      transfer 4 ‖ stream v ‖ entries v ‖ entry…    sender → receiver
 *          entry:   bytes v ‖ kind 1 ‖ size v ‖ name bytes v ‖ name ‖ anything (metadata of later versions)
 *   0x21 ACCEPT     transfer 4 ‖ extents v ‖ { offset v ‖ length v }…     receiver → sender: what it wants
 *   0x22 REFUSE     transfer 4 ‖ code v ‖ reason                  receiver → sender, instead of ACCEPT
 *   0x23 DIGEST     transfer 4 ‖ XXH3-128 16                      sender → receiver, after the last byte was read
 *   0x24 COMPLETE   transfer 4                                    receiver → sender: verified, synced, renamed
 *   0x25 FAILED     transfer 4 ‖ code v ‖ reason                  receiver → sender, after ACCEPT
 *   0x26 CANCEL     transfer 4 ‖ code v ‖ reason                  sender → receiver, any time after OFFER
 *   0x30 ASK        id 4 ‖ command bytes v ‖ command ‖ argument
 *   0x31 ANSWER     id 4 ‖ ok 1 ‖ text
 *   chat stream
 *   0x10 TEXT       text id 4 ‖ flags 1 (bit 0: last part) ‖ bytes        parts of one text follow each other
 *
 * Transfers carry the number their sender gave them; each sender's numbers and
 * streams only rise within a session, so a message about a transfer that is
 * over is told from one about a transfer that never was.
 * Types from 0x80 on are optional: who does not know one skips it.  Any other
 * unknown type, a wrong length or a value out of bounds is DUET_EMALFORMED,
 * and the session ends with CLOSE_PROTOCOL.
 *
 * A parsed message points into the payload.  Pure functions; any thread.
 */
#ifndef DUET_APP_APPMSG_H
#define DUET_APP_APPMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/digest.h"

#define APPMSG_HEADER_BYTES 5
#define APPMSG_PART_BYTES (16 * 1024) /* text in one TEXT */
#define APPMSG_ASK_BYTES (16 * 1024)  /* argument of one ASK */
#define APPMSG_COMMAND_BYTES 32
#define APPMSG_ANSWER_BYTES (64 * 1024) /* text of one ANSWER */
#define APPMSG_NAME_BYTES 1024          /* name in an OFFER, before text_file_name */
#define APPMSG_FIELDS_BYTES 64          /* more than the fixed fields of any message take */
#define APPMSG_PAYLOAD_BYTES (APPMSG_ANSWER_BYTES + APPMSG_FIELDS_BYTES) /* of any message */

enum appmsg_type {
    APPMSG_HELLO = 0x01,
    APPMSG_TEXT = 0x10,
    APPMSG_DELIVERED = 0x11,
    APPMSG_OFFER = 0x20,
    APPMSG_ACCEPT = 0x21,
    APPMSG_REFUSE = 0x22,
    APPMSG_DIGEST = 0x23,
    APPMSG_COMPLETE = 0x24,
    APPMSG_FAILED = 0x25,
    APPMSG_CANCEL = 0x26,
    APPMSG_ASK = 0x30,
    APPMSG_ANSWER = 0x31,
};
#define APPMSG_OPTIONAL 0x80 /* types from here on may be skipped */

/* Flags of HELLO; unknown ones are ignored. */
#define HELLO_TAKES_FILES UINT64_C(1)
#define HELLO_SERVES UINT64_C(2)

/* Kinds of an entry; a receiver refuses those it does not know. */
#define ENTRY_FILE 0

/* Why a transfer came to nothing: in REFUSE, FAILED, CANCEL and as the code of a stream's reset or stop. */
#define TRANSFER_CODE_LIST(X)                                                    \
    X(WHY_CANCELLED, 1, DUET_ECANCELLED, "cancelled")                            \
    X(WHY_REJECTED, 2, DUET_EREFUSED, "not wanted")                              \
    X(WHY_NO_FILES, 3, DUET_EREFUSED, "does not accept files")                   \
    X(WHY_UNSUPPORTED, 4, DUET_EREFUSED, "this kind of offer is not supported")  \
    X(WHY_NAME, 5, DUET_EREFUSED, "the name is not acceptable")                  \
    X(WHY_BUSY, 6, DUET_EFULL, "too many transfers at once")                     \
    X(WHY_DISK, 7, DUET_ESYS, "file error")                                      \
    X(WHY_INTEGRITY, 8, DUET_EINTEGRITY, "contents do not match their checksum") \
    X(WHY_MEMORY, 9, DUET_ENOMEM, "out of memory")                               \
    X(WHY_LEAVING, 10, DUET_EREFUSED, "about to leave")                          \
    X(WHY_STILL, 11, DUET_ETIMEOUT, "no data arrived while others were waiting")
enum transfer_code {
#define X(name, value, err, words) name = value,
    TRANSFER_CODE_LIST(X)
#undef X
};
const char *transfer_code_text(uint64_t code); /* "unknown reason" for an unknown one */
int transfer_code_err(uint64_t code);          /* DUET_EREFUSED for an unknown one */

struct appmsg_entry {
    uint8_t kind;
    uint64_t size;
    const char *name; /* as sent: text_file_name judges it */
    size_t name_len;
};

struct appmsg_extent {
    uint64_t offset, len;
};

struct appmsg {
    enum appmsg_type type;
    uint32_t id; /* text, transfer or ask */
    union {
        uint64_t hello_flags;
        struct {
            bool last;
            const uint8_t *bytes;
            size_t len;
        } part; /* TEXT */
        struct {
            uint64_t stream, entry_count;
            struct appmsg_entry first;
        } offer;
        struct {
            uint64_t extent_count;
            struct appmsg_extent first;
        } accept;
        struct {
            uint64_t code;
            const char *reason;
            size_t reason_len;
        } end; /* REFUSE, FAILED, CANCEL */
        uint8_t digest[DIGEST_BYTES];
        struct {
            const char *command;
            size_t command_len;
            const char *arg;
            size_t arg_len;
        } ask;
        struct {
            bool ok;
            const char *text;
            size_t len;
        } answer;
    };
};

/* 0; DUET_EMALFORMED; DUET_EUNSUPPORTED: an optional type unknown here, to be skipped. */
int appmsg_parse(struct appmsg *m, uint8_t type, const uint8_t *payload, size_t len);

/* Most bytes appmsg_write can need for m, header included. */
size_t appmsg_bound(const struct appmsg *m);

/* Header and payload of a message of ours (one entry, one extent); bytes written; DUET_ERANGE: cap or a bound. */
ssize_t appmsg_write(const struct appmsg *m, uint8_t *out, size_t cap);

#endif
