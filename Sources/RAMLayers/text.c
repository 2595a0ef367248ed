#define _GNU_SOURCE
#include "text.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

void text_add(struct text *text, const char *string) {
    size_t length = strlen(string), room = TEXT_MAX - 1 - text->length;
    if (length > room) length = room;
    memcpy(text->bytes + text->length, string, length);
    text->length += length;
}

void text_add_number(struct text *text, uint64_t number) {
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    text_add(text, digits + at);
}

bool text_send(struct text *text, int fd) {
    text->bytes[text->length] = '\n';
    ssize_t sent;
    do sent = send(fd, text->bytes, text->length + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)(text->length + 1);
}

bool text_send_error(int fd, int error, const char *what) {
    struct text text = {.length = 0};
    text_add(&text, "error ");
    text_add_number(&text, (uint64_t)error);
    text_add(&text, " ");
    text_add(&text, what);
    return text_send(&text, fd);
}

enum line_status line_receive(struct line_reader *reader, int fd) {
    memmove(reader->bytes, reader->bytes + reader->consumed, reader->length - reader->consumed);
    reader->length -= reader->consumed;
    reader->consumed = 0;
    if (reader->length == sizeof reader->bytes) return LINE_TOO_LONG;
    ssize_t got = recv(fd, reader->bytes + reader->length, sizeof reader->bytes - reader->length, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? LINE_MORE : LINE_ENDED;
    if (got == 0) return LINE_ENDED;
    reader->length += (size_t)got;
    return LINE_READY;
}

char *line_next(struct line_reader *reader) {
    char *start = reader->bytes + reader->consumed;
    char *end = memchr(start, '\n', reader->length - reader->consumed);
    if (!end) return NULL;
    *end = 0;
    reader->consumed = (size_t)(end + 1 - reader->bytes);
    return start;
}

char *line_argument(char *line, const char *word) {
    size_t length = strlen(word);
    if (strncmp(line, word, length) != 0) return NULL;
    if (line[length] == 0) return line + length;
    return line[length] == ' ' ? line + length + 1 : NULL;
}

uint64_t monotonic_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
