#pragma once

#include "cloud/api/call.h"
#include "cloud/api/cursor.h"

namespace spillway::cloud::api {

inline constexpr std::uint32_t kPage = 100, kMaxPage = 1000;

// The `limit` and `cursor` of a list, and what binds a cursor to its operation, filters and sort.
class Paging {
 public:
  Paging(const Call& call, QueryReader& query, ByteView key);
  std::uint32_t limit() const { return limit_; }
  // Where the page before ended; nullopt: the first page.
  const std::optional<std::string>& position() const { return position_; }
  // The same for lists by a falling number; ~0: from the newest.
  std::uint64_t before() const;
  std::string next(const std::string& position) const {
    return sign_cursor(key_, query_, position);
  }
  Status status() const { return status_; }

 private:
  Bytes key_;
  std::string query_;
  std::uint32_t limit_;
  std::optional<std::string> position_;
  Status status_;
};

}  // namespace spillway::cloud::api
