#pragma once

#include <optional>

#include "common/wire/buffer.h"
#include "common/wire/messages.h"
#include "common/wire/reader.h"

namespace spillway::wire {

// One item's table, of the union member with the number index() + 1.
Offset<void> write_item(Builder& fbb, const Item& item);
// Nothing for a type that is not known here.
std::optional<Item> read_item(Reader& reader, std::uint8_t type, const void* item);

}  // namespace spillway::wire
