#pragma once

#include <string>
#include <string_view>

#include "spillway/bytes.h"
#include "spillway/status.h"

namespace spillway::cloud::api {

// A position in a list, as clients carry it: signed, so that it can only be one that was handed
// out, and bound to `query` (operation, filters and sort), so that it only continues that list.
std::string sign_cursor(ByteView key, std::string_view query, std::string_view position);
// The position; invalid_argument for anything else.
Result<std::string> open_cursor(ByteView key, std::string_view query, std::string_view cursor);

}  // namespace spillway::cloud::api
