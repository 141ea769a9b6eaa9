#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/time.h"

// Text as HTTP carries it. Everything read here is hostile.
namespace spillway::cloud::http {

// RFC 4648 §5, without padding.
std::string base64url(ByteView bytes);
std::optional<Bytes> from_base64url(std::string_view text);

// RFC 3986; nothing when a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// RFC 3339 in UTC with milliseconds, of a time since 1970.
std::string rfc3339(Duration since_1970);

// A query's parameters in the order they came; invalid_argument names what is wrong.
using Parameters = std::vector<std::pair<std::string, std::string>>;
Result<Parameters> parse_query(std::string_view query);

}  // namespace spillway::cloud::http
