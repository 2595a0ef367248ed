// Consistent Overhead Byte Stuffing (Cheshire and Baker, 1997), for every byte that goes to a guest or comes from it.
// Most of them are handled by an emulated processor.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cframing_part {
    const void *bytes;
    size_t count;
};

// Encodes the parts as one block, without a delimiter, to `output`, which has room for the longest encoding. Returns
// the length.
size_t cframing_encode(const struct cframing_part *parts, size_t count, uint8_t *output);
// Decodes a block without zeros to `output`, which has room for `count` bytes. Returns the length, or -1 when it is not
// one.
ssize_t cframing_decode(const uint8_t *block, size_t count, uint8_t *output);
