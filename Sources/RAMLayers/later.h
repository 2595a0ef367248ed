// What is put off until the process opens a file: in QEMU's main loop, with its lock held. control.h says why.
#pragma once

#include "client.h"
#include "control.h"
#include "freeze.h"

enum occasion { OCCASION_FREEZE, OCCASION_TAKE_BACK, OCCASION_REWIND };

/// Whose request is put off, or is to be. NULL when nobody's is.
const struct client *later_client(void);

/// `at <path>`: the client's next freeze is.
void later_name(struct client *client, const char *path);

/// Puts off the freeze of a client that has named its file.
void later_arm_freeze(struct freeze_request request);

/// Puts off `take-back` or `rewind`.
/// - name: of the request, which is its answer, too.
void later_arm(struct client *client, enum occasion occasion, const char *name, const char *path);

/// Gives up what is put off for a client.
void later_forget(const struct client *client);

/// Whether a file that is opened is looked at. Needs no lock.
bool later_is_armed(void);

/// The process is about to open `path`: does what was put off until then.
enum control_opening later_do(const char *path);
