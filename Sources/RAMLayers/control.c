#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "freeze.h"
#include "freezing.h"
#include "inherit.h"
#include "later.h"
#include "precopy.h"
#include "ram.h"
#include "restoring.h"
#include "text.h"
#include "thread.h"

enum { CLIENTS_MAX = 4 };

static struct client clients[CLIENTS_MAX];
/// Held by the control thread while it serves, and by the thread that a put-off freeze happens in. Recursive: the control
/// thread opens files, too.
static pthread_mutex_t serving = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
/// Tells the control thread that there is a copy to listen to.
static int wake = -1;
static unsigned long accepted;
static int listener;

void client_end(struct client *client) {
    restoring_forget(client);
    close(client->fd);
    client->fd = -1;
    later_forget(client);
    freezing_forget(client);
}

static void answer_status(struct client *client) {
    struct text text = {.length = 0};
    text_add(&text, "status ");
    text_add_number(&text, guest_ram.bytes);
    text_add(&text, guest_ram.layers_mapped ? " 1 " : " 0 ");
    text_add_number(&text, guest_ram.mappings);
    text_add(&text, " ");
    text_add(&text, *freeze_mark() ? freeze_mark() : "-");
    text_add(&text, freeze_pending() || precopy_is_under_way() ? " 1" : " 0");
    client_answer(client, &text);
}

enum control_opening control_opening(const char *path) {
    if (!later_is_armed()) return CONTROL_PASS;
    pthread_mutex_lock(&serving);
    enum control_opening result = later_do(path);
    pthread_mutex_unlock(&serving);
    // There may be a copy to listen to. Counts up, so it cannot be full.
    eventfd_write(wake, 1);
    return result;
}

static void obey(struct client *client, char *line) {
    char *argument;
    if (freezing_obey(client, line)) return;
    if (strcmp(line, "ping") == 0) {
        client_answer_word(client, "pong 4");
    } else if (strcmp(line, "status") == 0) {
        answer_status(client);
    } else if ((argument = line_argument(line, "layer")) && *argument) {
        restoring_add_layer(client, argument);
    } else if (strcmp(line, "leash") == 0) {
        restoring_take_leash(client);
    } else if (strcmp(line, "map") == 0) {
        restoring_map(client);
    } else if (strcmp(line, "rehearse") == 0) {
        restoring_rehearse(client);
    } else if (strcmp(line, "map-ahead") == 0) {
        restoring_map_ahead(client);
    } else if ((argument = line_argument(line, "rewind")) && *argument) {
        later_arm(client, OCCASION_REWIND, "rewind", argument);
    } else if ((argument = line_argument(line, "take-back")) && *argument) {
        later_arm(client, OCCASION_TAKE_BACK, "take-back", argument);
    } else if ((argument = line_argument(line, "at")) && *argument) {
        later_name(client, argument);
    } else if ((argument = line_argument(line, "ahead")) && *argument) {
        freezing_name_layer(client, argument);
    } else if ((argument = line_argument(line, "freeze"))) {
        freezing_request(client, argument);
    } else {
        client_refuse(client, EINVAL, "request");
    }
}

static void serve(struct client *client) {
    switch (line_receive(&client->reader, client->fd)) {
    case LINE_READY: break;
    case LINE_MORE: return;
    case LINE_ENDED:
    case LINE_TOO_LONG: client_end(client); return;
    }
    char *line;
    while (client->fd >= 0 && (line = line_next(&client->reader))) obey(client, line);
}

/// Takes a new connection. When there are too many, the oldest belongs to a client that hangs.
static void accept_client(void) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    const struct client *leash = restoring_leash();
    struct client *place = &clients[leash == &clients[0]];
    for (size_t i = 0; i < CLIENTS_MAX && place->fd >= 0; i++) {
        if (&clients[i] == leash) continue;
        if (clients[i].fd < 0 || clients[i].number < place->number) place = &clients[i];
    }
    if (place->fd >= 0) client_end(place);
    place->fd = fd;
    place->number = ++accepted;
    place->reader.length = place->reader.consumed = 0;
}

static void serve_once(void) {
    struct pollfd waits[2 + CLIENTS_MAX + FREEZE_POLL_MAX];
    size_t count = 0;
    waits[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
    waits[count++] = (struct pollfd){.fd = wake, .events = POLLIN};
    for (size_t i = 0; i < CLIENTS_MAX; i++) waits[count++] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
    pthread_mutex_lock(&serving);
    size_t copies = freeze_poll(waits + count);
    pthread_mutex_unlock(&serving);
    if (poll(waits, count + copies, -1) < 0) return;
    pthread_mutex_lock(&serving);
    for (size_t i = count; i < count + copies; i++) {
        if (waits[i].revents) freeze_serve(waits[i].fd);
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (waits[2 + i].revents && clients[i].fd == waits[2 + i].fd) serve(&clients[i]);
    }
    if (waits[0].revents) accept_client();
    eventfd_t ignored;
    if (waits[1].revents) eventfd_read(wake, &ignored);
    pthread_mutex_unlock(&serving);
}

static void *run(void *unused) {
    (void)unused;
    inherit_thread();
    for (;;) serve_once();
    return NULL;
}

int control_start(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return ENAMETOOLONG;
    strcpy(address.sun_path, path);
    for (size_t i = 0; i < CLIENTS_MAX; i++) clients[i].fd = -1;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (listener < 0 || wake < 0) return errno;
    unlink(path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || chmod(path, 0600) != 0
        || listen(listener, 16) != 0)
        return errno;
    return thread_start("vers-ram", run);
}
