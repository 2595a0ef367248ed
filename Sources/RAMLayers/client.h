// The connections to the control socket.
#pragma once

#include <stdbool.h>

#include "text.h"

struct client {
    int fd;
    /// Counts up, so that the oldest can be found.
    unsigned long number;
    struct line_reader reader;
};

/// Sends an answer. A client that does not take it is ended.
void client_answer(struct client *client, struct text *text);

/// The same, of one word.
void client_answer_word(struct client *client, const char *word);

/// Sends `error <errno> <what>`.
void client_refuse(struct client *client, int error, const char *what);

/// Whether the other end is still there.
bool client_is_there(void *client);

/// Closes a connection, and gives up what was begun for it. In control.c, which has them all.
void client_end(struct client *client);
