#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spillway {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// A SHA-256 digest.
using Digest = std::array<std::uint8_t, 32>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(std::string_view text) { return {text.begin(), text.end()}; }

// Bytes that never change, held by all copies together: a copy costs a pointer, and a part keeps
// the whole that it is of. Made of Bytes, which it takes over. Any thread.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(Bytes bytes)  // NOLINT(google-explicit-constructor): who has bytes may share them
      : SharedBytes(std::make_shared<const Bytes>(std::move(bytes))) {}
  SharedBytes(std::initializer_list<std::uint8_t> bytes) : SharedBytes(Bytes(bytes)) {}
  explicit SharedBytes(std::shared_ptr<const Bytes> whole)
      : view_(*whole), held_(std::move(whole)) {}
  // `bytes` are there for as long as `held` is.
  SharedBytes(std::shared_ptr<const void> held, ByteView bytes)
      : view_(bytes), held_(std::move(held)) {}

  const std::uint8_t* data() const { return view_.data(); }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  const std::uint8_t* begin() const { return view_.data(); }
  const std::uint8_t* end() const { return view_.data() + view_.size(); }
  Bytes copy() const { return {begin(), end()}; }

  friend bool operator==(const SharedBytes& one, const SharedBytes& other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end());
  }

 private:
  ByteView view_;
  std::shared_ptr<const void> held_;
};

// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);

}  // namespace spillway
