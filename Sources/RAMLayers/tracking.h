// Which pages of guest RAM were written lately, as the kernel notes it: userfaultfd's asynchronous write protection, and
// the ioctl PAGEMAP_SCAN on the pagemap that tells and takes it back (Linux 6.7, Documentation/admin-guide/mm).
//
// A look costs 3 to 4 ns for each page that is mapped, a first write to a page afterwards 1 to 2 µs; an entry of the pagemap,
// for which the kernel looks at the page itself, 90 to 180 ns, and a fork as much (measured on Linux 6.18).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Has tracking_start() fail.
void tracking_forbid(void);

/// Tracks writes from the first call on. False when the kernel cannot; what was said first is said again.
bool tracking_start(void);

/// Adds the pages to `written` that were written since the last call, or since tracking began, and begins anew. Among them
/// are pages that were only read, if that mapped them. Their number goes to `count`. Returns 0 or an errno value; then
/// nothing is known of what was written before.
int tracking_collect(uint64_t *written, size_t *count);

/// Takes pages out that this process does not own: those were read, and are their layer's. Returns 0 or an errno value.
int tracking_drop_read(uint64_t *pages);

/// The pagemap of this process. Only after tracking_start().
int tracking_pagemap(void);
