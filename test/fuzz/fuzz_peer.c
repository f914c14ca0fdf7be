/*
 * A trusted peer that is hostile: it has the keys, so whatever it says is authentic.  The victim is all that stands
 * behind the keys: endpoint, hub, and the real disk code in a directory of its own.  An honest peer is connected
 * meanwhile.
 *
 * Input: steps, each an op and its arguments (enum op).  After them, whatever they were: the honest peer's text reaches
 * the victim's user within HONEST_WITHIN_US of virtual time, its memory stayed below VICTIM_MAX_BYTES, nothing outside
 * the directory of received files was touched, and in it is no part file.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "app/appmsg.h"
#include "app/channel.h"
#include "app/hub.h"
#include "base/bytes.h"
#include "conn/endpoint_state.h"
#include "io/disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* AddressSanitizer's. */
size_t __sanitizer_get_current_allocated_bytes(void);

enum { VICTIM, HOSTILE, HONEST, SIDES };

enum op {
    OP_FRAMES,  /* len u8 × 4, that many bytes: one authentic packet with these for frames */
    OP_CONTROL, /* type u8, len u8, payload: an application message */
    OP_CHAT,    /* the same on the chat stream */
    OP_BYTES,   /* stream u8 (control, chat), len u8, bytes as they are */
    OP_TIME,    /* u8: 1 ms × 2^(u8 % 15) go by */
    OP_OFFER,   /* a u8, len u8 % 64, name: an offer of a × a × 16 bytes, which are supplied at once */
    OP_DIGEST,  /* which u8: the honest digest of that offer */
    OP_ACCEPT,  /* which u8: accepts that file of the victim, as an honest peer would */
    OP_USER,    /* u8: what the victim's user does (on_user) */
    OP_AGAIN,   /* closes and connects anew, with the same key */
    OP_DEAF,    /* u8: from now on the hostile one reads what it is sent, or not */
    OP_STREAM, /* a u8, len u8: of its a % 8th stream (opened, if it was not) 64 × len bytes; 0x80: the end, 0x40: given
                 * up, 0x20: no more wanted of the victim's */
    OP_DATAGRAM, /* a u8: of 4 × a bytes */
    OP_COUNT
};

#define FILES 16
#define STREAMS 8
#define FILE_MAX_BYTES (255 * 255 * 16)
#define SRC_BYTES 100000
#define WIRE_ROUNDS 60
#define STEPS_MAX 200
#define HONEST_WITHIN_US (10 * UINT64_C(1000000))
#define VICTIM_MAX_BYTES (64 << 20) /* with an honest peer and a hostile one */

static struct {
    struct endpoint *e[SIDES];
    conn_id conn[SIDES]; /* of each to the victim */
    conn_id peer[SIDES]; /* as the victim names them */
    struct duet_addr addr[SIDES];
    struct endpoint_config cfg[SIDES];
    struct hub *hub;
    struct disk *disk;
    struct channel in;    /* the hostile one's control stream */
    int64_t victim_bytes; /* what it has allocated and not freed */
    duet_time now;
    bool deaf, honest_heard;
    uint32_t transfers[FILES]; /* the victim's numbers of files it sends */
    size_t transfer_count;
    uint32_t offered[FILES];
    uint64_t offered_stream[FILES];
    size_t offered_count;
    uint64_t size[FILES];
    size_t own_count;
    uint64_t streams[STREAMS];
} w;

static uint8_t contents[FILE_MAX_BYTES];
/* In the home: received files, and a file to send; nothing else.  Absolute: libFuzzer's own paths may be relative. */
static char home[40], out_dir[48], src_path[48];

/* ---- directories ---- */

static void write_file(const char *name, const void *bytes, size_t len)
{
    const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

static size_t entries(const char *path, bool parts_only, bool remove)
{
    DIR *d = opendir(path);
    size_t count = 0;

    assert(d != NULL);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        count += !parts_only || strncmp(e->d_name, ".duet-part", strlen(".duet-part")) == 0;
        if (remove)
            assert(unlinkat(dirfd(d), e->d_name, 0) == 0);
    }
    closedir(d);
    return count;
}

static void remove_home(void)
{
    entries(out_dir, false, true);
    unlink(src_path);
    rmdir(out_dir);
    rmdir(home);
}

static void make_home(void)
{
    /* In memory, where there is that: a disk that is synced for each file takes far longer than all the rest. */
    strcpy(home, "/dev/shm/duet-fuzz-XXXXXX");
    if (mkdtemp(home) == NULL)
        strcpy(home, "/tmp/duet-fuzz-XXXXXX");
    assert(access(home, W_OK) == 0 || mkdtemp(home) != NULL);
    snprintf(out_dir, sizeof(out_dir), "%s/out", home);
    snprintf(src_path, sizeof(src_path), "%s/src", home);
    assert(mkdir(out_dir, 0700) == 0);
    for (size_t i = 0; i < sizeof(contents); i++)
        contents[i] = (uint8_t)(i * 7 + i / 251);
    write_file(src_path, contents, SRC_BYTES);
    atexit(remove_home);
}

static void check_home(void)
{
    static uint8_t src[SRC_BYTES + 1];
    const int fd = open(src_path, O_RDONLY | O_CLOEXEC);

    assert(fd >= 0 && read(fd, src, sizeof(src)) == SRC_BYTES && memcmp(src, contents, SRC_BYTES) == 0);
    close(fd);
    assert(entries(home, false, false) == 2);
    assert(entries(out_dir, true, false) == 0);
}

/* ---- the victim ---- */

/* What is allocated between these two is the victim's. */
static int64_t victim_begins(void)
{
    return (int64_t)__sanitizer_get_current_allocated_bytes();
}

static void victim_ends(int64_t began)
{
    w.victim_bytes += (int64_t)__sanitizer_get_current_allocated_bytes() - began;
    assert(w.victim_bytes < VICTIM_MAX_BYTES);
}

/* A text is copied: the copy is the victim's. */
static void victim_does(struct request r)
{
    const int64_t began = victim_begins();

    if (r.text != NULL)
        r.text = strdup(r.text);
    hub_handle(w.hub, &r, w.now);
    victim_ends(began);
}

/* Whatever comes of streams, datagrams and questions is sent back. */
static void echo_stream(const struct notice *m)
{
    const struct blob *b = m->data.blob;
    struct request consumed = {.type = REQUEST_STREAM_CONSUMED, .peer = m->peer, .consumed = {m->data.stream, b->len}};
    struct request write = {
        .type = REQUEST_STREAM_WRITE, .peer = m->peer, .write = {m->data.stream, blob_new(b->data, b->len)}};

    hub_handle(w.hub, &consumed, w.now);
    hub_handle(w.hub, &write, w.now);
}

static void answer_question(const struct notice *m)
{
    const struct question *q = m->asked.question;
    struct request reply = {.type = REQUEST_REPLY, .peer = m->peer};

    if (m->asked.ask % 2 != 0)
        return; /* its time goes by */
    reply.reply = (struct request_reply){m->asked.ask, true, blob_new((const uint8_t *)q->arg, q->len)};
    hub_handle(w.hub, &reply, w.now);
}

static void on_told(struct notice *m)
{
    switch (m->type) {
    case NOTICE_STREAM_DATA:
        echo_stream(m);
        break;
    case NOTICE_STREAM_ENDED:
    case NOTICE_STREAM_BROKEN:
        hub_handle(w.hub,
                   &(struct request){.type = REQUEST_STREAM_FINISH, .peer = m->peer, .stream = {m->stream.stream, 0}},
                   w.now);
        break;
    case NOTICE_DATAGRAM:
        hub_handle(w.hub,
                   &(struct request){.type = REQUEST_DATAGRAM,
                                     .peer = m->peer,
                                     .datagram = {blob_new(m->datagram.blob->data, m->datagram.blob->len)}},
                   w.now);
        break;
    case NOTICE_ASKED:
        answer_question(m);
        break;
    case NOTICE_PEER_KEY: {
        const int side =
            memcmp(m->peer_key.card->key, w.cfg[HONEST].identity.public, NOISE_KEY_BYTES) == 0 ? HONEST : HOSTILE;

        w.peer[side] = m->peer;
        hub_handle(w.hub, &(struct request){.type = REQUEST_TRUST, .peer = m->peer, .trust = {.yes = true}}, w.now);
        break;
    }
    case NOTICE_OFFER:
        hub_handle(w.hub, &(struct request){.type = REQUEST_ACCEPT, .transfer = {.id = m->offer.transfer}}, w.now);
        break;
    case NOTICE_SENDING:
        w.transfers[w.transfer_count++ % FILES] = m->sending.transfer;
        break;
    case NOTICE_TEXT:
        w.honest_heard = w.honest_heard || (m->peer == w.peer[HONEST] && strcmp(m->text, "honest") == 0);
        break;
    default:
        break;
    }
    notice_dispose(m);
}

static void victim_turn(void)
{
    const int64_t began = victim_begins();
    bool busy = true;

    for (int i = 0; busy && i < 1000; i++) {
        struct notice *next, m;
        const struct disk_job *next_job;

        busy = false;
        if (time_due(hub_deadline(w.hub), w.now))
            hub_tick(w.hub, w.now);
        hub_run(w.hub, w.now);
        while ((next = hub_next_ui(w.hub)) != NULL) {
            m = *next;
            hub_took_ui(w.hub);
            on_told(&m);
            busy = true;
        }
        while ((next_job = hub_next_disk(w.hub)) != NULL) {
            struct disk_job job = *next_job;
            struct disk_result done;

            hub_took_disk(w.hub);
            if (disk_handle(w.disk, &job, &done))
                hub_handle_disk(w.hub, &done, w.now);
            busy = true;
        }
    }
    victim_ends(began);
}

/* ---- the peers ---- */

static void on_hostile_hears(const struct channel_message *raw)
{
    struct appmsg m;

    if (appmsg_parse(&m, raw->type, raw->payload, raw->len) == 0 && m.type == APPMSG_OFFER) {
        w.offered[w.offered_count % FILES] = m.id;
        w.offered_stream[w.offered_count++ % FILES] = m.offer.stream;
    }
}

static void read_hostile(uint64_t stream)
{
    struct channel_message raw;
    uint8_t waste[4096];
    ssize_t got;
    size_t cap;

    if (w.deaf)
        return;
    do {
        uint8_t *space = stream == STREAM_CONTROL ? channel_space(&w.in, &cap) : waste;

        cap = stream == STREAM_CONTROL ? cap : sizeof(waste);
        got = endpoint_read(w.e[HOSTILE], w.conn[HOSTILE], stream, space, cap, w.now);
        if (stream != STREAM_CONTROL)
            continue;
        channel_filled(&w.in, got > 0 ? (size_t)got : 0);
        while (channel_next(&w.in, &raw) > 0)
            on_hostile_hears(&raw);
    } while (got > 0);
}

static void peer_events(int side)
{
    struct endpoint_event ev;
    uint8_t waste[4096];

    while (endpoint_poll(w.e[side], &ev)) {
        if (ev.type == EVENT_CONNECTED)
            w.conn[side] = ev.conn;
        if (ev.type == EVENT_READABLE && side == HOSTILE)
            read_hostile(ev.stream);
        if (ev.type == EVENT_READABLE && side == HONEST) {
            while (endpoint_read(w.e[side], ev.conn, ev.stream, waste, sizeof(waste), w.now) > 0) {
            }
        }
        if (ev.type == EVENT_EXTENT && !w.deaf)
            (void)endpoint_consumed(w.e[side], ev.conn, ev.stream, ev.extent.len, w.now);
    }
}

/* ---- the wire: nothing is lost and nothing takes time ---- */

static void events_of(int side)
{
    if (side == VICTIM)
        victim_turn();
    else
        peer_events(side);
}

static void give(int from, int to, uint8_t *bytes, size_t len, size_t segment)
{
    const struct envelope outside = {.route.peer = w.addr[from]};
    const int64_t began = victim_begins();

    (void)endpoint_recv(w.e[to], &outside, bytes, len, segment, w.now);
    if (to == VICTIM)
        victim_ends(began);
    events_of(to);
}

/* As endpoint_send. */
static ssize_t next_train(int side, struct envelope *outside, uint8_t *train, size_t cap, size_t *segment)
{
    const int64_t began = victim_begins();
    const ssize_t len = endpoint_send(w.e[side], outside, train, cap, segment, w.now);

    if (side == VICTIM)
        victim_ends(began);
    return len;
}

static void exchange(void)
{
    static uint8_t train[65536];
    bool busy = true;

    for (int i = 0; busy && i < WIRE_ROUNDS; i++) {
        busy = false;
        for (int side = 0; side < SIDES; side++) {
            struct envelope outside;
            size_t segment;
            ssize_t len;

            events_of(side);
            while ((len = next_train(side, &outside, train, sizeof(train), &segment)) > 0) {
                const int to = side != VICTIM                                      ? VICTIM
                               : addr_equal(&outside.route.peer, &w.addr[HOSTILE]) ? HOSTILE
                                                                                   : HONEST;

                give(side, to, train, (size_t)len, segment);
                busy = true;
            }
        }
    }
}

static void tick(int side)
{
    const int64_t began = victim_begins();

    if (time_due(endpoint_deadline(w.e[side]), w.now))
        endpoint_tick(w.e[side], w.now);
    if (side == VICTIM)
        victim_ends(began);
}

static void let_pass(uint64_t us)
{
    const duet_time until = time_add(w.now, us);

    /* In few steps however long: what waits for a timer in between gets it later. */
    for (int i = 0; i < STEPS_MAX && time_before(w.now, until); i++) {
        duet_time next = until;

        for (int side = 0; side < SIDES; side++)
            next = time_min(next, endpoint_deadline(w.e[side]));
        next = time_min(next, hub_deadline(w.hub));
        w.now = time_max(next, time_add(w.now, us / STEPS_MAX + 1));
        for (int side = 0; side < SIDES; side++)
            tick(side);
        exchange();
    }
}

/* ---- what the hostile one does ---- */

static void writes(int side, uint64_t stream, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t taken = endpoint_write(w.e[side], w.conn[side], stream, bytes, len, w.now);

        exchange();
        if (taken <= 0)
            return; /* it is over, or nobody reads */
        bytes += taken;
        len -= (size_t)taken;
    }
}

static void says(int side, const struct appmsg *m)
{
    static uint8_t bytes[APPMSG_PAYLOAD_BYTES + APPMSG_HEADER_BYTES];
    const ssize_t len = appmsg_write(m, bytes, sizeof(bytes));

    if (len > 0)
        writes(side, m->type == APPMSG_TEXT ? STREAM_CHAT : STREAM_CONTROL, bytes, (size_t)len);
}

static void sends_frames(const uint8_t *bytes, size_t len)
{
    uint8_t dgram[LIMIT_PACKET_MIN_BYTES];
    struct conn *c = idmap_get(&w.e[HOSTILE]->by_id, w.conn[HOSTILE]);

    if (c == NULL || c->keys == NULL || len > sizeof(dgram) - LIMIT_DATA_HEADER_BYTES - LIMIT_TAG_BYTES)
        return;
    const uint64_t number = c->next_number++;
    const int epoch = keys_send_epoch(c->keys, number, w.now);

    if (epoch < 0)
        return;
    packet_write_data_header(dgram, (uint8_t)epoch, c->peer_cid, number);
    if (len > 0)
        memcpy(dgram + LIMIT_DATA_HEADER_BYTES, bytes, len);
    if (keys_seal(c->keys, number, dgram, LIMIT_DATA_HEADER_BYTES, dgram + LIMIT_DATA_HEADER_BYTES, len, NULL, 0) != 0)
        return;
    len += LIMIT_DATA_HEADER_BYTES + LIMIT_TAG_BYTES;
    (void)loss_sent(&c->loss, number, (uint32_t)len, true, false, w.now);
    give(HOSTILE, VICTIM, dgram, len, len);
    exchange();
}

static void offers(uint64_t size, const uint8_t *name, size_t name_len)
{
    struct appmsg m = {.type = APPMSG_OFFER, .id = (uint32_t)w.own_count + 1};
    uint64_t stream;

    if (w.own_count == FILES || endpoint_open_bulk(w.e[HOSTILE], w.conn[HOSTILE], &stream) != 0)
        return;
    m.offer.stream = stream;
    m.offer.entry_count = 1;
    m.offer.first = (struct appmsg_entry){.size = size, .name = (const char *)name, .name_len = name_len};
    w.size[w.own_count++] = size;
    says(HOSTILE, &m);
    if (size > 0)
        (void)endpoint_supply(w.e[HOSTILE], w.conn[HOSTILE], stream, 0, contents, size, 1, w.now);
    (void)endpoint_finish(w.e[HOSTILE], w.conn[HOSTILE], stream, size, w.now);
    exchange();
}

static void says_digest(size_t which)
{
    struct appmsg m = {.type = APPMSG_DIGEST};
    XXH128_canonical_t canonical;

    if (w.own_count == 0)
        return;
    which %= w.own_count;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(contents, w.size[which]));
    memcpy(m.digest, canonical.digest, sizeof(m.digest));
    m.id = (uint32_t)which + 1;
    says(HOSTILE, &m);
}

static void accepts(size_t which)
{
    struct appmsg m = {.type = APPMSG_ACCEPT};
    const size_t count = w.offered_count < FILES ? w.offered_count : FILES;

    if (count == 0)
        return;
    which %= count;
    (void)endpoint_accept_bulk(w.e[HOSTILE], w.conn[HOSTILE], w.offered_stream[which], 1 << 20, w.now);
    m.id = w.offered[which];
    m.accept.extent_count = 1;
    m.accept.first = (struct appmsg_extent){.offset = 0, .len = SRC_BYTES};
    says(HOSTILE, &m);
}

static void streams(uint8_t a, size_t len)
{
    struct endpoint *e = w.e[HOSTILE];
    uint64_t *id = &w.streams[a % STREAMS];

    if (*id == 0)
        (void)endpoint_open_stream(e, w.conn[HOSTILE], (enum stream_priority)(PRIORITY_INTERACTIVE + a % 3), id, w.now);
    writes(HOSTILE, *id, contents, len);
    if ((a & 0x80) != 0)
        (void)endpoint_finish_stream(e, w.conn[HOSTILE], *id, w.now);
    if ((a & 0x40) != 0)
        (void)endpoint_reset(e, w.conn[HOSTILE], *id, 1, w.now);
    if ((a & 0x20) != 0)
        (void)endpoint_stop(e, w.conn[HOSTILE], *id, 2, w.now);
    if ((a & 0xc0) != 0)
        *id = 0;
    exchange();
}

static void connects(int side)
{
    w.conn[side] = 0;
    (void)endpoint_connect(w.e[side], &w.addr[VICTIM], w.now, &w.conn[side]);
    exchange();
    let_pass(20000);
    endpoint_allow(w.e[side], w.conn[side], w.now);
    says(side, &(struct appmsg){.type = APPMSG_HELLO, .hello_flags = HELLO_TAKES_FILES | HELLO_SERVES});
}

static void connects_again(void)
{
    endpoint_close(w.e[HOSTILE], w.conn[HOSTILE], CLOSE_OK, "", w.now);
    exchange();
    channel_dispose(&w.in);
    channel_init(&w.in, 0);
    w.own_count = w.offered_count = 0;
    memset(w.streams, 0, sizeof(w.streams));
    connects(HOSTILE);
}

/* ---- what the victim's user does ---- */

static void on_user(uint8_t what)
{
    const conn_id peer = w.peer[HOSTILE];
    const uint32_t id = what / 8 + UINT32_C(1);
    const uint32_t transfer = w.transfers[what / 8 % FILES];

    switch (what % 8) {
    case 0:
        victim_does((struct request){.type = REQUEST_SAY, .peer = peer, .text = (char *)"hello", .say = {.id = id}});
        break;
    case 2:
        victim_does(
            (struct request){.type = REQUEST_ASK, .peer = peer, .text = (char *)"reverse abc", .ask = {.id = id}});
        break;
    case 3:
        victim_does((struct request){.type = REQUEST_CANCEL, .transfer = {.id = transfer}});
        break;
    case 4:
        victim_does((struct request){.type = REQUEST_REJECT, .transfer = {.id = transfer}});
        break;
    case 5:
        victim_does((struct request){.type = REQUEST_STATS, .peer = peer});
        break;
    case 6:
        victim_does((struct request){.type = REQUEST_CLOSE, .peer = peer});
        break;
    default: /* 1, 7 */
        victim_does((struct request){.type = REQUEST_SEND, .peer = peer, .text = src_path, .send = {.id = id}});
        break;
    }
    exchange();
}

/* ---- an input ---- */

static void begin(void)
{
    static const char *const names[SIDES] = {"victim", "hostile", "honest"};
    const struct hub_config cfg = {.receive_files = true, .serve = true};
    int sys;

    memset(&w, 0, sizeof(w));
    w.now = DUET_TIME(1000000);
    for (int side = 0; side < SIDES; side++) {
        struct endpoint_config *c = &w.cfg[side];

        *c = (struct endpoint_config){.params = params_default(), .accept = true};
        c->params.features = FEATURE_STREAMS | FEATURE_DATAGRAMS;
        memset(c->seed, side + 1, sizeof(c->seed));
        memset(c->identity.secret, side + 1, sizeof(c->identity.secret));
        noise_public(c->identity.public, c->identity.secret);
        strcpy(c->name, names[side]);
        w.addr[side] = (struct duet_addr){.family = ADDR_V4, .ip = {10, 0, 0, (uint8_t)(side + 1)}, .port = 6254};
        const int64_t began = victim_begins();

        w.e[side] = endpoint_new(c, w.now);
        assert(w.e[side] != NULL);
        if (side == VICTIM)
            victim_ends(began);
    }
    const int64_t began = victim_begins();

    w.hub = hub_new(&cfg, w.e[VICTIM]);
    assert(w.hub != NULL && disk_new(out_dir, true, &w.disk, &sys) == 0);
    hub_handle(w.hub, &(struct request){.type = REQUEST_SERVE, .text = strdup("roll"), .serve = {.on = true}}, w.now);
    victim_ends(began);
    channel_init(&w.in, 0);
    connects(HONEST);
    connects(HOSTILE);
    assert(w.peer[HONEST] != 0 && w.peer[HOSTILE] != 0);
}

static void end(void)
{
    static const char text[] = "honest";
    const duet_time until = time_add(w.now, HONEST_WITHIN_US);

    says(HONEST, &(struct appmsg){.type = APPMSG_TEXT,
                                  .id = 1,
                                  .part = {.last = true, .bytes = (const uint8_t *)text, .len = strlen(text)}});
    while (!w.honest_heard && time_before(w.now, until))
        let_pass(100000);
    assert(w.honest_heard);
    victim_does((struct request){.type = REQUEST_QUIT, .quit = {.at_once = true}});
    let_pass(1000000);
    const int64_t began = victim_begins();

    hub_free(w.hub);
    disk_free(w.disk);
    endpoint_free(w.e[VICTIM]);
    victim_ends(began);
    assert(w.victim_bytes == 0); /* all that was counted was its own */
    endpoint_free(w.e[HOSTILE]);
    endpoint_free(w.e[HONEST]);
    channel_dispose(&w.in);
    check_home();
    entries(out_dir, false, true);
}

static void on_op(struct reader *in)
{
    const enum op op = reader_u8(in) % OP_COUNT;
    const uint8_t a = reader_u8(in);
    uint8_t frame[APPMSG_HEADER_BYTES + 255] = {0};
    size_t len;

    switch (op) {
    case OP_FRAMES:
        len = (size_t)a * 4 < reader_left(in) ? (size_t)a * 4 : reader_left(in);
        sends_frames(reader_bytes(in, len), len);
        break;
    case OP_CONTROL:
    case OP_CHAT:
    case OP_BYTES:
        len = reader_u8(in);
        len = len < reader_left(in) ? len : reader_left(in);
        frame[3] = (uint8_t)len;
        frame[4] = a;
        if (len > 0)
            memcpy(frame + APPMSG_HEADER_BYTES, reader_bytes(in, len), len);
        if (op == OP_BYTES)
            writes(HOSTILE, a % 2 == 0 ? STREAM_CONTROL : STREAM_CHAT, frame + APPMSG_HEADER_BYTES, len);
        else
            writes(HOSTILE, op == OP_CONTROL ? STREAM_CONTROL : STREAM_CHAT, frame, APPMSG_HEADER_BYTES + len);
        break;
    case OP_TIME:
        let_pass(UINT64_C(1000) << a % 15);
        break;
    case OP_OFFER:
        len = reader_u8(in) % 64;
        len = len < reader_left(in) ? len : reader_left(in);
        offers((uint64_t)a * a * 16, reader_bytes(in, len), len);
        break;
    case OP_DIGEST:
        says_digest(a);
        break;
    case OP_ACCEPT:
        accepts(a);
        break;
    case OP_USER:
        on_user(a);
        break;
    case OP_AGAIN:
        connects_again();
        break;
    case OP_DEAF:
        w.deaf = a % 2 == 1;
        break;
    case OP_STREAM:
        streams(a, (size_t)reader_u8(in) * 64);
        break;
    case OP_DATAGRAM:
        (void)endpoint_send_datagram(w.e[HOSTILE], w.conn[HOSTILE], contents, (size_t)a * 4, w.now);
        exchange();
        break;
    case OP_COUNT:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(data, size);

    if (home[0] == '\0')
        make_home();
    begin();
    for (int i = 0; i < STEPS_MAX && reader_left(&in) > 0; i++)
        on_op(&in);
    end();
    return 0;
}
