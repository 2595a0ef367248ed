// The requests that give a process the memory of saved layers. control.h has their protocol.
#pragma once

#include <stdbool.h>

#include "client.h"

void restoring_add_layer(struct client *client, const char *path);
void restoring_map(struct client *client);
void restoring_rehearse(struct client *client);
void restoring_take_leash(struct client *client);

/// Maps the layers of a machine that is to be rewound, while QEMU's main loop does something else.
void restoring_map_ahead(struct client *client);

/// Takes a rehearsal back, in QEMU's main loop.
void restoring_take_back(struct client *client);

/// Goes on from other layers, in QEMU's main loop. False when that failed.
bool restoring_rewind(struct client *client);

/// Why one of these cannot be put off for a client: 0 or an errno value.
int restoring_obstacle(const struct client *client, bool is_rewind);

/// Whose end is the process' end. NULL when nobody's is.
struct client *restoring_leash(void);

/// Gives up what a client has begun. Ends the process with its leash.
void restoring_forget(const struct client *client);
