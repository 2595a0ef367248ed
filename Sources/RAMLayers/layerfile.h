// Writing a memory layer: a sparse file of the size of guest RAM in which only the pages of the layer are data.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct layer_size {
    size_t pages;
    size_t extents;
};

/// Creates `path`, which must not exist or be empty. Returns 0 and its descriptor, or an errno value; then `what` says what
/// failed. The caller removes the file.
int layer_create(const char *path, int *fd, const char **what);

/// Prepares for a run of pages that is written whole next.
void layer_expect_run(int fd, size_t first, size_t end);

/// Writes the pages of [first, end) as they are now, or from `bytes` if that is not NULL. Returns 0 or an errno value.
int layer_write_run(int fd, size_t first, size_t end, const char *bytes);

/// Writes the pages of guest RAM that are set in `pages`. Returns 0 or an errno value.
int layer_write_pages(int fd, const uint64_t *pages);

/// Counts the pages of a layer, and sees whether the file has data for those alone. Returns 0 or EOPNOTSUPP, when the file
/// system does not keep holes of 4 KiB, without which the layer would hide pages of the layers below.
int layer_check(int fd, const uint64_t *pages, struct layer_size *size);

/// The answer to a request for a layer: `copied <pages> <extents> <microseconds>`.
void layer_describe(struct layer_size size, uint64_t microseconds, struct text *text);
