#include "cloud/api/paging.h"

#include <algorithm>
#include <charconv>

namespace spillway::cloud::api {

Paging::Paging(const Call& call, QueryReader& query, ByteView key)
    : key_(key.begin(), key.end()),
      limit_(std::uint32_t(query.number("limit", 1, kMaxPage).value_or(kPage))) {
  query_ = call.request.path;
  http::Parameters parameters = call.query;
  std::sort(parameters.begin(), parameters.end());
  for (const auto& [name, value] : parameters) {
    if (name == "limit" || name == "cursor") continue;
    query_.append("\n").append(name).append("=").append(value);
  }
  std::optional<std::string> cursor = query.text("cursor");
  if (!cursor) return;
  Result<std::string> position = open_cursor(key_, query_, *cursor);
  if (position) {
    position_ = *std::move(position);
  } else {
    status_ = position.error();
  }
}

std::uint64_t Paging::before() const {
  std::uint64_t number = ~0ULL;
  if (position_) {
    std::from_chars(position_->data(), position_->data() + position_->size(), number);
  }
  return number;
}

}  // namespace spillway::cloud::api
