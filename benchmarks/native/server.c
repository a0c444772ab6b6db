/* The baseline: the least that answers AudioHook, in C on epoll, one thread.
 *
 * It upgrades, answers `open`, `ping` and `close`, and with "echo" sends audio back. No signature, no judgement, no
 * limits. Usage: server PORT [echo]. */
#include "wire.h"

typedef struct {
    int fd, open, seq;
    char id[37];
    Buffer in;
} Peer;

static int echo;

static void sha1(const uint8_t *data, size_t n, uint8_t out[20]) {
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}, w[80];
    uint8_t block[128] = {0};
    memcpy(block, data, n); /* at most 64 + 55 bytes: a key and the GUID */
    block[n] = 0x80;
    size_t blocks = n + 9 > 64 ? 2 : 1;
    for (int i = 0; i < 8; i++) block[blocks * 64 - 1 - i] = (uint64_t)n * 8 >> (8 * i);
    for (size_t b = 0; b < blocks; b++) {
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)block[b * 64 + 4 * i] << 24 | block[b * 64 + 4 * i + 1] << 16 |
                   block[b * 64 + 4 * i + 2] << 8 | block[b * 64 + 4 * i + 3];
#define ROL(x, s) ((x) << (s) | (x) >> (32 - (s)))
        for (int i = 16; i < 80; i++) w[i] = ROL(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        uint32_t a = h[0], bb = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f, k;
            if (i < 20) f = (bb & c) | (~bb & d), k = 0x5A827999;
            else if (i < 40) f = bb ^ c ^ d, k = 0x6ED9EBA1;
            else if (i < 60) f = (bb & c) | (bb & d) | (c & d), k = 0x8F1BBCDC;
            else f = bb ^ c ^ d, k = 0xCA62C1D6;
            uint32_t t = ROL(a, 5) + f + e + k + w[i];
            e = d, d = c, c = ROL(bb, 30), bb = a, a = t;
        }
        h[0] += a, h[1] += bb, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) out[i] = h[i / 4] >> (24 - 8 * (i % 4));
}

static void base64(const uint8_t *in, size_t n, char *out) {
    static const char *abc = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = in[i] << 16 | (i + 1 < n ? in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
        *out++ = abc[v >> 18];
        *out++ = abc[v >> 12 & 63];
        *out++ = i + 1 < n ? abc[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? abc[v & 63] : '=';
    }
    *out = 0;
}

static void say(Peer *p, int opcode, const void *data, size_t n) {
    uint8_t out[70000];
    size_t head = frame_head(out, opcode, n, 0);
    memcpy(out + head, data, n);
    if (write(p->fd, out, head + n) < 0 && errno != EAGAIN) p->open = 0;
}

static void answer(Peer *p, const char *type, const char *parameters, long clientseq) {
    char out[600];
    int n = snprintf(out, sizeof out,
                     "{\"version\":\"2\",\"type\":\"%s\",\"id\":\"%s\",\"seq\":%d,\"clientseq\":%ld,\"parameters\":%s}", type,
                     p->id, ++p->seq, clientseq, parameters);
    say(p, TEXT, out, n);
}

static void message(Peer *p, char *text, size_t n) {
    char saved = text[n];
    text[n] = 0;
    char *seq = strstr(text, "\"seq\":"), *id = strstr(text, "\"id\":\"");
    long number = seq ? atol(seq + 6) : 0;
    if (strstr(text, "\"type\":\"open\"")) {
        if (id) memcpy(p->id, id + 6, 36);
        answer(p, "opened",
               strstr(text, "[\"external\",\"internal\"]")
                   ? "{\"startPaused\":false,\"media\":[{\"type\":\"audio\",\"format\":\"PCMU\",\"channels\":[\"external\","
                     "\"internal\"],\"rate\":8000}]}"
                   : "{\"startPaused\":false,\"media\":[{\"type\":\"audio\",\"format\":\"PCMU\",\"channels\":[\"external\"],"
                     "\"rate\":8000}]}",
               number);
    } else if (strstr(text, "\"type\":\"ping\""))
        answer(p, "pong", "{}", number);
    else if (strstr(text, "\"type\":\"close\""))
        answer(p, "closed", "{}", number);
    text[n] = saved;
}

static void upgrade(Peer *p) {
    uint8_t *end = memmem(p->in.data, p->in.used, "\r\n\r\n", 4);
    char *key = memmem(p->in.data, p->in.used, "Sec-WebSocket-Key: ", 19);
    if (!end || !key) return;
    char joined[100], accept[40], out[300];
    uint8_t digest[20];
    memcpy(joined, key + 19, 24);
    strcpy(joined + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    sha1((uint8_t *)joined, 60, digest);
    base64(digest, 20, accept);
    int n = snprintf(out, sizeof out,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    if (write(p->fd, out, n) != n) return;
    size_t used = end + 4 - p->in.data;
    memmove(p->in.data, p->in.data + used, p->in.used -= used);
    p->open = 1;
}

static int frames(Peer *p) {
    size_t at = 0;
    Frame f;
    while (frame_parse(p->in.data + at, p->in.used - at, &f)) {
        if (f.masked) unmask(f.payload, f.length, f.mask);
        if (f.opcode == BINARY && echo) say(p, BINARY, f.payload, f.length);
        else if (f.opcode == TEXT) {
            grow(&p->in, 1);
            message(p, (char *)f.payload, f.length);
        } else if (f.opcode == CLOSE) {
            say(p, CLOSE, f.payload, f.length);
            return 0;
        }
        at += f.total;
    }
    p->in.used -= at;
    if (at && p->in.used) memmove(p->in.data, p->in.data + at, p->in.used);
    return 1;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    many_files();
    echo = argc > 2 && !strcmp(argv[2], "echo");
    int one = 1, l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), ep = epoll_create1(0);
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(l, (void *)&a, sizeof a) || listen(l, 4096)) return perror("listen"), 1;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, got[512];
    epoll_ctl(ep, EPOLL_CTL_ADD, l, &e);
    puts("listening");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(ep, got, 512, -1);
        for (int i = 0; i < n; i++) {
            Peer *p = got[i].data.ptr;
            if (!p) {
                int fd;
                while ((fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    nodelay(fd);
                    p = calloc(1, sizeof *p);
                    p->fd = fd;
                    e.data.ptr = p;
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
                }
                continue;
            }
            /* All peers read into one place: only what is left of a frame is kept with the peer. */
            static uint8_t shared[262144];
            Buffer own = p->in;
            size_t left = own.used;
            memcpy(shared, own.data, left);
            ssize_t count = read(p->fd, shared + left, sizeof shared - left - 1);
            int alive = count > 0 || (count < 0 && errno == EAGAIN);
            if (count > 0) {
                p->in = (Buffer){shared, left + count, sizeof shared};
                if (!p->open) upgrade(p);
                if (p->open) alive = frames(p);
                Buffer rest = p->in;
                own.used = 0;
                put(&own, rest.data, rest.used);
                p->in = own;
            }
            if (!alive) {
                close(p->fd);
                free(p->in.data);
                free(p);
            }
        }
    }
}
