#define _GNU_SOURCE
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bitmap.h"
#include "extents.h"
#include "layerfile.h"
#include "pagemap.h"
#include "precopy.h"
#include "ram.h"
#include "text.h"

enum { FIRST_FD = 3, TRIM_FIRST_MS = 1000, TRIM_LAST_MS = 60000 };

static int client, process, pagemap;
static enum delta delta;
static struct line_reader reader;
static bool copied;

/// Gives the memory back before the end: a page must not look shared because of a copy that is still dying.
noreturn static void leave(void) {
    munmap(guest_ram.base, guest_ram.bytes);
    _exit(0);
}

static bool send_message(enum copy_message_kind kind, const char *mark) {
    struct copy_message message = {.kind = kind};
    if (mark) memcpy(message.mark, mark, strnlen(mark, MARK_MAX - 1));
    return send(process, &message, sizeof message, MSG_NOSIGNAL) == sizeof message;
}

static enum copy_message_kind receive_message(void) {
    struct copy_message message;
    ssize_t got;
    do got = recv(process, &message, sizeof message, 0);
    while (got < 0 && errno == EINTR);
    if (got != sizeof message || message.kind == COPY_LEAVE) leave();
    return message.kind;
}

static void become_copy(int parent) {
    // Ends with the process it was forked from, which must not have ended before the request.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    prctl(PR_SET_NAME, "vers-frozen");
    // A process that changed its uid may not open its own pagemap otherwise.
    prctl(PR_SET_DUMPABLE, 1);
    // Nothing else of QEMU may stay open here: image locks, monitor and agent sockets would outlive their owner.
    int kept[] = {client, process, precopy_layer()};
    int count = precopy_is_under_way() ? 3 : 2;
    for (int i = 0; i < count; i++) kept[i] = fcntl(kept[i], F_DUPFD_CLOEXEC, 512);
    for (int i = 0; i < count; i++) {
        if (kept[i] < 0 || dup3(kept[i], FIRST_FD + i, O_CLOEXEC) < 0) _exit(1);
    }
    client = FIRST_FD;
    process = FIRST_FD + 1;
    if (count == 3) precopy_inherit(FIRST_FD + 2);
    if (syscall(SYS_close_range, FIRST_FD + count, ~0U, 0) != 0) _exit(1);
    // The host should give up a copy before a machine.
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        if (write(score, "800", 3) != 3) errno = 0;
        close(score);
    }
    pagemap = pagemap_open();
}

/// Puts the pages of the layer into `guest_ram.written`.
static int choose_pages(void) {
    delta_forget_unchanged();
    if (delta == DELTA_SINCE_MARK) {
        // Without an answer nothing counts as unchanged: the layer gets bigger, not wrong.
        if (!send_message(COPY_SCAN, NULL)) leave();
        if (receive_message() != COPY_SCANNED) delta_forget_unchanged();
    }
    return delta_choose_own(pagemap, delta);
}

static int write_layer(const char *path, struct layer_size *size, const char **what) {
    if (precopy_is_under_way()) return precopy_finish(size, what);
    *what = "pagemap";
    int error = pagemap < 0 ? EACCES : choose_pages();
    if (error) return error;
    extents_join(guest_ram.written, guest_ram.pages);
    int layer;
    error = layer_create(path, &layer, what);
    if (error) return error;
    *what = "write";
    error = layer_write_pages(layer, guest_ram.written);
    if (!error) {
        *what = "holes";
        error = layer_check(layer, guest_ram.written, size);
    }
    close(layer);
    return error;
}

/// Writes the layer, or what is left of it, and answers as layer_describe() has it.
static void copy_memory(const char *path) {
    uint64_t start = monotonic_microseconds();
    struct layer_size size = {0, 0};
    const char *what;
    int error = write_layer(path, &size, &what);
    if (error) {
        text_send_error(client, error, what);
        leave();
    }
    copied = true;
    struct text text = {.length = 0};
    layer_describe(size, monotonic_microseconds() - start, &text);
    if (!text_send(&text, client)) leave();
}

/// Becomes the mark. The answer to the client is a courtesy: it may be gone.
static void keep(const char *mark) {
    if (!send_message(COPY_KEEP, mark)) leave();
    while (receive_message() != COPY_KEPT) continue;
    struct text text = {.length = 0};
    text_add(&text, "kept");
    text_send(&text, client);
    close(client);
    client = -1;
    // What is written after it is known without a holder.
    if (precopy_is_under_way()) leave();
}

static void obey(char *line) {
    char *argument;
    if ((argument = line_argument(line, "copy")) && *argument && !copied) {
        copy_memory(argument);
    } else if ((argument = line_argument(line, "keep")) && *argument && strlen(argument) < MARK_MAX && copied) {
        keep(argument);
    } else if (line_argument(line, "abandon")) {
        leave();
    } else {
        text_send_error(client, EINVAL, "request");
    }
}

static void serve_client(void) {
    switch (line_receive(&reader, client)) {
    case LINE_READY: break;
    case LINE_MORE: return;
    case LINE_ENDED:
    case LINE_TOO_LONG: leave();
    }
    char *line;
    while (client >= 0 && (line = line_next(&reader))) obey(line);
}

static void note_unchanged(size_t page, uint64_t entry, void *unused) {
    (void)unused;
    if (!pagemap_is_shared(entry)) return;
    // The zero page of a mere read looks shared for ever, whatever the process has written there since.
    bitmap_set(ram_page_is_zero(page) ? guest_ram.zero_at_mark : guest_ram.unchanged, page);
}

static void scan_for_process(void) {
    int error = pagemap < 0 ? EACCES : pagemap_scan_all(pagemap, note_unchanged, NULL);
    if (!send_message(error ? COPY_SCAN_FAILED : COPY_SCANNED, NULL)) leave();
}

struct trim {
    size_t first;
    size_t end;
    size_t pages;
};

static void trim_run(struct trim *trim) {
    if (trim->end > trim->first) madvise(ram_page(trim->first), (trim->end - trim->first) * PAGE_BYTES, MADV_DONTNEED);
    trim->pages += trim->end - trim->first;
}

static void trim_page(size_t page, uint64_t entry, void *context) {
    struct trim *trim = context;
    if (!pagemap_is_exclusive(entry)) return;
    if (page != trim->end) {
        trim_run(trim);
        trim->first = page;
    }
    trim->end = page + 1;
}

/// Drops pages that only this holder still has. They have changed in the process, and stay told apart: a page that
/// is absent here counts as changed.
static size_t trim_memory(void) {
    struct trim trim = {0, 0, 0};
    if (pagemap >= 0) pagemap_scan_all(pagemap, trim_page, &trim);
    trim_run(&trim);
    return trim.pages;
}

noreturn static void hold_mark(void) {
    int interval = TRIM_FIRST_MS;
    for (;;) {
        struct pollfd wait = {.fd = process, .events = POLLIN};
        int ready = poll(&wait, 1, interval);
        if (ready > 0) {
            if (receive_message() == COPY_SCAN) scan_for_process();
        } else if (ready == 0) {
            trim_memory();
            interval = interval * 2 < TRIM_LAST_MS ? interval * 2 : TRIM_LAST_MS;
        }
    }
}

void copy_run(int client_fd, int process_fd, int parent, enum delta wanted) {
    client = client_fd;
    process = process_fd;
    delta = wanted;
    become_copy(parent);
    while (client >= 0) {
        struct pollfd wait[2] = {{.fd = client, .events = POLLIN}, {.fd = process, .events = POLLIN}};
        if (poll(wait, 2, -1) < 0) continue;
        if (wait[1].revents) receive_message();
        if (wait[0].revents) serve_client();
    }
    hold_mark();
}
