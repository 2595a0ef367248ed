// Writing a memory layer: a sparse file of the size of guest RAM in which only the pages of the layer are data.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct layer_size {
    size_t pages;
    size_t extents;
};

/// Creates `path`, which must not exist, and writes the pages of guest RAM that are set in `pages`.
/// Returns 0 or an errno value; then `what` says what failed: EOPNOTSUPP and `holes` when the file system does not keep
/// holes of 4 KiB, without which the layer would hide pages of the layers below. The caller removes the file.
int layer_write(const char *path, const uint64_t *pages, struct layer_size *size, const char **what);
