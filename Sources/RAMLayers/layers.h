// Mapping saved memory layers over guest RAM.
#pragma once

enum { LAYERS_MAX = 1024, LAYER_PATH_MAX = 4096 };

/// Adds a layer file on top of those added before. Returns 0 or an errno value: EFBIG when its size is not that of
/// guest RAM, E2BIG when there are too many.
int layers_add(const char *path);

/// Maps what was added, privately, so that writes stay in this process. Guest RAM must not have been touched.
/// Returns 0 or an errno value; after an error guest RAM is unusable.
int layers_map(void);

/// Forgets what was added and not mapped.
void layers_clear(void);
