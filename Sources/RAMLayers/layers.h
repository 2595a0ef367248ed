// Mapping saved memory layers over guest RAM.
#pragma once

#include <stdint.h>

enum { LAYERS_MAX = 1024, LAYER_PATH_MAX = 4096 };

/// Adds a layer file on top of those added before. Returns 0 or an errno value: EFBIG when its size is not that of
/// guest RAM, E2BIG when there are too many.
int layers_add(const char *path);

/// Maps what was added, privately, so that writes stay in this process. Guest RAM must not have been touched.
/// Returns 0 or an errno value; after an error guest RAM is unusable.
int layers_map(void);

/// Maps what was added in place of what was mapped, and of everything written since. What was mapped must be the beginning of
/// it, else the answer is ESTALE and nothing has changed. Sets the bits of the pages in `changed`, an empty bitmap, that may
/// differ from those at any moment since the first mapping. Returns 0 or an errno value.
int layers_remap(uint64_t *changed);

/// Forgets what was added and not mapped.
void layers_clear(void);
