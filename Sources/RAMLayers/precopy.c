#define _GNU_SOURCE
#include "precopy.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bitmap.h"
#include "extents.h"
#include "ram.h"
#include "tracking.h"

enum {
    /// What so few pages are left of is not written once more. To set them aside takes less than 0.1 ms.
    FEW_PAGES = 128,
    PASSES_MAX = 8,
    /// So much is set aside in the pause at most: in 2 to 4 ms, 16 MiB. A fork takes as long for 30,000 pages.
    ASIDE_MAX = 4096,
    /// Set aside without a fault for each page.
    ASIDE_READY = 512,
    /// After so much the client is looked at.
    PIECE_PAGES = 2048,
};

static struct {
    bool has_begun;
    /// -1 when none is under way.
    int layer;
    enum delta delta;
    /// What was written between two looks at last; in the end what is left for the pause, or for a copy.
    uint64_t *recent;
    /// Written since the mark, as far as was looked.
    uint64_t *changed;
    /// The bytes of `recent`, in its order. NULL when they are those of guest RAM.
    char *aside;
} precopy = {.layer = -1};

static void release_aside(void) {
    if (precopy.aside) munmap(precopy.aside, (size_t)ASIDE_MAX * PAGE_BYTES);
    precopy.aside = NULL;
}

bool precopy_is_possible(void) {
    if (!precopy.recent) precopy.recent = ram_bitmap(MAP_SHARED);
    if (!precopy.changed) precopy.changed = ram_bitmap(MAP_PRIVATE);
    return precopy.recent && precopy.changed && tracking_start();
}

bool precopy_is_under_way(void) { return precopy.layer >= 0; }

bool precopy_has_begun(void) { return precopy.has_begun; }

int precopy_layer(void) { return precopy.layer; }

void precopy_inherit(int layer) { precopy.layer = layer; }

static void clear(uint64_t *pages) { memset(pages, 0, bitmap_bytes(guest_ram.pages)); }

/// Looks at what was written since the last look.
static int look(size_t *count) {
    clear(precopy.recent);
    int error = tracking_collect(precopy.recent, count);
    if (!error) bitmap_add(precopy.changed, precopy.recent, guest_ram.pages);
    return error;
}

static size_t count_pages(const uint64_t *pages) {
    size_t count = 0;
    for (size_t word = 0; word < bitmap_bytes(guest_ram.pages) / sizeof *pages; word++)
        count += (size_t)__builtin_popcountll(pages[word]);
    return count;
}

/// Looks, and leaves out what a layer need not hold.
static int look_closely(size_t *count) {
    int error = look(count);
    if (!error) error = tracking_drop_read(precopy.recent);
    if (!error) delta_drop_empty(precopy.recent, precopy.delta);
    *count = count_pages(precopy.recent);
    return error;
}

static int write_while_wanted(const uint64_t *pages, bool (*goes_on)(void *), void *context) {
    size_t first = bitmap_next(pages, 0, guest_ram.pages, true);
    while (first < guest_ram.pages) {
        size_t end = bitmap_next(pages, first, guest_ram.pages, false);
        layer_expect_run(precopy.layer, first, end);
        while (first < end) {
            if (!goes_on(context)) return ECANCELED;
            size_t piece = end - first < PIECE_PAGES ? end : first + PIECE_PAGES;
            int error = layer_write_run(precopy.layer, first, piece, NULL);
            if (error) return error;
            first = piece;
        }
        first = bitmap_next(pages, end, guest_ram.pages, true);
    }
    return 0;
}

static int choose_first_pass(enum delta delta) {
    size_t count = 0;
    delta_forget_unchanged();
    int error = look(&count);
    if (error) return error;
    if (delta == DELTA_SINCE_MARK) {
        error = tracking_drop_read(precopy.changed);
        if (!error) delta_choose_changed(precopy.changed);
    } else {
        error = delta_choose_own(tracking_pagemap(), delta);
    }
    if (!error) extents_join(guest_ram.written, guest_ram.pages);
    return error;
}

/// Writes again what was written meanwhile, for as long as that gets less.
static int catch_up(bool (*goes_on)(void *), void *context, struct precopy_report *report) {
    size_t before = SIZE_MAX, count = 0;
    while (report->passes < PASSES_MAX) {
        int error = look_closely(&count);
        if (error) return error;
        extents_reach(precopy.recent, guest_ram.written, guest_ram.pages);
        error = write_while_wanted(precopy.recent, goes_on, context);
        if (error) return error;
        bitmap_add(guest_ram.written, precopy.recent, guest_ram.pages);
        report->pages += count;
        report->passes++;
        if (count <= FEW_PAGES || count > before / 2) return 0;
        before = count;
    }
    return 0;
}

static int make_room_aside(void) {
    void *room = mmap(
        NULL, (size_t)ASIDE_MAX * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return errno;
    precopy.aside = room;
    // Best effort: what is not there comes with a fault.
    madvise(room, (size_t)ASIDE_READY * PAGE_BYTES, MADV_POPULATE_WRITE);
    return 0;
}

int precopy_run(
    const char *path, enum delta delta, bool (*goes_on)(void *), void *context, struct precopy_report *report,
    const char **what) {
    precopy.has_begun = true;
    precopy.delta = delta;
    int error = layer_create(path, &precopy.layer, what);
    if (error) {
        precopy.layer = -1;
        return error;
    }
    *what = "track";
    error = choose_first_pass(delta);
    if (!error) error = make_room_aside();
    if (!error) {
        *what = "write";
        report->passes = 1;
        report->pages = count_pages(guest_ram.written);
        error = write_while_wanted(guest_ram.written, goes_on, context);
    }
    if (!error) error = catch_up(goes_on, context, report);
    if (error) precopy_abandon();
    return error;
}

static void set_aside(void) {
    char *target = precopy.aside;
    for (size_t first = bitmap_next(precopy.recent, 0, guest_ram.pages, true); first < guest_ram.pages;) {
        size_t end = bitmap_next(precopy.recent, first, guest_ram.pages, false), bytes = (end - first) * PAGE_BYTES;
        memcpy(target, ram_page(first), bytes);
        target += bytes;
        first = bitmap_next(precopy.recent, end, guest_ram.pages, true);
    }
}

int precopy_freeze(void) {
    size_t count = 0;
    int error = look(&count);
    // A few pages that were only read are sooner set aside than told apart.
    if (!error && count > ASIDE_MAX / 2) error = tracking_drop_read(precopy.recent);
    if (error) return error;
    delta_drop_empty(precopy.recent, precopy.delta);
    extents_reach(precopy.recent, guest_ram.written, guest_ram.pages);
    if (count_pages(precopy.recent) <= ASIDE_MAX) {
        set_aside();
        return 0;
    }
    release_aside();
    return E2BIG;
}

static int write_aside(void) {
    const char *bytes = precopy.aside;
    for (size_t first = bitmap_next(precopy.recent, 0, guest_ram.pages, true); first < guest_ram.pages;) {
        size_t end = bitmap_next(precopy.recent, first, guest_ram.pages, false);
        int error = layer_write_run(precopy.layer, first, end, bytes);
        if (error) return error;
        bytes += (end - first) * PAGE_BYTES;
        first = bitmap_next(precopy.recent, end, guest_ram.pages, true);
    }
    return 0;
}

int precopy_finish(struct layer_size *size, const char **what) {
    *what = "write";
    int error = precopy.aside ? write_aside() : layer_write_pages(precopy.layer, precopy.recent);
    if (error) return error;
    bitmap_add(guest_ram.written, precopy.recent, guest_ram.pages);
    release_aside();
    *what = "holes";
    return layer_check(precopy.layer, guest_ram.written, size);
}

void precopy_hand_over(void) {
    close(precopy.layer);
    precopy.layer = -1;
}

void precopy_keep(void) {
    if (precopy.layer >= 0) precopy_hand_over();
    clear(precopy.changed);
}

void precopy_abandon(void) {
    release_aside();
    if (precopy.layer >= 0) precopy_hand_over();
}
