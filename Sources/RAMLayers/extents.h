// Keeping the number of extents of a layer low: each costs a mapping in every process that uses it.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Adds the pages of small gaps to `pages`, so that few extents remain. Returns how many pages were added.
size_t extents_join(uint64_t *pages, size_t count);
