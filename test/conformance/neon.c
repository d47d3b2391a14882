/* The client of test/fixtures/exchange_client.ts with C neon: every line of standard input is one
 * session, PORT and its requests with tabs between them; for each the events are printed, one line a
 * request, one for the end of the session, and "." */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ne_request.h>
#include <ne_session.h>
#include <ne_socket.h>

struct body {
    long size, left;
};

static void log_text(const char *event)
{
    printf("%s ", event);
}

static void pre_send(ne_request *req, void *userdata, ne_buffer *header)
{
    log_text("pre");
}

static void post_headers(ne_request *req, void *userdata, const ne_status *status)
{
    printf("ph%d ", status->code);
}

static int post_send(ne_request *req, void *userdata, const ne_status *status)
{
    printf("ps%d ", status->code);
    return NE_OK;
}

static void close_conn(void *userdata)
{
    log_text("cc");
}

static void notified(void *userdata, ne_session_status status, const ne_session_status_info *info)
{
    if (status == ne_status_sending || status == ne_status_recving)
        printf("n%d:%ld/%ld ", status, (long)info->sr.progress, (long)info->sr.total);
    else
        printf("n%d ", status);
}

static int accepts(void *userdata, ne_request *req, const ne_status *status)
{
    log_text("acc");
    return 1;
}

static int reads(void *userdata, const char *buf, size_t len)
{
    printf("rd%d ", (int)len);
    return 0;
}

static ssize_t provides(void *userdata, char *buffer, size_t length)
{
    struct body *body = userdata;
    long count = body->left;
    if (length == 0) {
        log_text("rew");
        body->left = body->size;
        return 0;
    }
    if (count > (long)length) count = (long)length;
    if (count > 3000) count = 3000;
    memset(buffer, 'p', (size_t)count);
    body->left -= count;
    printf("prov%ld ", count);
    return count;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_fields(ne_request *req)
{
    char *fields[4096];
    int count = 0, n;
    void *cursor = NULL;
    const char *name, *value;
    while ((cursor = ne_response_header_iterate(req, cursor, &name, &value)) != NULL && count < 4096)
        fields[count++] = ne_concat(name, "=", value, NULL);
    qsort(fields, (size_t)count, sizeof fields[0], compare);
    printf("{");
    for (n = 0; n < count; n++) {
        printf("%s%s", n > 0 ? "|" : "", fields[n]);
        ne_free(fields[n]);
    }
    printf("}\n");
}

static int read_by_hand(ne_request *req)
{
    char buffer[100];
    int begun = ne_begin_request(req);
    printf("[begin %d] ", begun);
    if (begun != NE_OK) return begun;
    for (;;) {
        ssize_t count = ne_read_response_block(req, buffer, sizeof buffer);
        if (count > 0) printf("blk%d ", (int)count);
        else printf("z%d ", (int)count);
        if (count < 0) return 99;
        if (count == 0) return ne_end_request(req);
    }
}

static void request(ne_session *sess, char *text)
{
    static char fill[1 << 20];
    struct body body;
    const char *kind = strsep(&text, ","), *method = strsep(&text, ",");
    const char *target = strsep(&text, ","), *bytes = strsep(&text, ",");
    ne_request *req;
    int code;

    if (strcmp(kind, "persist") == 0) {
        ne_set_session_flag(sess, NE_SESSFLAG_PERSIST, atoi(method));
        return;
    }
    if (strcmp(kind, "strict") == 0) return; /* younger than this neon */
    if (strcmp(kind, "ua") == 0) {
        ne_set_useragent(sess, method);
        return;
    }
    req = ne_request_create(sess, method, target);
    body.size = body.left = bytes ? atol(bytes) : 0;
    ne_add_response_body_reader(req, accepts, reads, NULL);
    memset(fill, 'b', sizeof fill);
    if (strchr(kind, 'b')) ne_set_request_body_buffer(req, fill, (size_t)body.size);
    if (strchr(kind, 'p')) ne_set_request_body_provider(req, body.size, provides, &body);
    if (strchr(kind, 'k')) ne_set_request_body_provider(req, -1, provides, &body);
    if (strchr(kind, 'n')) ne_set_request_flag(req, NE_REQFLAG_IDEMPOTENT, 0);
    if (strchr(kind, 'e')) ne_set_request_flag(req, NE_REQFLAG_EXPECT100, 1);
    if (strchr(kind, 'h')) ne_add_request_header(req, "X-Foo", "bar");
    code = strchr(kind, 'm') ? read_by_hand(req) : ne_request_dispatch(req);
    printf("rc=%d err=%s ", code, ne_get_error(sess));
    print_fields(req);
    ne_request_destroy(req);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    ne_sock_init();
    while (getline(&line, &room, stdin) > 0) {
        char *rest = line, *text;
        ne_session *sess;
        line[strcspn(line, "\n")] = '\0';
        sess = ne_session_create("http", "127.0.0.1", (unsigned int)atoi(strsep(&rest, "\t")));
        ne_set_read_timeout(sess, 1);
        ne_hook_pre_send(sess, pre_send, NULL);
        ne_hook_post_headers(sess, post_headers, NULL);
        ne_hook_post_send(sess, post_send, NULL);
        ne_hook_close_conn(sess, close_conn, NULL);
        ne_set_notifier(sess, notified, NULL);
        while ((text = strsep(&rest, "\t")) != NULL) request(sess, text);
        ne_session_destroy(sess);
        printf("\n.\n");
        fflush(stdout);
    }
    free(line);
    return 0;
}
