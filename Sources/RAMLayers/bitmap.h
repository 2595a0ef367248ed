// Fixed-size sets of page numbers.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t bitmap_bytes(size_t bits) { return (bits + 63) / 64 * 8; }

static inline bool bitmap_get(const uint64_t *map, size_t bit) { return map[bit / 64] >> (bit % 64) & 1; }

static inline void bitmap_set(uint64_t *map, size_t bit) { map[bit / 64] |= UINT64_C(1) << (bit % 64); }

static inline void bitmap_clear(uint64_t *map, size_t bit) { map[bit / 64] &= ~(UINT64_C(1) << (bit % 64)); }

static inline void bitmap_add(uint64_t *map, const uint64_t *others, size_t bits) {
    for (size_t word = 0; word < bitmap_bytes(bits) / sizeof *map; word++) map[word] |= others[word];
}

/// The first bit in [from, bits) whose value is `wanted`, or `bits`.
static inline size_t bitmap_next(const uint64_t *map, size_t from, size_t bits, bool wanted) {
    while (from < bits) {
        uint64_t word = (wanted ? map[from / 64] : ~map[from / 64]) >> (from % 64);
        if (word) {
            size_t found = from + (size_t)__builtin_ctzll(word);
            return found < bits ? found : bits;
        }
        from = (from / 64 + 1) * 64;
    }
    return bits;
}
