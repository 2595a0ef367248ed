// Keeping the number of extents of a layer low: each costs a mapping in every process that uses it.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Adds the pages of small gaps to `pages`, so that few extents remain. Returns how many pages were added.
size_t extents_join(uint64_t *pages, size_t count);

/// Adds the pages of gaps to `pages` that are so small that they are always filled, between a run of them and the next page
/// that is in `pages` or `others`.
void extents_reach(uint64_t *pages, const uint64_t *others, size_t count);
