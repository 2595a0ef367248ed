// Keeps pages of memory and of a file whose contents prove where they come from, and checks them without end.
//
// usage: pages MEMORY-PAGES FILE-PAGES FILE STATUS SEED-FILE
//
// Every page holds its index, a version, the seed it was written with, and words that follow from the three; the
// program knows apart from the pages what each must hold. A pass checks every page of memory and some of the file, and
// writes each anew with the next version. The seed is read at the start of every pass, so that a branched program can
// be made to write what no relative of it writes. STATUS holds: passes, violations, seed, seeds that were seen.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { page_size = 4096, words = page_size / 8 };

struct expectation {
    uint64_t version;
    uint64_t seed;
};

static const char *status_path, *seed_path;
static uint64_t violations, passes, seed;
static char first_violation[160] = "-";

static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void fill(uint64_t *page, uint64_t index, uint64_t version, uint64_t seed_used) {
    page[0] = index;
    page[1] = version;
    page[2] = seed_used;
    uint64_t state = mix(index) ^ mix(version) ^ mix(seed_used), sum = 0;
    for (int i = 3; i < words - 1; i++) {
        state = mix(state);
        page[i] = state;
        sum += state;
    }
    page[words - 1] = sum;
}

static void check(const char *where, const uint64_t *page, uint64_t index, const struct expectation *expected) {
    uint64_t wanted[words];
    fill(wanted, index, expected->version, expected->seed);
    if (memcmp(wanted, page, page_size) == 0) return;
    if (violations++ == 0)
        snprintf(first_violation, sizeof first_violation, "%s page %llu: has %llu/%llu/%llu, wants version %llu seed %llu",
                 where, (unsigned long long)index, (unsigned long long)page[0], (unsigned long long)page[1],
                 (unsigned long long)page[2], (unsigned long long)expected->version,
                 (unsigned long long)expected->seed);
}

static void die(const char *what) {
    FILE *file = fopen(status_path, "w");
    if (file) fprintf(file, "0 1 0 %s\n", what);
    exit(1);
}

static void read_seed(void) {
    FILE *file = fopen(seed_path, "r");
    unsigned long long value;
    if (!file) return;
    if (fscanf(file, "%llu", &value) == 1) seed = value;
    fclose(file);
}

static void write_status(void) {
    char temporary[256];
    snprintf(temporary, sizeof temporary, "%s.new", status_path);
    FILE *file = fopen(temporary, "w");
    if (!file) return;
    fprintf(file, "%llu %llu %llu %s\n", (unsigned long long)passes, (unsigned long long)violations,
            (unsigned long long)seed, first_violation);
    fclose(file);
    rename(temporary, status_path);
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    const size_t memory_pages = strtoul(argv[1], 0, 10), file_pages = strtoul(argv[2], 0, 10);
    status_path = argv[4];
    seed_path = argv[5];
    read_seed();
    if (daemon(1, 0) != 0) return 1;
    const int file = open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0) die("open");
    uint64_t *pages = mmap(0, memory_pages * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct expectation *expected = calloc(memory_pages + file_pages, sizeof *expected);
    static uint64_t buffer[words];
    if (pages == MAP_FAILED || !expected) die("memory");
    for (size_t i = 0; i < memory_pages; i++) {
        expected[i] = (struct expectation){1, seed};
        fill(pages + i * words, i, 1, seed);
    }
    for (size_t i = 0; i < file_pages; i++) {
        expected[memory_pages + i] = (struct expectation){1, seed};
        fill(buffer, i, 1, seed);
        if (pwrite(file, buffer, page_size, (off_t)(i * page_size)) != page_size) die("write");
    }
    for (;;) {
        read_seed();
        for (size_t i = 0; i < memory_pages; i++) {
            check("memory", pages + i * words, i, &expected[i]);
            expected[i].version++;
            expected[i].seed = seed;
            fill(pages + i * words, i, expected[i].version, seed);
        }
        // A quarter of the file in every pass, past the page cache from time to time.
        if (passes % 16 == 15) posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        for (size_t i = passes % 4; i < file_pages; i += 4) {
            struct expectation *wanted = &expected[memory_pages + i];
            if (pread(file, buffer, page_size, (off_t)(i * page_size)) != page_size) die("read");
            check("file", buffer, i, wanted);
            wanted->version++;
            wanted->seed = seed;
            fill(buffer, i, wanted->version, seed);
            if (pwrite(file, buffer, page_size, (off_t)(i * page_size)) != page_size) die("write");
        }
        if (passes % 4 == 3 && fdatasync(file) != 0) die("sync");
        passes++;
        write_status();
        // The other VMs want the processors, too.
        usleep(20000);
    }
}
