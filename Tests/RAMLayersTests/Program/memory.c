// Stands in for QEMU in the tests of the memory library: maps the RAM file and does to it what it is told on stdin, one
// command a line, each answered by a line.
//
//   write SEED COUNT     COUNT random pages get random content; one in eight is filled with zeros
//   read COUNT           reads COUNT pages, spread evenly, as a guest does that looks at memory it never wrote
//   dump PATH            writes all of the memory to PATH
//   open PATH            creates a file
//   exec                 tries to execute a program; answers the errno
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

static uint64_t state;

static uint64_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void write_pages(char *memory, size_t pages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t *page = (uint64_t *)(memory + next_random() % pages * PAGE);
        if (next_random() % 8 == 0) {
            memset(page, 0, PAGE);
            continue;
        }
        for (size_t word = 0; word < PAGE / sizeof *page; word++) page[word] = next_random();
    }
}

static unsigned read_pages(const volatile char *memory, size_t pages, size_t count) {
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) sum += (unsigned)memory[i * (pages / count) * PAGE];
    return sum;
}

static int dump(const char *memory, size_t bytes, const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) return errno;
    for (size_t done = 0; done < bytes;) {
        ssize_t written = write(fd, memory + done, bytes - done);
        if (written < 0) return errno;
        done += (size_t)written;
    }
    close(fd);
    return 0;
}

int main(void) {
    struct stat status;
    int fd = open(getenv("VERS_RAM_FILE"), O_RDWR);
    if (fd < 0 || fstat(fd, &status) != 0) return 2;
    size_t bytes = (size_t)status.st_size;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return 3;
    // What QEMU does to guest RAM.
    madvise(memory, bytes, MADV_DONTFORK);
    madvise(memory, bytes, MADV_HUGEPAGE);
    close(fd);
    printf("ready\n");
    fflush(stdout);
    char line[8192], path[8192];
    unsigned long long seed, count;
    while (fgets(line, sizeof line, stdin)) {
        int result = 0;
        if (sscanf(line, "write %llu %llu", &seed, &count) == 2) {
            state = seed * 2 + 1;
            write_pages(memory, bytes / PAGE, count);
        } else if (sscanf(line, "read %llu", &count) == 1) {
            read_pages(memory, bytes / PAGE, count);
        } else if (sscanf(line, "dump %8191s", path) == 1) {
            result = dump(memory, bytes, path);
        } else if (sscanf(line, "open %8191[^\n]", path) == 1) {
            int opened = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
            result = opened < 0 ? errno : 0;
            close(opened);
        } else if (strcmp(line, "exec\n") == 0) {
            char *const arguments[] = {"/bin/true", NULL};
            execv(arguments[0], arguments);
            result = errno;
        } else {
            result = EINVAL;
        }
        printf("%d\n", result);
        fflush(stdout);
    }
    return 0;
}
