#pragma once

#include "spillway/bytes.h"

// Encoded tasks are half zeros: times and offsets have more room than they need. On disk they lie
// without most of them, as bytes written to flash are what wears it.
namespace spillway::sqlite {

// A mark, the length, and for each word of eight bytes a tag, whose bits say which are not zero,
// and those bytes. A tag of no bits is followed by how many more such words there are, one of all
// bits by how many of the next words follow as they are. (Cap'n Proto's packing:
// capnproto.org/encoding.html.) Nothing stays nothing.
Bytes pack(ByteView bytes);

// What was packed. What is not packed (as in a store from before there was packing), or is damaged,
// comes out as it is: whoever reads it verifies it.
Bytes unpack(ByteView stored);

}  // namespace spillway::sqlite
