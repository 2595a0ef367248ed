// Writing a layer while the machine runs on: what is written meanwhile is written once more, until so little is left that it
// is set aside within the pause. Then no page is copied for a fork, and the pause does not grow with what had changed. Where
// the guest writes faster than that, a frozen copy writes what is left.
//
// Needs tracking.h. The mark of the next layer needs no holder then: the kernel notes what is written after it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delta.h"
#include "layerfile.h"

struct precopy_report {
    size_t pages;
    size_t passes;
};

/// Whether layers can be written so here, from now on.
bool precopy_is_possible(void);

/// Whether a layer is under way.
bool precopy_is_under_way(void);

/// Whether one ever was.
bool precopy_has_begun(void);

/// Creates a layer and writes what it is to hold, while the machine runs. A layer since a mark needs the mark to be the last
/// one that precopy_keep() made. Ends early when `goes_on` says so: ECANCELED. Returns 0 or an errno value; then `what` says
/// what failed, and no layer is under way.
int precopy_run(
    const char *path, enum delta delta, bool (*goes_on)(void *), void *context, struct precopy_report *report,
    const char **what);

/// The machine stands still: sets aside what was written since. Returns 0, or an errno value: E2BIG when that is so much that
/// a fork takes less time. The copy calls precopy_finish() then, and this process precopy_hand_over().
int precopy_freeze(void);

/// Completes the layer; `guest_ram.written` says what it holds. Returns 0 or an errno value; then `what` says what failed.
int precopy_finish(struct layer_size *size, const char **what);

/// The descriptor of the layer that is under way, or -1.
int precopy_layer(void);

/// In a copy: where that descriptor is now.
void precopy_inherit(int layer);

/// The layer is a copy's to finish from now on.
void precopy_hand_over(void);

/// The freeze is the mark that the next layer is since. The layer must be complete, whoever has finished it.
void precopy_keep(void);

/// Gives up the layer that is under way, if any. What it was to hold is not forgotten.
void precopy_abandon(void);
