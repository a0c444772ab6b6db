/* What the baseline server and the load share: time, histograms, frames, growing buffers. */
#ifndef WIRE_H
#define WIRE_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static inline double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static inline void many_files(void) {
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

static inline void nodelay(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

typedef struct {
    uint8_t *data;
    size_t used, room;
} Buffer;

static inline uint8_t *grow(Buffer *b, size_t more) {
    if (b->used + more > b->room) {
        b->room = b->used + more + 256;
        b->data = realloc(b->data, b->room);
        if (!b->data) abort();
    }
    return b->data + b->used;
}

static inline void put(Buffer *b, const void *data, size_t n) {
    memcpy(grow(b, n), data, n);
    b->used += n;
}

/* Writes a frame header and returns its length; a mask of four bytes follows it where the sender is a client. */
static inline size_t frame_head(uint8_t *out, int opcode, size_t n, int masked) {
    uint8_t m = masked ? 0x80 : 0;
    out[0] = 0x80 | opcode;
    if (n < 126) {
        out[1] = m | n;
        return 2;
    }
    if (n < 65536) {
        out[1] = m | 126;
        out[2] = n >> 8;
        out[3] = n;
        return 4;
    }
    out[1] = m | 127;
    for (int i = 0; i < 8; i++) out[2 + i] = (uint64_t)n >> (56 - 8 * i);
    return 10;
}

typedef struct {
    int opcode, masked;
    uint8_t *mask, *payload;
    size_t length, total;
} Frame;

/* 1 if a whole frame stands at the front of the bytes. */
static inline int frame_parse(uint8_t *d, size_t n, Frame *f) {
    if (n < 2) return 0;
    size_t at = 2, length = d[1] & 127;
    if (length == 126) {
        if (n < 4) return 0;
        length = d[2] << 8 | d[3];
        at = 4;
    } else if (length == 127) {
        if (n < 10) return 0;
        length = 0;
        for (int i = 2; i < 10; i++) length = length << 8 | d[i];
        at = 10;
    }
    f->opcode = d[0] & 15;
    f->masked = d[1] >> 7;
    f->mask = d + at;
    at += f->masked ? 4 : 0;
    if (n < at + length) return 0;
    f->payload = d + at;
    f->length = length;
    f->total = at + length;
    return 1;
}

static inline void unmask(uint8_t *p, size_t n, const uint8_t *mask) {
    uint32_t m32;
    memcpy(&m32, mask, 4);
    uint64_t m = (uint64_t)m32 << 32 | m32, w;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&w, p + i, 8);
        w ^= m;
        memcpy(p + i, &w, 8);
    }
    for (; i < n; i++) p[i] ^= mask[i & 3];
}

/* Log-linear: 32 steps in each power of two, in microseconds; error below 3 %. */
#define STEPS 32
#define BUCKETS (40 * STEPS)
typedef struct {
    uint64_t count[BUCKETS], n;
    double max;
} Histogram;

static inline void note(Histogram *h, double seconds) {
    double us = seconds * 1e6;
    if (us > h->max) h->max = us;
    uint64_t v = us < 1 ? 1 : (uint64_t)us;
    int power = 63 - __builtin_clzll(v), at;
    at = power < 5 ? (int)v : (power - 4) * STEPS + (int)((v >> (power - 5)) & (STEPS - 1));
    h->count[at < BUCKETS ? at : BUCKETS - 1]++;
    h->n++;
}

static inline double quantile(const Histogram *h, double q) {
    uint64_t want = q * h->n, seen = 0;
    if (!h->n) return -1;
    for (int i = 0; i < BUCKETS; i++)
        if ((seen += h->count[i]) > want)
            return i < STEPS ? i : (double)((uint64_t)(STEPS + i % STEPS) << (i / STEPS - 1));
    return h->max;
}
#endif
