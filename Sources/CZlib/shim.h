#pragma once
#include <zlib.h>
// A macro that Swift cannot see: 15 bits of window, and 16 says gzip.
static inline int czlib_begin_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
