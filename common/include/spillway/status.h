#pragma once

#include <cassert>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace spillway {

// What kind of failure an Error is; each maps to one exit code and one wire code.
enum class Code : std::uint8_t {
  invalid_argument = 1,  // the request itself is wrong; repeating it cannot help
  not_found,
  conflict,     // the thing is in a state that forbids the request
  denied,       // not allowed
  busy,         // a budget is full for now; Error::retry_after says when to try again
  unavailable,  // the other side cannot be reached
  timeout,
  cancelled,
  unsupported,  // understood, but not offered by this version
  corrupt,      // stored or received bytes are not what they should be
  io,           // the operating system refused
  internal,     // a bug of ours
};

std::string_view to_string(Code code);

// Where in the source an error was raised. (Clang 14 cannot compile libstdc++'s
// std::source_location.)
struct SourceLine {
  const char* file = "";
  int line = 0;
  static constexpr SourceLine current(const char* file = __builtin_FILE(),
                                      int line = __builtin_LINE()) {
    return {file, line};
  }
};

// A failure: its class, a message a user can act on, and the line that raised it.
struct Error {
  Code code = Code::internal;
  std::string message;
  std::optional<std::chrono::milliseconds> retry_after;
  SourceLine where = SourceLine::current();
};

inline Error fail(Code code, std::string message, SourceLine where = SourceLine::current()) {
  return Error{code, std::move(message), std::nullopt, where};
}

// A value or an Error. Reading the value of a failed Result is a bug and asserts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *checked(); }
  const T& value() const& { return *checked(); }
  T&& value() && { return std::move(*checked()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*checked()); }
  T* operator->() { return checked(); }
  const T* operator->() const { return checked(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  T* checked() {
    assert(ok());
    return std::get_if<0>(&state_);
  }
  const T* checked() const {
    assert(ok());
    return std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

// Success without a value, or an Error. `return {};` is success.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace spillway
