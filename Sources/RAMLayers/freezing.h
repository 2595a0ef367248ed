// The requests that freeze memory. control.h has their protocol.
#pragma once

#include "client.h"
#include "freeze.h"

/// `ahead <path>`: the client's next freeze has its layer written ahead.
void freezing_name_layer(struct client *client, const char *path);

/// `freeze ...`: freezes at once, or has it put off.
void freezing_request(struct client *client, char *argument);

/// Freezes now, and says so.
void freezing_freeze(struct client *client, struct freeze_request request);

/// `copy`, `keep` and `abandon`, of a layer that this process has written ahead. False for another line.
bool freezing_obey(struct client *client, char *line);

/// Gives up what a client has begun.
void freezing_forget(const struct client *client);
