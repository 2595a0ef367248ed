#define _GNU_SOURCE
#include "inherit.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bitmap.h"
#include "ram.h"

enum { KEPT_MAX = 16, LINE_BYTES = 512 };

struct range {
    uintptr_t first;
    uintptr_t end;
};

static struct range kept[KEPT_MAX];
static size_t kept_count;
/// Of this library, the C library and the loader, without which no copy can run.
static size_t objects_found;

static void keep(const void *first, size_t bytes) {
    if (kept_count == KEPT_MAX) return;
    kept[kept_count++] = (struct range){(uintptr_t)first, (uintptr_t)first + bytes};
}

void inherit_thread(void) { keep(__builtin_thread_pointer(), 1); }

static bool is_needed(const struct dl_phdr_info *object, struct range all) {
    uintptr_t own = (uintptr_t)&kept_count;
    const char *base = strrchr(object->dlpi_name, '/');
    const char *name = base ? base + 1 : object->dlpi_name;
    return (own >= all.first && own < all.end) || strncmp(name, "libc.so", 7) == 0 || strncmp(name, "ld-linux", 8) == 0;
}

static int keep_object(struct dl_phdr_info *object, size_t size, void *unused) {
    (void)size, (void)unused;
    struct range all = {UINTPTR_MAX, 0};
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_LOAD) continue;
        uintptr_t first = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        uintptr_t end = first + object->dlpi_phdr[i].p_memsz;
        if (first < all.first) all.first = first;
        if (end > all.end) all.end = end;
    }
    if (!is_needed(object, all)) return 0;
    keep((void *)all.first, all.end - all.first);
    objects_found++;
    return 0;
}

static bool know_what_is_needed(void) {
    if (objects_found) return objects_found == 3;
    dl_iterate_phdr(keep_object, NULL);
    keep(guest_ram.base, guest_ram.bytes);
    keep(guest_ram.covered_at_start, bitmap_bytes(guest_ram.pages));
    keep(guest_ram.covered_by_first, bitmap_bytes(guest_ram.pages));
    keep(guest_ram.covered_above_first, bitmap_bytes(guest_ram.pages));
    keep(guest_ram.covered_at_mark, bitmap_bytes(guest_ram.pages));
    return objects_found == 3 && kept_count < KEPT_MAX;
}

static bool is_kept(struct range mapping) {
    for (size_t i = 0; i < kept_count; i++) {
        if (mapping.first < kept[i].end && kept[i].first < mapping.end) return true;
    }
    return false;
}

/// Of a line of /proc/self/maps; `[stack]`, `[vdso]` and their like are the kernel's to place. The heap is not.
static bool is_special(const char *line) {
    const char *path = strchr(line, '[');
    return path && strncmp(path, "[heap]", 6) != 0 && strncmp(path, "[anon", 5) != 0;
}

void inherit_little(void) {
    if (!know_what_is_needed()) return;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) return;
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, maps)) {
        struct range mapping;
        char flags[5];
        if (sscanf(line, "%lx-%lx %4s", &mapping.first, &mapping.end, flags) != 3) continue;
        if (flags[3] != 'p' || is_special(line) || is_kept(mapping)) continue;
        // A mapping that is gone meanwhile, or that the kernel will not leave out, is no loss.
        syscall(SYS_madvise, mapping.first, mapping.end - mapping.first, MADV_DONTFORK);
    }
    fclose(maps);
}
