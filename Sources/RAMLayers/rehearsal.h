// A machine that runs once so that QEMU translates the guest's code, and is taken back: under emulation half of the time
// until a guest answers goes into translating. Used by the control thread, and by the thread that opens files.
#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Maps the layers that were added, for a machine that is to be taken back. Returns 0 or an errno value: ENOTSUP where
/// translations cannot be kept.
int rehearsal_start(void);

/// Whether the machine has run and is to be taken back.
bool rehearsal_is_under_way(void);

/// Whether the machine was taken back, and can become any that began with the same layers.
bool rehearsal_is_over(void);

/// Resets the devices, and makes memory that of the layers again, which have been added anew. The machine stands still.
/// Translations of the pages that had changed, which are counted, are dropped. Returns 0 or an errno value.
int rehearsal_take_back(size_t *changed_pages);

/// Maps the layers that were added, as rehearsal_end does, and nothing else of it. Any number of times, of which each had best
/// begin with the layers of the one before. Returns 0 or an errno value; after an error guest RAM is unusable.
int rehearsal_map_ahead(void);

/// Maps the layers that were added, if there are any since the last were mapped ahead, which had best begin with those of the rehearsal, and prepares the devices for the load
/// that follows. Translations of the pages that change, which are counted, are dropped. Returns 0 or an errno value.
int rehearsal_end(size_t *changed_pages);
