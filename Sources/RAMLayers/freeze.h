// Freezing guest memory: forking a copy, and knowing which copies there are. Used by the control thread only.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "copy.h"

enum { FREEZE_POLL_MAX = 8 };

struct freeze_request {
    enum delta delta;
    /// For DELTA_SINCE_MARK.
    const char *mark;
};

/// Forks a copy that serves `client` from then on; the caller closes its own descriptor. The vCPUs must be stopped.
/// Returns 0 or an errno value: EBUSY while an earlier copy is neither kept nor gone, ESTALE when the mark is not the one
/// that is held.
int freeze_start(struct freeze_request request, int client, pid_t *pid);

/// The mark that is held, or an empty string.
const char *freeze_mark(void);

/// Whether a layer since the mark can be written ahead of its freeze: the mark has no holder, the kernel tells.
bool freeze_mark_is_tracked(void);

/// Makes a freeze the mark whose layer this process has written, and a holder of another mark leave.
void freeze_keep(enum delta delta, const char *mark);

/// Whether a copy exists that is neither kept nor gone.
bool freeze_pending(void);

/// Whether anything was ever frozen, or was to be.
bool freeze_happened(void);

/// Fills in what to wait for. Returns how many.
size_t freeze_poll(struct pollfd *waits);

/// Serves the copy behind a descriptor that became ready.
void freeze_serve(int fd);
