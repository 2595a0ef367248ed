#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bitmap.h"
#include "freeze.h"
#include "inherit.h"
#include "interpose.h"
#include "layers.h"
#include "ram.h"
#include "rehearsal.h"
#include "text.h"
#include "thread.h"
#include "translation.h"

enum { CLIENTS_MAX = 4 };

struct client {
    int fd;
    /// Counts up, so that the oldest can be found.
    unsigned long number;
    struct line_reader reader;
};

/// What waits for its file to be opened.
enum occasion { FREEZE, TAKE_BACK, REWIND };

struct armed {
    struct client *client;
    bool armed;
    enum occasion occasion;
    enum delta delta;
    char mark[MARK_MAX];
    char path[LINE_MAX_BYTES];
};

static struct client clients[CLIENTS_MAX];
static struct armed later;
/// Whether `later` is armed: what every file that is opened is compared with, without a lock.
static atomic_bool watching;
/// Held by the control thread while it serves, and by the thread that a put-off freeze happens in. Recursive: the control
/// thread opens files, too.
static pthread_mutex_t serving = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
/// Tells the control thread that there is a copy to listen to.
static int wake = -1;
/// Whose layers are being collected.
static struct client *layers_from;
/// Whose end is the process' end.
static struct client *leash;
static unsigned long accepted;
static int listener;

static void end_client(struct client *client) {
    // Nobody else knows of a process that waits.
    if (leash == client) _exit(0);
    close(client->fd);
    client->fd = -1;
    if (later.client == client) {
        later = (struct armed){.client = NULL};
        atomic_store(&watching, false);
    }
    if (layers_from != client) return;
    layers_from = NULL;
    layers_clear();
}

static void answer(struct client *client, struct text *text) {
    if (!text_send(text, client->fd)) end_client(client);
}

static void answer_error(struct client *client, int error, const char *what) {
    if (!text_send_error(client->fd, error, what)) end_client(client);
}

static void answer_status(struct client *client) {
    struct text text = {.length = 0};
    text_add(&text, "status ");
    text_add_number(&text, guest_ram.bytes);
    text_add(&text, guest_ram.layers_mapped ? " 1 " : " 0 ");
    text_add_number(&text, guest_ram.mappings);
    text_add(&text, " ");
    text_add(&text, *freeze_mark() ? freeze_mark() : "-");
    text_add(&text, freeze_pending() ? " 1" : " 0");
    answer(client, &text);
}

static void add_layer(struct client *client, const char *path) {
    if (layers_from && layers_from != client) {
        answer_error(client, EBUSY, "layer");
        return;
    }
    layers_from = client;
    int error = layers_add(path);
    struct text text = {.length = 0};
    text_add(&text, "layer");
    if (error) answer_error(client, error, "layer");
    else answer(client, &text);
}

static void map_layers(struct client *client) {
    if (guest_ram.layers_mapped || guest_ram.broken || freeze_happened()) {
        answer_error(client, EALREADY, "map");
        return;
    }
    int error = layers_map();
    if (error) {
        answer_error(client, error, "map");
        return;
    }
    leash = NULL;
    struct text text = {.length = 0};
    text_add(&text, "mapped ");
    text_add_number(&text, guest_ram.mappings);
    answer(client, &text);
}

static void rehearse(struct client *client) {
    bool fits = leash == client && !guest_ram.layers_mapped && !guest_ram.broken;
    int error = fits ? rehearsal_start() : EALREADY;
    if (error) {
        answer_error(client, error, "rehearse");
        return;
    }
    layers_from = NULL;
    struct text text = {.length = 0};
    text_add(&text, "rehearsing ");
    text_add_number(&text, guest_ram.mappings);
    answer(client, &text);
}

/// - Parameter name: of the request, which is its answer, too.
static void arm(struct client *client, enum occasion occasion, const char *name, const char *path) {
    bool fits = occasion == REWIND ? rehearsal_is_over() : rehearsal_is_under_way();
    int error = leash != client || !fits || freeze_happened() ? EALREADY
        : later.client                                       ? EBUSY
        : !translation_is_understood()                       ? ENOTSUP
                                                             : 0;
    if (error) {
        answer_error(client, error, name);
        return;
    }
    later = (struct armed){.client = client, .armed = true, .occasion = occasion};
    strcpy(later.path, path);
    atomic_store(&watching, true);
    struct text text = {.length = 0};
    text_add(&text, name);
    answer(client, &text);
}

static void answer_rewound(struct client *client, const char *word, size_t changed_pages) {
    struct text text = {.length = 0};
    text_add(&text, word);
    text_add_number(&text, guest_ram.mappings);
    text_add(&text, " ");
    text_add_number(&text, changed_pages);
    answer(client, &text);
}

static void take_back_now(struct client *client) {
    size_t changed_pages = 0;
    int error = rehearsal_take_back(&changed_pages);
    layers_from = NULL;
    if (error) answer_error(client, error, "take-back");
    else answer_rewound(client, "taken-back ", changed_pages);
}

static enum control_opening rewind_now(struct client *client) {
    size_t changed_pages = 0;
    int error = rehearsal_end(&changed_pages);
    layers_from = NULL;
    if (error) {
        answer_error(client, error, "rewind");
        return CONTROL_FAIL;
    }
    leash = NULL;
    answer_rewound(client, "rewound ", changed_pages);
    return CONTROL_REWOUND;
}

static void take_leash(struct client *client) {
    if (leash || guest_ram.layers_mapped || freeze_happened()) {
        answer_error(client, EALREADY, "leash");
        return;
    }
    leash = client;
    interpose_warm_up();
    struct text text = {.length = 0};
    text_add(&text, "leash");
    answer(client, &text);
}

static bool parse_freeze(char *argument, struct freeze_request *request) {
    char *mark = line_argument(argument, "since");
    if (mark && *mark && strlen(mark) < MARK_MAX) {
        *request = (struct freeze_request){.delta = DELTA_SINCE_MARK, .mark = mark};
    } else if (strcmp(argument, "everything") == 0) {
        *request = (struct freeze_request){.delta = DELTA_EVERYTHING};
    } else if (strcmp(argument, "since-start") == 0) {
        *request = (struct freeze_request){.delta = DELTA_SINCE_START};
    } else if (strcmp(argument, "since-first") == 0) {
        *request = (struct freeze_request){.delta = DELTA_SINCE_FIRST};
    } else {
        return false;
    }
    return true;
}

static void freeze_now(struct client *client, struct freeze_request request) {
    uint64_t start = monotonic_microseconds();
    pid_t pid = 0;
    int error = freeze_start(request, client->fd, &pid);
    if (error) {
        answer_error(client, error, "freeze");
        return;
    }
    struct text text = {.length = 0};
    text_add(&text, "frozen ");
    text_add_number(&text, (uint64_t)pid);
    text_add(&text, " ");
    text_add_number(&text, monotonic_microseconds() - start);
    // When nobody hears it, the copy sees the end of the connection too, and leaves.
    text_send(&text, client->fd);
    end_client(client);
}

static void freeze(struct client *client, char *argument) {
    struct freeze_request request;
    if (!parse_freeze(argument, &request)) {
        answer_error(client, EINVAL, "freeze");
    } else if (guest_ram.broken) {
        answer_error(client, EIO, "freeze");
    } else if (later.client != client) {
        inherit_little();
        freeze_now(client, request);
    } else {
        later.delta = request.delta;
        if (request.mark) memcpy(later.mark, request.mark, strlen(request.mark) + 1);
        later.armed = true;
        atomic_store(&watching, true);
        inherit_little();
        struct text text = {.length = 0};
        text_add(&text, "armed");
        answer(client, &text);
    }
}

static void put_off(struct client *client, const char *path) {
    if (later.client) {
        answer_error(client, EBUSY, "at");
        return;
    }
    later.client = client;
    strcpy(later.path, path);
    struct text text = {.length = 0};
    text_add(&text, "at");
    answer(client, &text);
}

/// Does what was armed, and takes it off.
static enum control_opening do_later(void) {
    struct armed now = later;
    later = (struct armed){.client = NULL};
    atomic_store(&watching, false);
    switch (now.occasion) {
    case TAKE_BACK: take_back_now(now.client); return CONTROL_FAIL;
    case REWIND: return rewind_now(now.client);
    case FREEZE: break;
    }
    freeze_now(now.client, (struct freeze_request){.delta = now.delta, .mark = now.mark});
    // Counts up, so it cannot be full.
    eventfd_write(wake, 1);
    return CONTROL_PASS;
}

enum control_opening control_opening(const char *path) {
    if (!atomic_load(&watching)) return CONTROL_PASS;
    pthread_mutex_lock(&serving);
    bool awaited = later.armed && strcmp(later.path, path) == 0;
    enum control_opening result = awaited ? do_later() : CONTROL_PASS;
    pthread_mutex_unlock(&serving);
    return result;
}

static void obey(struct client *client, char *line) {
    char *argument;
    struct text text = {.length = 0};
    if (strcmp(line, "ping") == 0) {
        text_add(&text, "pong 2");
        answer(client, &text);
    } else if (strcmp(line, "status") == 0) {
        answer_status(client);
    } else if ((argument = line_argument(line, "layer")) && *argument) {
        add_layer(client, argument);
    } else if (strcmp(line, "leash") == 0) {
        take_leash(client);
    } else if (strcmp(line, "map") == 0) {
        map_layers(client);
    } else if (strcmp(line, "rehearse") == 0) {
        rehearse(client);
    } else if ((argument = line_argument(line, "rewind")) && *argument) {
        arm(client, REWIND, "rewind", argument);
    } else if ((argument = line_argument(line, "take-back")) && *argument) {
        arm(client, TAKE_BACK, "take-back", argument);
    } else if ((argument = line_argument(line, "at")) && *argument) {
        put_off(client, argument);
    } else if ((argument = line_argument(line, "freeze"))) {
        freeze(client, argument);
    } else {
        answer_error(client, EINVAL, "request");
    }
}

static void serve(struct client *client) {
    switch (line_receive(&client->reader, client->fd)) {
    case LINE_READY: break;
    case LINE_MORE: return;
    case LINE_ENDED:
    case LINE_TOO_LONG: end_client(client); return;
    }
    char *line;
    while (client->fd >= 0 && (line = line_next(&client->reader))) obey(client, line);
}

/// Takes a new connection. When there are too many, the oldest belongs to a client that hangs.
static void accept_client(void) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    struct client *place = &clients[leash == &clients[0]];
    for (size_t i = 0; i < CLIENTS_MAX && place->fd >= 0; i++) {
        if (&clients[i] == leash) continue;
        if (clients[i].fd < 0 || clients[i].number < place->number) place = &clients[i];
    }
    if (place->fd >= 0) end_client(place);
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
