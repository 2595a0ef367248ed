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
#include "pagemap.h"
#include "ram.h"

/// A chain that is longer is not mapped over again.
enum { REMEMBERED_MAX = 64 };

struct file_id {
    dev_t device;
    ino_t inode;
};

static struct file_id mapped[REMEMBERED_MAX];
static size_t mapped_count;
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

bool layers_are_named(void) { return layer_count > 0; }

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

/// Which layer gives each page.
struct plan {
    /// The number of the uppermost layer that holds the page; 0 where none does.
    uint16_t *owner;
    /// The pages that the first layer holds, whoever gives them. Empty unless the plan is of the first layer, too.
    uint64_t *first;
    bool is_of_first;
};

static int map_run(size_t first, size_t pages, uint16_t number) {
    off_t offset = (off_t)(first * PAGE_BYTES);
    void *mapped = mmap(
        ram_page(first), pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
        layers[number - 1], offset);
    if (mapped == MAP_FAILED) return errno;
    for (size_t page = first; page < first + pages; page++) {
        bitmap_set(guest_ram.covered_at_start, page);
        if (number > 1) bitmap_set(guest_ram.covered_above_first, page);
    }
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

/// Notes which files are mapped.
static int remember(void) {
    for (size_t i = 0; i < layer_count; i++) {
        struct stat status;
        if (fstat(layers[i], &status) != 0) return errno;
        if (i < REMEMBERED_MAX) mapped[i] = (struct file_id){status.st_dev, status.st_ino};
    }
    mapped_count = layer_count;
    return 0;
}

static bool begins_with_mapped(void) {
    if (layer_count < mapped_count || mapped_count > REMEMBERED_MAX) return false;
    for (size_t i = 0; i < mapped_count; i++) {
        struct stat status;
        if (fstat(layers[i], &status) != 0) return false;
        if (status.st_dev != mapped[i].device || status.st_ino != mapped[i].inode) return false;
    }
    return true;
}

static size_t owner_bytes(void) { return (guest_ram.pages * sizeof(uint16_t) + 7) / 8 * 8; }

static void discard(struct plan plan) { munmap(plan.owner, owner_bytes() + bitmap_bytes(guest_ram.pages)); }

/// Says who gives what of the layers behind the first `count`. Returns 0 or an errno value.
static int make_plan(size_t count, struct plan *plan) {
    size_t bytes = owner_bytes() + bitmap_bytes(guest_ram.pages);
    char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return errno;
    *plan = (struct plan){(uint16_t *)map, (uint64_t *)(map + owner_bytes()), count == 0};
    int error = 0;
    for (size_t i = count; i < layer_count && !error; i++) {
        error = claim_pages(layers[i], (uint16_t)(i + 1), plan->owner);
        if (i > 0) continue;
        for (size_t page = 0; page < guest_ram.pages; page++) {
            if (plan->owner[page]) bitmap_set(plan->first, page);
        }
    }
    if (error) discard(*plan);
    return error;
}

static int follow_plan(struct plan plan) {
    int error = map_owned_runs(plan.owner);
    guest_ram.broken = error != 0;
    if (plan.is_of_first) memcpy(guest_ram.covered_by_first, plan.first, bitmap_bytes(guest_ram.pages));
    discard(plan);
    layers_clear();
    if (error) return error;
    // Changed pages are told apart in units of 4 KiB.
    madvise(guest_ram.base, guest_ram.bytes, MADV_NOHUGEPAGE);
    memcpy(guest_ram.covered_at_mark, guest_ram.covered_at_start, bitmap_bytes(guest_ram.pages));
    guest_ram.layers_mapped = true;
    return 0;
}

int layers_map(void) {
    struct plan plan;
    int error = remember();
    if (!error) error = make_plan(0, &plan);
    if (!error) return follow_plan(plan);
    layers_clear();
    return error;
}

static void note_own(size_t page, uint64_t entry, void *changed) {
    if (pagemap_is_own(entry)) bitmap_set(changed, page);
}

static int find_written(uint64_t *written) {
    int pagemap = pagemap_open();
    if (pagemap < 0) return errno;
    int error = pagemap_scan_all(pagemap, note_own, written);
    close(pagemap);
    return error;
}

/// Has guest RAM hold nothing.
static void unmap_all(void) {
    void *base = mmap(
        guest_ram.base, guest_ram.bytes, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    // What is not there now is not there at all.
    if (base == MAP_FAILED) _exit(122);
    memset(guest_ram.covered_at_start, 0, bitmap_bytes(guest_ram.pages));
    memset(guest_ram.covered_above_first, 0, bitmap_bytes(guest_ram.pages));
    guest_ram.mappings = 0;
}

int layers_restore(uint64_t *changed) {
    struct plan plan;
    bool fits = begins_with_mapped() && layer_count == mapped_count;
    int error = fits ? make_plan(0, &plan) : ESTALE;
    if (!error) {
        error = find_written(changed);
        if (error) discard(plan);
    }
    if (error) {
        layers_clear();
        return error;
    }
    unmap_all();
    return follow_plan(plan);
}

int layers_replace(uint64_t *changed) {
    struct plan plan;
    bool fits = begins_with_mapped();
    int error = make_plan(fits ? mapped_count : 0, &plan);
    if (!error) {
        error = remember();
        if (error) discard(plan);
    }
    if (error) {
        layers_clear();
        return error;
    }
    if (!fits) unmap_all();
    for (size_t page = 0; page < guest_ram.pages; page++) {
        if (!fits || plan.owner[page]) bitmap_set(changed, page);
    }
    return follow_plan(plan);
}
