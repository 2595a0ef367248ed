// Stands in for QEMU in the tests of the memory library: maps the RAM file and does to it what it is told on stdin, one
// command a line, each answered by a line.
//
//   write SEED COUNT     COUNT random pages get random content; one in eight is filled with zeros
//   fill FIRST COUNT BYTE  fills COUNT pages with a byte
//   hammer SEED          writes random words all over the memory, in a thread, until `rest`
//   rest                 ends that
//   read COUNT           reads COUNT pages, spread evenly, as a guest does that looks at memory it never wrote
//   dump PATH            writes all of the memory to PATH
//   open PATH            creates a file
//   exec                 tries to execute a program; answers the errno
//   load PATH            reads a file as QEMU does its device state, which asks for a flush of all translations
//   flush                flushes all translations
//   flushes              answers how often that was done
//   dropped PATH         writes a byte for every page: 1 when translations of it were dropped
//
// Compiled with -DTRANSLATES it exports what the library uses of an emulating QEMU.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
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

static struct {
    pthread_t thread;
    atomic_bool ends;
    char *memory;
    size_t pages;
    uint64_t seed;
} hammer;

static void *run_hammer(void *unused) {
    (void)unused;
    uint64_t random = hammer.seed;
    while (!atomic_load(&hammer.ends)) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t *page = (uint64_t *)(hammer.memory + (random >> 33) % hammer.pages * PAGE);
        page[random >> 24 & 511] = random;
    }
    return NULL;
}

static int start_hammer(char *memory, size_t pages, uint64_t seed) {
    hammer.memory = memory;
    hammer.pages = pages;
    hammer.seed = seed;
    atomic_store(&hammer.ends, false);
    return pthread_create(&hammer.thread, NULL, run_hammer, NULL);
}

static int rest(void) {
    atomic_store(&hammer.ends, true);
    return pthread_join(hammer.thread, NULL);
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

#ifdef TRANSLATES
/// QEMU's `struct TBContext`, of which the library knows the size and the place of the counter.
struct {
    char table[0x48];
    unsigned flushes;
    unsigned invalidations;
} tb_ctx = {.flushes = 0};

static char *ram;
static char dropped[65536];
static int resets, yanks;

void qemu_system_reset(int cause) { resets += cause == 0; }

int yank_register_instance(const int *instance, void *error) {
    yanks += *instance == 2 && !error;
    return 1;
}

uint64_t qemu_ram_addr_from_host_nofail(void *host) { return (uint64_t)((char *)host - ram) + (1 << 20); }

void tb_invalidate_phys_range(uint64_t start, uint64_t end) {
    memset(dropped + (start - (1 << 20)) / PAGE, 1, (end - start) / PAGE);
}

static int load(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return errno;
    unsigned flushes = tb_ctx.flushes;
    close(fd);
    // What was asked for is done later, unless another flush came first.
    if (flushes == tb_ctx.flushes) tb_ctx.flushes += 100;
    return resets == 1 && yanks == 1 ? 0 : ENOTRECOVERABLE;
}

static int translate(const char *memory, const char *line, char *path) {
    ram = (char *)memory;
    if (sscanf(line, "load %8191s", path) == 1) return load(path);
    if (sscanf(line, "dropped %8191s", path) == 1) return dump(dropped, sizeof dropped, path);
    if (strcmp(line, "flush\n") == 0) return tb_ctx.flushes++, 0;
    return strcmp(line, "flushes\n") == 0 ? (int)tb_ctx.flushes : EINVAL;
}
#else
static int translate(const char *memory, const char *line, char *path) {
    (void)memory;
    return sscanf(line, "load %8191s", path) == 1 ? ENOSYS : EINVAL;
}
#endif

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
    unsigned long long seed, count, first;
    unsigned byte;
    while (fgets(line, sizeof line, stdin)) {
        int result = 0;
        if (sscanf(line, "write %llu %llu", &seed, &count) == 2) {
            state = seed * 2 + 1;
            write_pages(memory, bytes / PAGE, count);
        } else if (sscanf(line, "fill %llu %llu %u", &first, &count, &byte) == 3) {
            if (first + count <= bytes / PAGE) memset(memory + first * PAGE, (int)byte, count * PAGE);
            else result = EINVAL;
        } else if (sscanf(line, "hammer %llu", &seed) == 1) {
            result = start_hammer(memory, bytes / PAGE, seed);
        } else if (strcmp(line, "rest\n") == 0) {
            result = rest();
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
            result = translate(memory, line, path);
        }
        printf("%d\n", result);
        fflush(stdout);
    }
    return 0;
}
