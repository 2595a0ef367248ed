#define _GNU_SOURCE
#include "freeze.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bitmap.h"
#include "precopy.h"
#include "ram.h"

enum copy_role { ROLE_NONE, ROLE_PENDING, ROLE_HOLDER, ROLE_LEAVING };

struct copy {
    enum copy_role role;
    pid_t pid;
    int socket;
    enum delta delta;
    /// The layer was begun by the process, which needs no holder of the mark.
    bool finishes_layer;
    /// A pending copy waits for a scan that cannot start yet, or has not been answered.
    bool wants_scan;
    bool scanning;
};

enum { STACK_BYTES = 256 * 1024 };

/// What a new copy begins with. It has neither the stack nor the heap of the thread that makes it.
static struct {
    int client;
    int socket;
    pid_t parent;
    enum delta delta;
    alignas(16) char stack[STACK_BYTES];
} birth;

static struct copy copies[FREEZE_POLL_MAX];
static char held_mark[MARK_MAX];
static bool mark_is_tracked;
static bool happened;

static struct copy *find_role(enum copy_role role) {
    for (size_t i = 0; i < FREEZE_POLL_MAX; i++) {
        if (copies[i].role == role) return &copies[i];
    }
    return NULL;
}

static bool send_message(const struct copy *copy, enum copy_message_kind kind) {
    struct copy_message message = {.kind = kind};
    return send(copy->socket, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message;
}

static void dismiss(struct copy *copy) {
    if (!copy) return;
    copy->role = ROLE_LEAVING;
    // A copy that cannot be told is on its way out already.
    send_message(copy, COPY_LEAVE);
}

static void drop_mark(void) {
    held_mark[0] = 0;
    dismiss(find_role(ROLE_HOLDER));
}

const char *freeze_mark(void) { return held_mark; }

bool freeze_mark_is_tracked(void) { return mark_is_tracked; }

bool freeze_pending(void) { return find_role(ROLE_PENDING) != NULL; }

bool freeze_happened(void) { return happened || precopy_has_begun(); }

static int run_copy(void *unused) {
    (void)unused;
    copy_run(birth.client, birth.socket, birth.parent, birth.delta);
}

/// A fork without the handlers of pthread_atfork: they take locks that another thread may hold. A copy takes no signals,
/// whose handlers are QEMU's; it ends with its process.
static pid_t make_copy(int client, int socket, enum delta delta) {
    sigset_t all, before;
    birth.client = client;
    birth.socket = socket;
    birth.parent = getpid();
    birth.delta = delta;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = clone(run_copy, birth.stack + STACK_BYTES, SIGCHLD, NULL);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return child;
}

int freeze_start(struct freeze_request request, int client, pid_t *pid) {
    struct copy *copy = find_role(ROLE_NONE);
    if (freeze_pending() || !copy) return EBUSY;
    if (request.delta == DELTA_SINCE_MARK && (!held_mark[0] || strcmp(request.mark, held_mark) != 0)) return ESTALE;
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return errno;
    pid_t child = make_copy(client, sockets[1], request.delta);
    int error = errno;
    close(sockets[1]);
    if (child < 0) {
        close(sockets[0]);
        return error;
    }
    *copy = (struct copy){.role = ROLE_PENDING, .pid = child, .socket = sockets[0], .delta = request.delta};
    copy->finishes_layer = precopy_is_under_way();
    if (copy->finishes_layer) precopy_hand_over();
    happened = true;
    *pid = child;
    return 0;
}

size_t freeze_poll(struct pollfd *waits) {
    size_t count = 0;
    for (size_t i = 0; i < FREEZE_POLL_MAX; i++) {
        if (copies[i].role == ROLE_NONE) continue;
        waits[count++] = (struct pollfd){.fd = copies[i].socket, .events = POLLIN};
    }
    return count;
}

/// Has the holder look, as soon as no third process maps guest memory: a page is told unchanged by being shared, and
/// a copy on its way out would share it, too.
static void start_scan(void) {
    struct copy *pending = find_role(ROLE_PENDING), *holder = find_role(ROLE_HOLDER);
    if (!pending || !pending->wants_scan || find_role(ROLE_LEAVING)) return;
    pending->wants_scan = false;
    pending->scanning = true;
    if (holder && held_mark[0] && send_message(holder, COPY_SCAN)) return;
    pending->scanning = false;
    send_message(pending, COPY_SCAN_FAILED);
}

static void finish_scan(enum copy_message_kind answer) {
    struct copy *pending = find_role(ROLE_PENDING);
    if (!pending || !pending->scanning) return;
    pending->scanning = false;
    send_message(pending, answer);
}

static void note_covered(enum delta delta) {
    size_t words = bitmap_bytes(guest_ram.pages) / sizeof(uint64_t);
    const uint64_t *underneath = delta_underneath(delta);
    for (size_t i = 0; i < words; i++) {
        guest_ram.covered_at_mark[i] = (underneath ? underneath[i] : 0) | guest_ram.written[i];
    }
}

static void set_mark(enum delta delta, const char *mark, bool is_tracked) {
    dismiss(find_role(ROLE_HOLDER));
    note_covered(delta);
    memcpy(held_mark, mark, strnlen(mark, MARK_MAX - 1) + 1);
    mark_is_tracked = is_tracked;
    if (is_tracked) precopy_keep();
}

void freeze_keep(enum delta delta, const char *mark) {
    set_mark(delta, mark, true);
}

static void keep(struct copy *copy, const char *mark) {
    set_mark(copy->delta, mark, copy->finishes_layer);
    copy->role = copy->finishes_layer ? ROLE_LEAVING : ROLE_HOLDER;
    send_message(copy, COPY_KEPT);
}

static void reap(struct copy *copy) {
    enum copy_role role = copy->role;
    int status = 0;
    close(copy->socket);
    while (waitpid(copy->pid, &status, 0) < 0 && errno == EINTR) continue;
    *copy = (struct copy){.role = ROLE_NONE};
    if (role == ROLE_HOLDER) {
        held_mark[0] = 0;
        finish_scan(COPY_SCAN_FAILED);
    }
    // One that was killed may be kept in memory a little longer by whoever looks at it through /proc, and make pages
    // look shared that are not: no mark that has a holder can be relied on.
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        if (!mark_is_tracked) drop_mark();
        finish_scan(COPY_SCAN_FAILED);
    }
    start_scan();
}

void freeze_serve(int fd) {
    struct copy *copy = NULL;
    for (size_t i = 0; i < FREEZE_POLL_MAX; i++) {
        if (copies[i].role != ROLE_NONE && copies[i].socket == fd) copy = &copies[i];
    }
    if (!copy) return;
    struct copy_message message;
    ssize_t got = recv(fd, &message, sizeof message, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got != sizeof message) {
        reap(copy);
        return;
    }
    message.mark[MARK_MAX - 1] = 0;
    if (message.kind == COPY_SCAN && copy->role == ROLE_PENDING) {
        copy->wants_scan = true;
        start_scan();
    } else if (message.kind == COPY_KEEP && copy->role == ROLE_PENDING) {
        keep(copy, message.mark);
    } else if (message.kind == COPY_SCANNED || message.kind == COPY_SCAN_FAILED) {
        finish_scan(message.kind);
    }
}
