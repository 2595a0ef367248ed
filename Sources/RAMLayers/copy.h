// The frozen copy: a forked QEMU that holds guest memory as it was, writes it to a layer, and, when kept, stays as
// the holder of a mark, so that the next layer can leave out what did not change since.
//
// Everything here runs after a fork of a process with many threads: only async-signal-safe calls, and no memory but
// what was there before.
#pragma once

#include <stdnoreturn.h>

#include "delta.h"

enum { MARK_MAX = 64 };

/// Between the process and its copies; a packet socket carries one per packet.
enum copy_message_kind {
    /// Copy to process, and process to holder: what did not change since the mark?
    COPY_SCAN,
    /// The answer: `guest_ram.unchanged` says so.
    COPY_SCANNED,
    /// The answer: it cannot be told, everything may have changed.
    COPY_SCAN_FAILED,
    /// Copy to process: be my mark. Answered with COPY_KEPT.
    COPY_KEEP,
    COPY_KEPT,
    /// Process to copy: leave.
    COPY_LEAVE,
};

struct copy_message {
    enum copy_message_kind kind;
    char mark[MARK_MAX];
};

/// The life of a frozen copy.
/// - client: the connection that asked for the freeze, for commands (`copy`, `keep`, `abandon`) and answers.
/// - process: the packet socket to the process that was frozen, whose pid is `parent`.
noreturn void copy_run(int client, int process, int parent, enum delta delta);
