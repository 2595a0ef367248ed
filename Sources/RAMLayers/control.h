// The control socket: a line protocol, version 1.
//
//   ping                      pong 1
//   status                    status <RAM bytes> <0|1: layers mapped> <mappings> <mark or -> <0|1: a copy is pending>
//   layer <path>              layer                  adds a layer, the oldest first
//   map                       mapped <mappings>      maps the layers; once, before any freeze
//   freeze since <mark>       frozen <pid> <microseconds of the fork>
//   freeze since-start        the same
//   freeze everything         the same
//
// After `frozen` the connection leads to the frozen copy:
//
//   copy <path>               copied <pages> <extents> <microseconds>
//   keep <mark>               kept                   the copy becomes the mark's holder; the connection ends
//   abandon                   (the connection ends)
//
// A copy whose connection ends before `keep` leaves. Every request can be answered by `error <errno> <what>`. A line of
// more than 4160 bytes ends the connection.
#pragma once

/// Listens on a Unix socket, mode 0600, and serves it with a thread of its own. Returns 0 or an errno value.
int control_start(const char *path);
