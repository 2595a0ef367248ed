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

size_t cframing_decode(struct cframing_decoder *decoder, const uint8_t *bytes, size_t count, uint8_t *output) {
    uint8_t *next = output;
    const uint8_t *end = bytes + count;
    while (bytes < end) {
        if (decoder->rest == 0) {
            if (decoder->ends_with_zero) *next++ = 0;
            decoder->rest = (size_t)*bytes - 1;
            decoder->ends_with_zero = *bytes++ <= LONGEST_RUN;
            continue;
        }
        size_t length = (size_t)(end - bytes) < decoder->rest ? (size_t)(end - bytes) : decoder->rest;
        memcpy(next, bytes, length);
        next += length;
        bytes += length;
        decoder->rest -= length;
    }
    return (size_t)(next - output);
}
