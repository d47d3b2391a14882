/* The same cases with C neon, for comparison: neon CASE HOST PORT GETS LARGE SIZE CERT
 * The last line of output is JSON, as that of contenders.mjs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <ne_request.h>
#include <ne_session.h>
#include <ne_socket.h>
#include <ne_ssl.h>

static long long bytes;

static int count(void *userdata, const char *buf, size_t len)
{
    (void)userdata;
    (void)buf;
    bytes += len;
    return 0;
}

static double now(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static double start, used, times[4], cpu[4];

static void begin(void)
{
    start = now(CLOCK_MONOTONIC);
    used = now(CLOCK_PROCESS_CPUTIME_ID);
}

static void end(int run)
{
    times[run] = now(CLOCK_MONOTONIC) - start;
    cpu[run] = now(CLOCK_PROCESS_CPUTIME_ID) - used;
}

static void print(const char *name, const double *values, int runs)
{
    int n;
    printf("\"%s\":[", name);
    for (n = 1; n < runs; n++) printf("%s%.3f", n > 1 ? "," : "", values[n]);
    printf("],");
}

static void dispatch(ne_session *sess, ne_request *req)
{
    if (ne_request_dispatch(req) != NE_OK) {
        fprintf(stderr, "neon: %s\n", ne_get_error(sess));
        exit(1);
    }
    ne_request_destroy(req);
}

static void get(ne_session *sess, const char *target, long long wanted)
{
    ne_request *req = ne_request_create(sess, "GET", target);
    bytes = 0;
    ne_add_response_body_reader(req, ne_accept_2xx, count, NULL);
    dispatch(sess, req);
    if (bytes != wanted) {
        fprintf(stderr, "neon: %lld bytes instead of %lld\n", bytes, wanted);
        exit(1);
    }
}

static void put(ne_session *sess, int fd, long long size)
{
    ne_request *req = ne_request_create(sess, "PUT", "/dav/up");
    ne_set_request_body_fd(req, fd, 0, size);
    dispatch(sess, req);
}

static long peak(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0) kb = atol(line + 6);
    if (f) fclose(f);
    return kb;
}

int main(int argc, char **argv)
{
    const char *test = argv[1], *large = argv[5];
    int n, runs = 4, gets = atoi(argv[4]), secure = strstr(test, "https") != NULL;
    long long size = atoll(argv[6]);
    ne_session *sess;

    (void)argc;
    ne_sock_init();
    sess = ne_session_create(secure ? "https" : "http", argv[2], atoi(argv[3]));
    if (secure) ne_ssl_trust_cert(sess, ne_ssl_cert_read(argv[7]));
    if (strncmp(test, "get", 3) == 0) {
        runs = 2;
        for (n = 0; n < gets / 5; n++) get(sess, "/small", 1024);
        begin();
        for (n = 0; n < gets; n++) get(sess, "/small", 1024);
        end(1);
    } else {
        int fd = open(large, O_RDONLY);
        for (n = 0; n < runs; n++) {
            begin();
            if (strncmp(test, "download", 8) == 0) get(sess, "/large", size);
            else put(sess, fd, size);
            end(n);
        }
        close(fd);
    }
    ne_session_destroy(sess);
    printf("{");
    print("times", times, runs);
    print("cpu", cpu, runs);
    printf("\"peak\":%ld}\n", peak());
    return 0;
}
