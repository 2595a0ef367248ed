// What the benchmark runs inside guests. Static, so that it runs in any image.
//
//   bench-guest dirty FILE BYTES   makes FILE that long if it is not, and changes a word in every page of it
//   bench-guest tick MICROSECONDS  writes a dot to stdout, sleeps that long, and so on
//   bench-guest serve PORT         serves TCP connections, each in a process of its own, which begin with a letter and a
//                                  64-bit number in little-endian order: `s` is sent that many bytes, `r` takes that
//                                  many and answers with one, `e` gets back whatever it sends
//
// A tmpfs file is guest memory, and stays dirty after the command. Its pages are filled with pseudo-random words once,
// so that no layer of zero pages or compression flatters a result; a word per page is enough to dirty it again.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / sizeof(uint64_t) };

static int fail(const char *what) {
    fprintf(stderr, "bench-guest: %s: %s\n", what, strerror(errno));
    return 1;
}

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int dirty(const char *path, const char *length) {
    char *end;
    errno = 0;
    unsigned long long bytes = strtoull(length, &end, 10);
    if (errno || *end || bytes < PAGE) {
        fprintf(stderr, "bench-guest: invalid length '%s': expected at least %d bytes\n", length, PAGE);
        return 2;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0) return fail(path);
    int fresh = (unsigned long long)status.st_size != bytes;
    if (fresh && (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)bytes) < 0)) return fail(path);
    // A full tmpfs is an error here, and would be a signal when the pages are first written.
    if (fresh && (errno = posix_fallocate(fd, 0, (off_t)bytes))) return fail(path);
    uint64_t *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (words == MAP_FAILED) return fail(path);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t state = ((uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec) | 1;
    for (unsigned long long page = 0; page < bytes / PAGE; page++) {
        uint64_t *first = words + page * WORDS;
        int count = fresh ? WORDS : 1;
        for (int word = 0; word < count; word++) first[word] = next(&state);
    }
    return 0;
}

static int tick(const char *interval) {
    char *end;
    errno = 0;
    long microseconds = strtol(interval, &end, 10);
    if (errno || *end || microseconds < 100 || microseconds > 1000000) {
        fprintf(stderr, "bench-guest: invalid interval '%s': expected 100 to 1000000 microseconds\n", interval);
        return 2;
    }
    struct timespec pause = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (write(STDOUT_FILENO, ".", 1) == 1) nanosleep(&pause, NULL);
    return fail("stdout");
}

static char block[65536];

static void serve_connection(int fd) {
    struct { char command; uint64_t count; } __attribute__((packed)) order;
    if (recv(fd, &order, sizeof(order), MSG_WAITALL) != sizeof(order)) return;
    ssize_t size;
    if (order.command == 'e') {
        while ((size = read(fd, block, sizeof(block))) > 0 && send(fd, block, (size_t)size, 0) == size) {}
        return;
    }
    uint64_t state = 1;
    for (size_t index = 0; index < sizeof(block); index += 8) {
        uint64_t word = next(&state);
        memcpy(block + index, &word, 8);
    }
    for (uint64_t rest = order.count; rest > 0; rest -= (uint64_t)size) {
        size_t part = rest < sizeof(block) ? (size_t)rest : sizeof(block);
        size = order.command == 's' ? write(fd, block, part) : read(fd, block, part);
        if (size <= 0) return;
    }
    if (order.command == 'r' && write(fd, "", 1) != 1) return;
}

static int serve(const char *text) {
    char *end;
    errno = 0;
    unsigned long port = strtoul(text, &end, 10);
    if (errno || *end || port < 1 || port > 65535) {
        fprintf(stderr, "bench-guest: invalid port '%s': expected 1 to 65535\n", text);
        return 2;
    }
    signal(SIGCHLD, SIG_IGN);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1024) < 0)
        return fail("listen");
    // The one who started it waits for the end of the command only.
    if (daemon(0, 0) < 0) return fail("daemon");
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        if (fork() == 0) {
            close(listener);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            serve_connection(fd);
            _exit(0);
        }
        close(fd);
    }
}

int main(int count, char **arguments) {
    if (count == 4 && !strcmp(arguments[1], "dirty")) return dirty(arguments[2], arguments[3]);
    if (count == 3 && !strcmp(arguments[1], "tick")) return tick(arguments[2]);
    if (count == 3 && !strcmp(arguments[1], "serve")) return serve(arguments[2]);
    fprintf(stderr, "usage: bench-guest dirty FILE BYTES | tick MICROSECONDS | serve PORT\n");
    return 2;
}
