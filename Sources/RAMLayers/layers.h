// Mapping saved memory layers over guest RAM.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LAYERS_MAX = 1024, LAYER_PATH_MAX = 4096 };

/// Adds a layer file on top of those added before. Returns 0 or an errno value: EFBIG when its size is not that of
/// guest RAM, E2BIG when there are too many.
int layers_add(const char *path);

/// Maps what was added, privately, so that writes stay in this process. Guest RAM must not have been touched.
/// Returns 0 or an errno value; after an error guest RAM is unusable.
int layers_map(void);

/// Maps once more what was mapped, in place of everything written since. It has been added anew; else the answer is ESTALE
/// and nothing has changed. Sets the bits in `changed` of the pages that were written. Returns 0 or an errno value.
int layers_restore(uint64_t *changed);

/// Maps what was added. Of layers that begin with those that were mapped only the further ones are mapped, over them; others
/// take their place. Sets the bits in `changed` of the pages that may differ then. Nothing may have been written since the
/// last mapping. Returns 0 or an errno value.
int layers_replace(uint64_t *changed);

/// Whether something was added and not mapped.
bool layers_are_named(void);

/// Forgets what was added and not mapped.
void layers_clear(void);
