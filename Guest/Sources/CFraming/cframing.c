#include "cframing.h"

#include <string.h>

enum { LONGEST_RUN = 254 };

struct encoder {
    uint8_t *code;
    uint8_t *next;
    size_t run;
};

static void end_run(struct encoder *encoder) {
    *encoder->code = (uint8_t)(encoder->run + 1);
    encoder->code = encoder->next++;
    encoder->run = 0;
}

static void add(struct encoder *encoder, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        if (encoder->run == LONGEST_RUN) end_run(encoder);
        if (*bytes == 0) {
            end_run(encoder);
            bytes++;
            count--;
            continue;
        }
        size_t span = LONGEST_RUN - encoder->run;
        if (span > count) span = count;
        const uint8_t *zero = memchr(bytes, 0, span);
        size_t length = zero == NULL ? span : (size_t)(zero - bytes);
        memcpy(encoder->next, bytes, length);
        encoder->next += length;
        encoder->run += length;
        bytes += length;
        count -= length;
    }
}

size_t cframing_encode(const struct cframing_part *parts, size_t count, uint8_t *output) {
    struct encoder encoder = {.code = output, .next = output + 1, .run = 0};
    for (size_t index = 0; index < count; index++) add(&encoder, parts[index].bytes, parts[index].count);
    *encoder.code = (uint8_t)(encoder.run + 1);
    return (size_t)(encoder.next - output);
}

ssize_t cframing_decode(const uint8_t *block, size_t count, uint8_t *output) {
    uint8_t *next = output;
    size_t position = 0;
    while (position < count) {
        size_t code = block[position];
        if (code == 0 || code > count - position) return -1;
        memcpy(next, block + position + 1, code - 1);
        next += code - 1;
        position += code;
        if (code <= LONGEST_RUN && position < count) *next++ = 0;
    }
    return next - output;
}
