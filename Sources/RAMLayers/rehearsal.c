#include "rehearsal.h"

#include <errno.h>
#include <string.h>

#include "bitmap.h"
#include "layers.h"
#include "ram.h"
#include "translation.h"

static enum { NONE, UNDER_WAY, OVER, MAPPED_AHEAD } state;

bool rehearsal_is_under_way(void) { return state == UNDER_WAY; }

bool rehearsal_is_over(void) { return state == OVER || state == MAPPED_AHEAD; }

int rehearsal_start(void) {
    if (!translation_watch()) return ENOTSUP;
    int error = layers_map();
    if (!error) state = UNDER_WAY;
    return error;
}

/// Returns how many pages have changed, and empties the bitmap.
static size_t drop_translations(uint64_t *changed) {
    size_t pages = 0;
    for (size_t page = bitmap_next(changed, 0, guest_ram.pages, true); page < guest_ram.pages;) {
        size_t end = bitmap_next(changed, page, guest_ram.pages, false);
        translation_drop(page, end - page);
        pages += end - page;
        page = bitmap_next(changed, end, guest_ram.pages, true);
    }
    memset(changed, 0, bitmap_bytes(guest_ram.pages));
    return pages;
}

// All use the bitmap of frozen copies, of which there was none: it is empty.

int rehearsal_take_back(size_t *changed_pages) {
    translation_reset_machine();
    int error = layers_restore(guest_ram.written);
    if (error) return error;
    *changed_pages = drop_translations(guest_ram.written);
    state = OVER;
    return 0;
}

int rehearsal_map_ahead(void) {
    int error = layers_replace(guest_ram.written);
    if (!error) state = MAPPED_AHEAD;
    return error;
}

int rehearsal_end(size_t *changed_pages) {
    bool is_mapped = state == MAPPED_AHEAD && !layers_are_named();
    int error = is_mapped ? 0 : layers_replace(guest_ram.written);
    if (error) return error;
    *changed_pages = drop_translations(guest_ram.written);
    translation_expect_load();
    state = NONE;
    return 0;
}
