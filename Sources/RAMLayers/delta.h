// Which pages a new layer holds: those that differ from what lies underneath it.
#pragma once

#include <stdint.h>

enum delta {
    /// What changed since the mark.
    DELTA_SINCE_MARK,
    /// What this process changed since its layers were mapped.
    DELTA_SINCE_START,
    /// That, and what the layers hold that were mapped above the first: a layer that takes the place of them all.
    DELTA_SINCE_FIRST,
    /// All that is not zero.
    DELTA_EVERYTHING,
};

/// The pages that the layers underneath a new one of this kind hold. NULL where there are none.
const uint64_t *delta_underneath(enum delta delta);

/// Puts into `guest_ram.written` what a layer of this kind holds, of the pages that this process owns and that are not in
/// `guest_ram.unchanged`. Returns 0 or an errno value.
int delta_choose_own(int pagemap, enum delta delta);

/// The same, of pages that are known to have changed since the mark.
void delta_choose_changed(const uint64_t *changed);

/// Takes pages out that are zero over nothing, and not in `guest_ram.written`: a layer of this kind need not hold them.
void delta_drop_empty(uint64_t *pages, enum delta delta);

/// Forgets what did not change since the mark: everything may have.
void delta_forget_unchanged(void);
