/* The load of the benchmarks: many AudioHook callers in C on epoll, one thread, on an absolute schedule.
 *
 * Usage: load PORT REQUESTS SESSIONS RAMP SECONDS BYTES INTERVAL_MS KIND
 *   REQUESTS     file of upgrade requests, each: 36 characters of session id, 4 digits of length, the request
 *   RAMP         new sessions a second
 *   SECONDS      what is measured, once all are open and two seconds have passed
 *   KIND         listen: nothing comes back; echo: each frame comes back; talk: audio comes back on its own schedule;
 *                open: each session ends when it is open and the next takes its place, RAMP of them at a time
 *
 * Standard output: "start", then "stop", each as its time comes, for whoever reads the server's clocks; then a line of
 * JSON. Times in microseconds. */
#include "wire.h"

#define PING_S 5.0
enum { NEW, CONNECTING, UPGRADING, OPENING, OPEN, CLOSING, DONE, FAILED };

typedef struct {
    int fd, state, seq, peer_seq, waiting, heard, index;
    char id[37], *request;
    uint64_t samples, echoed, owed; /* bytes of audio: sent, come back, sent in the window */
    double asked, pinged, next_ping, sent[32], first_audio;
    Buffer in;
} Call;

static int port, sessions, bytes, interval_ms, stereo, ep, measuring, opened, failed, live, closed, finished;
static double ramp;
static char kind;
static Call *calls;
static char *requests, **request_at;
static int request_count, request_next;
static uint8_t *audio;
static size_t audio_size;
static uint64_t frames_out, frames_in, bytes_in, late, underruns, pongs, blocked;
static Histogram open_time, ping_time, echo_time, slip;
static char failures[2000];

static void fail(Call *c, const char *why) {
    if (c->state == FAILED || c->state == DONE) return;
    if (c->state == CLOSING && !strcmp(why, "gone")) why = "gone before closed";
    if (failed++ < 5) snprintf(failures + strlen(failures), sizeof failures - strlen(failures), "%s\"%s\"", *failures ? "," : "", why);
    c->state = FAILED;
    live--;
    close(c->fd);
}

static void push(Call *c, const void *data, size_t n) {
    ssize_t count = write(c->fd, data, n);
    if (count == (ssize_t)n) return;
    blocked++;
    fail(c, count < 0 && errno != EAGAIN ? strerror(errno) : "the server reads too slowly");
}

static void say(Call *c, const char *type, const char *parameters) {
    char text[1600];
    uint8_t out[1700], mask[4] = {0x12, 0x34, 0x56, 0x78};
    double position = (c->samples / (stereo ? 2 : 1)) / 8000.0;
    int n = snprintf(text, sizeof text,
                     "{\"version\":\"2\",\"id\":\"%s\",\"type\":\"%s\",\"seq\":%d,\"serverseq\":%d,\"position\":\"PT%.6gS\",\"parameters\":%s}",
                     c->id, type, ++c->seq, c->peer_seq, position, parameters);
    size_t head = frame_head(out, TEXT, n, 1);
    memcpy(out + head, mask, 4);
    memcpy(out + head + 4, text, n);
    unmask(out + head + 4, n, mask);
    push(c, out, head + 4 + n);
}

static void begin(Call *c) {
    if (request_next >= request_count) return fail(c, "no request is left");
    char *request = request_at[request_next++];
    c->request = request + 36;
    memcpy(c->id, request, 36);
    c->asked = 0;
    c->seq = c->peer_seq = c->waiting = c->heard = 0;
    c->samples = c->echoed = 0;
    c->in.used = 0;
    c->first_audio = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    live++;
    if (c->fd < 0) return fail(c, "no socket");
    nodelay(c->fd);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + c->index / 20000)};
    int one = 1;
    setsockopt(c->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
    bind(c->fd, (void *)&from, sizeof from);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(c->fd, (void *)&a, sizeof a) && errno != EINPROGRESS) return fail(c, strerror(errno));
    c->state = CONNECTING;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static void connected(Call *c) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
    c->state = UPGRADING;
}

static void upgraded(Call *c) {
    char parameters[900];
    const char *channels = stereo ? "\"external\",\"internal\"" : "\"external\"";
    snprintf(parameters, sizeof parameters,
             "{\"organizationId\":\"d7934305-0972-4844-938e-9060eef73d05\",\"conversationId\":\"%s\",\"participant\":{\"id\":"
             "\"%s\",\"ani\":\"+15550100\",\"aniName\":\"\",\"dnis\":\"+15550101\"},\"media\":[{\"type\":\"audio\",\"format\":\"PCMU\","
             "\"channels\":[%s],\"rate\":8000}],\"language\":\"en-US\"}", c->id, c->id, channels);
    c->state = OPENING;
    c->asked = now_s();
    say(c, "open", parameters);
}

static void over(Call *c) {
    c->state = DONE;
    closed++;
    live--;
    close(c->fd);
    if (kind == 'o' && !finished) begin(c);
}

static void message(Call *c, char *text) {
    char *seq = strstr(text, "\"seq\":");
    if (seq) c->peer_seq = atoi(seq + 6);
    if (strstr(text, "\"type\":\"pong\"")) {
        pongs++;
        if (measuring && c->waiting) note(&ping_time, now_s() - c->pinged);
        c->waiting = 0;
    } else if (strstr(text, "\"type\":\"opened\"")) {
        note(&open_time, now_s() - c->asked);
        c->state = OPEN;
        opened++;
        c->next_ping = now_s() + PING_S * (c->index % 97) / 97;
        if (kind == 'o') {
            c->state = CLOSING;
            say(c, "close", "{\"reason\":\"end\"}");
        }
    } else if (strstr(text, "\"type\":\"closed\"")) over(c);
    else if (strstr(text, "\"type\":\"disconnect\"")) fail(c, "disconnect");
}

static void heard(Call *c, size_t n) {
    double now = now_s();
    frames_in++;
    bytes_in += n;
    if (!c->heard && c->state == OPEN) say(c, "playback_started", "{}");
    c->heard = 1;
    if (kind == 'e') {
        uint64_t before = c->echoed / bytes;
        c->echoed += n;
        for (uint64_t i = before; i < c->echoed / bytes; i++)
            if (measuring) note(&echo_time, now - c->sent[i % 32]);
    } else {
        /* A player that starts with the first frame runs dry if the next comes after what it has. */
        if (!c->first_audio) c->first_audio = now;
        else if (now > c->first_audio + c->echoed / 8000.0 + 0.02) {
            underruns += measuring;
            c->first_audio = now, c->echoed = 0;
        }
        c->echoed += n;
    }
}

static void readable(Call *c) {
    static uint8_t shared[262144];
    memcpy(shared, c->in.data, c->in.used);
    ssize_t count = read(c->fd, shared + c->in.used, sizeof shared - c->in.used - 1);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return fail(c, "gone");
    if (count < 0) return;
    size_t n = c->in.used + count, at = 0;
    if (c->state == UPGRADING) {
        uint8_t *end = memmem(shared, n, "\r\n\r\n", 4);
        if (!end) goto keep;
        if (memcmp(shared, "HTTP/1.1 101", 12)) return fail(c, strndup((char *)shared + 9, 3));
        at = end + 4 - shared;
        upgraded(c);
    }
    Frame f;
    while (c->state < DONE && frame_parse(shared + at, n - at, &f)) {
        at += f.total;
        if (f.opcode == BINARY) heard(c, f.length);
        else if (f.opcode == TEXT) {
            uint8_t saved = f.payload[f.length];
            f.payload[f.length] = 0;
            message(c, (char *)f.payload);
            f.payload[f.length] = saved;
        } else if (f.opcode == CLOSE) return fail(c, "WebSocket closed");
    }
    if (c->state >= DONE || c->state < UPGRADING) return;
keep:
    c->in.used = 0;
    put(&c->in, shared + at, n - at);
}

static void speak(Call *c, double due) {
    double now = now_s();
    if (measuring) {
        note(&slip, now - due);
        if (now - due > 0.02) late++;
    }
    c->sent[(c->samples / bytes) % 32] = now;
    push(c, audio, audio_size);
    c->samples += bytes;
    frames_out++;
    if (c->state == OPEN && now >= c->next_ping) {
        if (!c->waiting) {
            c->pinged = now_s();
            c->waiting = 1;
            say(c, "ping", "{}");
        }
        c->next_ping += PING_S;
    }
}

static void poll_for(double seconds) {
    static struct epoll_event got[1024];
    struct timespec wait = {(time_t)(seconds > 0 ? seconds : 0), 0};
    wait.tv_nsec = seconds > 0 ? (long)((seconds - wait.tv_sec) * 1e9) : 0;
    int n = epoll_pwait2(ep, got, 1024, &wait, NULL);
    for (int i = 0; i < n; i++) {
        Call *c = got[i].data.ptr;
        if (c->state == CONNECTING) {
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error) {
                fail(c, strerror(error));
                continue;
            }
            connected(c);
            char digits[5] = {0};
            memcpy(digits, c->request, 4);
            push(c, c->request + 4, atoi(digits));
        } else if (c->state < DONE) readable(c);
    }
}

static void mark(const char *what, uint64_t *saved) {
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    saved[0] = frames_out, saved[1] = frames_in, saved[2] = closed;
    saved[3] = (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000ull + r.ru_utime.tv_usec + r.ru_stime.tv_usec;
    puts(what);
    fflush(stdout);
}

static void read_requests(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) perror(path), exit(2);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    requests = malloc(size + 1);
    if (fread(requests, 1, size, f) != (size_t)size) exit(2);
    requests[size] = 0;
    request_at = malloc(sizeof *request_at * (size / 40 + 1));
    for (char *p = requests; p < requests + size;) {
        request_at[request_count++] = p;
        char digits[5] = {0};
        memcpy(digits, p + 36, 4);
        p += 40 + atoi(digits);
    }
    fclose(f);
}

static void print(const char *name, Histogram *h) {
    printf("\"%s\":{\"n\":%lu,\"p50\":%.0f,\"p99\":%.0f,\"max\":%.0f},", name, h->n, quantile(h, 0.5), quantile(h, 0.99), h->max);
}

int main(int argc, char **argv) {
    if (argc < 9) return fprintf(stderr, "see the top of load.c\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    many_files();
    port = atoi(argv[1]);
    read_requests(argv[2]);
    sessions = atoi(argv[3]), ramp = atof(argv[4]);
    double seconds = atof(argv[5]);
    bytes = atoi(argv[6]), interval_ms = atoi(argv[7]), kind = argv[8][0];
    stereo = bytes * 1000 / interval_ms > 8000;
    ep = epoll_create1(0);
    int at_once = kind == 'o' ? (int)ramp : sessions;
    calls = calloc(at_once, sizeof *calls);
    audio = malloc(bytes + 14);
    uint8_t mask[4] = {0xA5, 0x5A, 0x3C, 0xC3};
    size_t head = frame_head(audio, BINARY, bytes, 1);
    memcpy(audio + head, mask, 4);
    for (int i = 0; i < bytes; i++) audio[head + 4 + i] = 0x70 + (i * 7919 % 16); /* quiet noise */
    unmask(audio + head + 4, bytes, mask);
    audio_size = head + 4 + bytes;

    double began = now_s(), window = 0, interval = interval_ms / 1000.0;
    int started = 0, turn = 0;
    uint64_t first[4] = {0}, last[4] = {0}, round = 0;
    for (;;) {
        double now = now_s();
        for (int i = 0; i < 64 && started < at_once && (kind == 'o' || now >= began + started / ramp); i++) {
            calls[started].index = started;
            begin(&calls[started++]);
        }
        double due = began + (round + (double)turn / at_once) * interval;
        for (int i = 0; i < 256 && due <= now && kind != 'o'; i++) {
            Call *c = &calls[turn];
            if (c->state == OPEN) speak(c, due);
            if (++turn == at_once) turn = 0, round++;
            due = began + (round + (double)turn / at_once) * interval;
        }
        if (!window && started == at_once && (kind == 'o' ? closed > 100 : opened + failed >= at_once)) window = now + (kind == 'o' ? 0.2 : 2);
        if (!window && now > began + sessions / ramp + 30) window = now; /* some never open: they are counted below */
        if (window && !measuring && now >= window) {
            measuring = 1;
            mark("start", first);
            window = now_s();
        }
        if (measuring && (now >= window + seconds || (kind == 'o' && request_next >= request_count))) break;
        poll_for(kind == 'o' ? 0.01 : due - now_s());
    }
    double took = now_s() - window;
    mark("stop", last);
    measuring = 0, finished = 1;
    int waited = 0, never = at_once - opened - failed;
    for (int i = 0; i < at_once; i++) {
        waited += calls[i].waiting && now_s() - calls[i].pinged > PING_S;
        if (calls[i].state == OPEN) {
            calls[i].state = CLOSING;
            say(&calls[i], "close", "{\"reason\":\"end\"}");
        }
        if (i % 100 == 99) poll_for(0);
    }
    for (double until = now_s() + 10; live > 0 && now_s() < until;) poll_for(0.1);
    printf("{\"sessions\":%d,\"opened\":%d,\"never_opened\":%d,\"failed\":%d,\"failures\":[%s],\"closed\":%d,\"unclosed\":%d,", at_once,
           opened, kind == 'o' ? 0 : never, failed, failures, closed, live);
    printf("\"seconds\":%.3f,\"frames_out\":%lu,\"frames_in\":%lu,\"ended\":%lu,\"underruns\":%lu,\"unanswered\":%d,\"late_out\":%lu,", took,
           last[0] - first[0], last[1] - first[1], last[2] - first[2], underruns, waited, late);
    print("open", &open_time), print("ping", &ping_time), print("echo", &echo_time), print("slip", &slip);
    printf("\"cpu\":%.3f}\n", (last[3] - first[3]) / 1e6 / took);
    return 0;
}
