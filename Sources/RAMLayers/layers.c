#define _GNU_SOURCE
#include "layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bitmap.h"
#include "ram.h"

static int layers[LAYERS_MAX];
static size_t layer_count;

int layers_add(const char *path) {
    if (layer_count == LAYERS_MAX) return E2BIG;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    struct stat status;
    int error = fstat(fd, &status) != 0 ? errno : 0;
    if (!error && (!S_ISREG(status.st_mode) || (size_t)status.st_size != guest_ram.bytes)) error = EFBIG;
    if (error) {
        close(fd);
        return error;
    }
    layers[layer_count++] = fd;
    return 0;
}

void layers_clear(void) {
    for (size_t i = 0; i < layer_count; i++) close(layers[i]);
    layer_count = 0;
}

/// Puts `number` into `owner` for every page that holds data in the layer.
static int claim_pages(int fd, uint16_t number, uint16_t *owner) {
    off_t end = (off_t)guest_ram.bytes;
    for (off_t data = 0; data < end;) {
        data = lseek(fd, data, SEEK_DATA);
        if (data < 0) return errno == ENXIO ? 0 : errno;
        off_t hole = lseek(fd, data, SEEK_HOLE);
        if (hole < 0) return errno;
        if (data % PAGE_BYTES || (hole % PAGE_BYTES && hole != end)) return EILSEQ;
        for (off_t page = data / PAGE_BYTES; page < hole / PAGE_BYTES; page++) owner[page] = number;
        data = hole;
    }
    return 0;
}

static int map_run(size_t first, size_t pages, uint16_t number) {
    off_t offset = (off_t)(first * PAGE_BYTES);
    void *mapped = mmap(
        ram_page(first), pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
        layers[number - 1], offset);
    if (mapped == MAP_FAILED) return errno;
    for (size_t page = first; page < first + pages; page++) bitmap_set(guest_ram.covered_at_start, page);
    guest_ram.mappings++;
    return 0;
}

/// Maps each run of pages that one layer provides, so that nothing is mapped only to be covered again.
static int map_owned_runs(const uint16_t *owner) {
    for (size_t page = 0; page < guest_ram.pages;) {
        size_t next = page + 1;
        while (next < guest_ram.pages && owner[next] == owner[page]) next++;
        if (owner[page]) {
            int error = map_run(page, next - page, owner[page]);
            if (error) return error;
        }
        page = next;
    }
    return 0;
}

int layers_map(void) {
    size_t owner_bytes = guest_ram.pages * sizeof(uint16_t);
    uint16_t *owner = mmap(NULL, owner_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (owner == MAP_FAILED) return errno;
    int error = 0;
    for (size_t i = 0; i < layer_count && !error; i++) error = claim_pages(layers[i], (uint16_t)(i + 1), owner);
    if (!error) {
        error = map_owned_runs(owner);
        guest_ram.broken = error != 0;
    }
    munmap(owner, owner_bytes);
    layers_clear();
    if (error) return error;
    // Changed pages are told apart in units of 4 KiB.
    madvise(guest_ram.base, guest_ram.bytes, MADV_NOHUGEPAGE);
    memcpy(guest_ram.covered_at_mark, guest_ram.covered_at_start, bitmap_bytes(guest_ram.pages));
    guest_ram.layers_mapped = true;
    return 0;
}
