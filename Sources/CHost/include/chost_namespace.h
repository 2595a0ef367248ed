#pragma once

// Network namespaces. All functions return an errno value, 0 on success.

/// Makes a network namespace and names it by mounting it at `path`, which must not exist. It forwards IPv4 and has no
/// IPv6. With `tap`, a TAP device of that name is made in it, and its descriptor put into `tap_fd`; the device lasts as
/// long as the descriptor. The caller's own namespace stays what it is. On failure nothing is left.
int chost_namespace_create(const char *path, const char *tap, int *tap_fd);

/// Makes an IPv4 datagram socket in the namespace that is named at `path`, for the caller to close.
int chost_namespace_datagram_socket(const char *path, int *fd);

/// Takes the name away. The namespace goes with its last user. Does nothing when there is none.
int chost_namespace_remove(const char *path);
