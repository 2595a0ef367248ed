// The control socket: a line protocol, version 4; in version 3 there was no `map-ahead`, in version 2 no `ahead` either, in
// version 1 no `since-first`.
//
//   ping                      pong 4
//   status                    status <RAM bytes> <0|1: layers mapped> <mappings> <mark or -> <0|1: a copy is pending>
//   layer <path>              layer                  adds a layer, the oldest first
//   leash                     leash                  the process ends when this connection does, unless layers are mapped
//   rehearse                  rehearsing <mappings>  maps the layers as `map` does, but the leash stays
//   take-back <path>          take-back              the machine is as it was before it ran, as below
//   map-ahead                 mapped-ahead <mappings> maps the layers of a machine that is to be rewound, as below
//   rewind <path>             rewind                 it goes on from other layers, as below
//   map                       mapped <mappings>      maps the layers; once, before any freeze
//   at <path>                 at                     the next freeze of this connection is put off, as below
//   ahead <path>              ahead                  its layer is written to this file while the machine runs on, as below
//   freeze since <mark>       frozen <pid> <microseconds of the fork>
//   freeze since-start        the same
//   freeze since-first        the same               a layer that takes the place of all mapped ones but the first
//   freeze everything         the same
//
// A freeze after `at` is answered by `armed`. It happens, and `frozen` follows, when the process opens that path, in the
// thread that does. QEMU opens the file for its device state in its main loop, and takes nothing in from sockets
// until it has written it: so memory and device state are those of one moment. Otherwise what a client sends to the
// agent could be put into the guest's memory between the two, and a virtio queue's indices would not fit its rings.
//
// A freeze after `ahead` first writes the layer and, over and over, what changed meanwhile: `armed <pages> <passes>
// <microseconds>` is the answer then, if it is put off. So little is left when it happens that this process keeps it aside:
// `frozen 0 <microseconds>`, and the connection still leads here, for the same requests as to a copy. Or it was not little:
// then there is a copy, as without `ahead`, which completes the layer. `ahead` is refused with ENOTSUP where the kernel does
// not tell what was written. A layer since a mark that has a holder is not written ahead: `armed` stands alone.
//
// A machine that rehearses runs, under emulation, so that QEMU translates the guest's code, and is stopped. When the process
// opens the path of `take-back`, which fails, devices are reset and memory is that of the layers again, which have been named
// anew; `taken-back <mappings> <pages that had changed>` follows. When it opens the path of `rewind`, from which QEMU loads
// its device state, the layers are mapped that were named beyond those of the rehearsal, or others in their place; `rewound
// <mappings> <pages that changed>` follows, the leash ends, and the machine is as if it had been restored. `map-ahead` does the
// mapping, most of the work, while QEMU's main loop is free for something else: of the layers that are known so far, and of
// all of them when they are. Nothing needs to be named for `rewind` then. Translations of
// pages that did not change are kept. `rehearse` is refused with ENOTSUP where they cannot be.
//
// After `frozen` the connection leads to the frozen copy:
//
//   copy <path>               copied <pages> <extents> <microseconds>   the path of `ahead`, after that
//   keep <mark>               kept                   the copy becomes the mark's holder, where it needs one; the connection ends
//   abandon                   (the connection ends)
//
// A copy whose connection ends before `keep` leaves. Every request can be answered by `error <errno> <what>`. A line of
// more than 4160 bytes ends the connection.
#pragma once

/// Listens on a Unix socket, mode 0600, and serves it with a thread of its own. Returns 0 or an errno value.
int control_start(const char *path);

enum control_opening {
    CONTROL_PASS,
    /// The file holds the device state of a machine that was just rewound.
    CONTROL_REWOUND,
    /// The file must not be opened.
    CONTROL_FAIL,
};

/// The process is about to open `path`. Freezes or rewinds memory if that was asked for.
enum control_opening control_opening(const char *path);
