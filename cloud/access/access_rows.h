#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/time.h"

// Who may do what, as it is kept. Secrets are here only as SHA-256 digests of themselves; they are
// 256 random bits, so that no slower hash is needed.
namespace spillway::cloud::access {

// Each includes the ones before it.
enum class Scope : std::uint8_t { read, operate, admin };
inline constexpr std::array<std::string_view, 3> kScopes = {"read", "operate", "admin"};
inline std::string_view to_string(Scope scope) { return kScopes[static_cast<std::size_t>(scope)]; }

struct TokenRow {
  std::string id, name;
  Scope scope = Scope::read;
  Digest secret{};
  Duration created{};  // since 1970, as all times here
  std::optional<Duration> expires, last_used;
};

struct SessionRow {
  Digest secret{};
  std::string name;
  Scope scope = Scope::read;
  std::string token;  // that opened it; empty: a one-time link
  std::string csrf;
  Duration created{}, expires{};
  std::string peer = {};  // where it was opened from
};
// What a session is called by those who may end it; says nothing of its secret.
std::string id_of(const Digest& session);

struct AuditRow {
  std::uint64_t seq = 0;
  Duration at{};
  std::string who, from, operation, target;
  unsigned status = 0;
  std::string request;
  std::string token = {}, session = {};  // ids; empty: none
  std::uint64_t unwritten = 0;           // refusals of the same caller that were only counted
};

}  // namespace spillway::cloud::access
