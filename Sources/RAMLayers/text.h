// Lines of text without the C library's formatting, which a frozen copy must not call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_MAX = 256, LINE_MAX_BYTES = 4096 + 64 };

/// A short line under construction; what does not fit is cut.
struct text {
    char bytes[TEXT_MAX];
    size_t length;
};

void text_add(struct text *text, const char *string);
void text_add_number(struct text *text, uint64_t number);

/// Sends the text and a newline. Never blocks; false when the peer is gone or does not read.
bool text_send(struct text *text, int fd);

/// Sends `error <errno> <what>`.
bool text_send_error(int fd, int error, const char *what);

/// Bytes received that do not make a whole line yet.
struct line_reader {
    char bytes[LINE_MAX_BYTES];
    size_t length;
    size_t consumed;
};

enum line_status { LINE_READY, LINE_MORE, LINE_ENDED, LINE_TOO_LONG };

/// Reads once from `fd`, without blocking. LINE_MORE when nothing was there, LINE_ENDED when the peer is gone.
enum line_status line_receive(struct line_reader *reader, int fd);

/// The next whole line, without its newline; valid until the next call of either function. NULL when there is none.
char *line_next(struct line_reader *reader);

/// What follows `word` and a blank in `line`, or an empty string when nothing does; NULL when it is another word.
char *line_argument(char *line, const char *word);

uint64_t monotonic_microseconds(void);
