// Consistent Overhead Byte Stuffing (Cheshire and Baker, 1997), for every byte that goes to a guest or comes from it.
// Most of them are handled by an emulated processor.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cframing_part {
    const void *bytes;
    size_t count;
};

// Encodes the parts as one block, without a delimiter, to `output`, which has room for the longest encoding. Returns
// the length.
size_t cframing_encode(const struct cframing_part *parts, size_t count, uint8_t *output);

// Where in a block a decoder is; all zero at its beginning. At the end of a block `rest` is 0, or it is none.
struct cframing_decoder {
    size_t rest;
    bool ends_with_zero;
};

// Decodes the next part of a block, which has no zero in it, to `output`, which has room for `count` bytes. Returns the
// length.
size_t cframing_decode(struct cframing_decoder *decoder, const uint8_t *bytes, size_t count, uint8_t *output);
