/* The PROPFIND of propfind.mjs with C neon: propfind PORT RESOURCES RUNS
 * The last line of output is JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ne_basic.h>
#include <ne_props.h>
#include <ne_session.h>
#include <ne_socket.h>

static long long values;

static int value_of(void *userdata, const ne_propname *name, const char *value,
                    const ne_status *status)
{
    (void)userdata;
    (void)name;
    (void)status;
    if (value) values += strlen(value);
    return 0;
}

static void result(void *userdata, const ne_uri *uri, const ne_prop_result_set *set)
{
    (void)userdata;
    (void)uri;
    ne_propset_iterate(set, value_of, NULL);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    char target[32];
    int n, runs = atoi(argv[3]);
    ne_session *sess;

    (void)argc;
    ne_sock_init();
    snprintf(target, sizeof target, "/dav/%s/", argv[2]);
    sess = ne_session_create("http", "127.0.0.1", atoi(argv[1]));
    printf("{\"times\":[");
    for (n = 0; n < runs; n++) {
        double start = now();
        values = 0;
        if (ne_simple_propfind(sess, target, NE_DEPTH_ONE, NULL, result, NULL) != NE_OK) {
            fprintf(stderr, "neon: %s\n", ne_get_error(sess));
            return 1;
        }
        printf("%s%.3f", n ? "," : "", now() - start);
    }
    printf("],\"values\":%lld,\"peak\":0}\n", values);
    ne_session_destroy(sess);
    return 0;
}
