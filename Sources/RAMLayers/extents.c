#include "extents.h"

#include <stdbool.h>
#include <string.h>

#include "bitmap.h"

enum {
    /// A fork copies every mapping, inside the pause of the machine, for 1 to 2 microseconds each; mapping it took 5.
    EXTENTS_WANTED = 512,
    /// So many pages are written in as much time. Of a booted Debian's 301 extents 70 remain.
    GAP_ALWAYS = 4,
    /// More than this is never left, at any price: the kernel allows 65530 mappings in a process.
    EXTENTS_MAX = 16384,
    /// Below this many pages a join is always worth it (16 MiB, about 10 ms to write).
    CHEAP_PAGES = 4096,
    GAP_MAX = 65535,
};

// Used by one thread: a frozen copy, in its own memory, or the process while it serves one request.
static uint32_t gaps_of_length[GAP_MAX + 1];

struct survey {
    size_t pages;
    size_t extents;
};

static struct survey survey_gaps(const uint64_t *pages, size_t count) {
    struct survey result = {0, 0};
    memset(gaps_of_length, 0, sizeof gaps_of_length);
    size_t first = bitmap_next(pages, 0, count, true);
    while (first < count) {
        size_t end = bitmap_next(pages, first, count, false);
        size_t next = bitmap_next(pages, end, count, true);
        result.pages += end - first;
        result.extents++;
        if (next < count && next - end <= GAP_MAX) gaps_of_length[next - end]++;
        first = next;
    }
    return result;
}

/// The length up to which gaps are filled.
static size_t choose_gap(struct survey found) {
    size_t budget = found.pages > CHEAP_PAGES ? found.pages : CHEAP_PAGES;
    size_t added = 0, extents = found.extents, gap = 0;
    while (gap < GAP_MAX && (gap < GAP_ALWAYS || extents > EXTENTS_WANTED)) {
        size_t cost = gaps_of_length[gap + 1] * (gap + 1);
        if (added + cost > budget && extents <= EXTENTS_MAX) break;
        gap++;
        added += cost;
        extents -= gaps_of_length[gap];
    }
    return gap;
}

size_t extents_join(uint64_t *pages, size_t count) {
    size_t gap = choose_gap(survey_gaps(pages, count)), added = 0;
    if (gap == 0) return 0;
    size_t end = bitmap_next(pages, bitmap_next(pages, 0, count, true), count, false);
    while (end < count) {
        size_t next = bitmap_next(pages, end, count, true);
        if (next < count && next - end <= gap) {
            added += next - end;
            for (size_t page = end; page < next; page++) bitmap_set(pages, page);
        }
        end = bitmap_next(pages, next, count, false);
    }
    return added;
}

static bool either(const uint64_t *pages, const uint64_t *others, size_t page) {
    return bitmap_get(pages, page) || bitmap_get(others, page);
}

static void reach_back(uint64_t *pages, const uint64_t *others, size_t first) {
    for (size_t gap = 1; gap <= GAP_ALWAYS && gap < first; gap++) {
        if (!either(pages, others, first - gap - 1)) continue;
        for (size_t page = first - gap; page < first; page++) bitmap_set(pages, page);
        return;
    }
}

static void reach_on(uint64_t *pages, const uint64_t *others, size_t end, size_t count) {
    for (size_t gap = 1; gap <= GAP_ALWAYS && end + gap < count; gap++) {
        if (!either(pages, others, end + gap)) continue;
        for (size_t page = end; page < end + gap; page++) bitmap_set(pages, page);
        return;
    }
}

void extents_reach(uint64_t *pages, const uint64_t *others, size_t count) {
    size_t first = bitmap_next(pages, 0, count, true);
    while (first < count) {
        size_t end = bitmap_next(pages, first, count, false);
        if (first > 0 && !either(pages, others, first - 1)) reach_back(pages, others, first);
        if (end < count && !bitmap_get(others, end)) reach_on(pages, others, end, count);
        // What was filled behind the run is looked at next, with the run that it leads to.
        first = bitmap_next(pages, end, count, true);
    }
}
