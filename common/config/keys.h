#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/config/file.h"
#include "common/config/quantity.h"

// A section is a struct whose list() names its keys, once: with the member that holds each, what it
// may be, and what it means. The classes here are what list() is called with.
namespace spillway::config {

inline constexpr unsigned kMaxWorkers = 48;  // as the executor

template <class T, class Member>
using ValueOf = std::remove_cvref_t<std::invoke_result_t<Member, T&>>;
template <class E>
using Choices = std::initializer_list<std::pair<std::string_view, E>>;

// Reads a section into what holds its defaults.
template <class T>
class Reader {
 public:
  static constexpr unsigned kMaxWorkers = config::kMaxWorkers;

  Reader(Section section, T& into) : section_(std::move(section)), into_(into) {}

  void about(std::string_view) { reloaded_ = false; }
  void about_reloaded(std::string_view) { reloaded_ = true; }

  template <class M>
  void text(std::string_view key, M member, std::string_view = {}) {
    auto& value = at(key, member);
    value = section_.text(key, value);
  }
  template <class M>
  void path(std::string_view key, M member) {
    auto& value = at(key, member);
    value = section_.path(key, value);
  }
  template <class M>
  void list(std::string_view key, M member, std::size_t most, std::size_t longest,
            std::initializer_list<std::string_view> = {}) {
    at(key, member) = section_.list(key, most, longest);
  }
  template <class M>
  void flag(std::string_view key, M member) {
    auto& value = at(key, member);
    value = section_.flag(key, value);
  }
  template <class M>
  void number(std::string_view key, M member, double least, double most) {
    auto& value = at(key, member);
    value = section_.number(key, value, least, most);
  }
  template <class M>
  void duration(std::string_view key, M member, std::chrono::milliseconds least,
                std::chrono::milliseconds most) {
    auto& value = at(key, member);
    const auto fallback = std::chrono::duration_cast<std::chrono::milliseconds>(value);
    value = section_.duration(key, fallback, least, most);
  }
  template <class M>
  void seconds(std::string_view key, M member, std::int64_t least, std::int64_t most) {
    auto& value = at(key, member);
    value = std::chrono::seconds(section_.integer<std::int64_t>(key, value.count(), least, most));
  }
  template <class M>
  void bytes(std::string_view key, M member, std::uint64_t least, std::uint64_t most) {
    auto& value = at(key, member);
    value = section_.bytes(key, value, least, most);
  }
  template <class M>
  void integer(std::string_view key, M member, std::int64_t least, std::int64_t most) {
    using Number = ValueOf<T, M>;
    Number& value = at(key, member);
    value = static_cast<Number>(
        section_.integer<std::int64_t>(key, static_cast<std::int64_t>(value), least, most));
  }
  template <class M>
  void choice(std::string_view key, M member, Choices<ValueOf<T, M>> names) {
    auto& value = at(key, member);
    value = section_.choice(key, value, names);
  }

 private:
  template <class M>
  auto& at(std::string_view key, M member) {
    if (reloaded_) section_.reloads(key);
    return std::invoke(member, into_);
  }

  Section section_;
  T& into_;
  bool reloaded_ = false;
};

// Reads [name].
template <class T>
void read_section(File& file, std::string_view name, T& into) {
  Reader<T> keys(file.section(name), into);
  T::list(keys);
}

// Takes from one what a running node takes up, and leaves the rest as it is.
template <class T>
class Reload {
 public:
  static constexpr unsigned kMaxWorkers = config::kMaxWorkers;

  Reload(const T& from, T& into) : from_(from), into_(into) {}

  void about(std::string_view) { reloaded_ = false; }
  void about_reloaded(std::string_view) { reloaded_ = true; }

  template <class M, class... Rule>
  void text(std::string_view, M member, const Rule&...) {
    take(member);
  }
  template <class M>
  void path(std::string_view, M member) {
    take(member);
  }
  template <class M>
  void list(std::string_view, M member, std::size_t, std::size_t,
            std::initializer_list<std::string_view> = {}) {
    take(member);
  }
  template <class M>
  void flag(std::string_view, M member) {
    take(member);
  }
  template <class M, class L, class U>
  void number(std::string_view, M member, L, U) {
    take(member);
  }
  template <class M, class L, class U>
  void duration(std::string_view, M member, L, U) {
    take(member);
  }
  template <class M, class L, class U>
  void seconds(std::string_view, M member, L, U) {
    take(member);
  }
  template <class M, class L, class U>
  void bytes(std::string_view, M member, L, U) {
    take(member);
  }
  template <class M, class L, class U>
  void integer(std::string_view, M member, L, U) {
    take(member);
  }
  template <class M>
  void choice(std::string_view, M member, Choices<ValueOf<T, M>>) {
    take(member);
  }

 private:
  template <class M>
  void take(M member) {
    if (reloaded_) std::invoke(member, into_) = std::invoke(member, from_);
  }

  const T& from_;
  T& into_;
  bool reloaded_ = false;
};

template <class T>
void take_up(const T& from, T& into) {
  Reload<T> keys(from, into);
  T::list(keys);
}

// The same of all sections of a node's options.
template <class Options>
void take_up_all(const Options& from, Options& into) {
  take_up(from, into);
  Options::sections([&](std::string_view, auto section) { take_up(from.*section, into.*section); });
}

// The commented file that people start from: every key with what it means and what it is set to.
class Example {
 public:
  explicit Example(std::string_view head);
  template <class T>
  void section(std::string_view name, const T& defaults);
  // [[name]], which is a comment itself.
  template <class T>
  void repeated(std::string_view name, const T& example);
  const std::string& text() const { return text_; }

 private:
  template <class T>
  friend class ExampleKeys;
  void begin(std::string_view name);
  void begin_repeated(std::string_view name);
  void about(std::string_view text);
  void key(std::string_view key, const std::string& value);

  std::string text_, section_;
  std::string header_;  // stands below the explanation that comes next
};

std::string in_quotes(std::string_view text);
std::string in_brackets(const std::vector<std::string>& texts);
std::string number_text(double number);

template <class T>
class ExampleKeys {
 public:
  static constexpr unsigned kMaxWorkers = config::kMaxWorkers;

  ExampleKeys(Example& example, const T& values) : example_(example), values_(values) {}

  void about(std::string_view text) { example_.about(text); }
  void about_reloaded(std::string_view text) { example_.about(std::string(text) + " [reload]"); }

  // `shown`: instead of a default that says nothing.
  template <class M>
  void text(std::string_view key, M member, std::string_view shown = {}) {
    example_.key(key, in_quotes(shown.empty() ? std::string_view(at(member)) : shown));
  }
  template <class M>
  void path(std::string_view key, M member) {
    text(key, member);
  }
  template <class M>
  void list(std::string_view key, M member, std::size_t, std::size_t,
            std::initializer_list<std::string_view> shown = {}) {
    std::vector<std::string> texts(shown.begin(), shown.end());
    example_.key(key, in_brackets(texts.empty() ? at(member) : texts));
  }
  template <class M>
  void flag(std::string_view key, M member) {
    example_.key(key, at(member) ? "true" : "false");
  }
  template <class M>
  void number(std::string_view key, M member, double, double) {
    example_.key(key, number_text(at(member)));
  }
  template <class M>
  void duration(std::string_view key, M member, std::chrono::milliseconds,
                std::chrono::milliseconds) {
    const auto value = std::chrono::duration_cast<std::chrono::milliseconds>(at(member));
    example_.key(key, in_quotes(to_text(value)));
  }
  template <class M>
  void seconds(std::string_view key, M member, std::int64_t, std::int64_t) {
    example_.key(key, std::to_string(at(member).count()));
  }
  template <class M>
  void bytes(std::string_view key, M member, std::uint64_t, std::uint64_t) {
    example_.key(key, in_quotes(size_text(at(member))));
  }
  template <class M>
  void integer(std::string_view key, M member, std::int64_t, std::int64_t) {
    example_.key(key, std::to_string(at(member)));
  }
  template <class M>
  void choice(std::string_view key, M member, Choices<ValueOf<T, M>> names) {
    for (const auto& [name, value] : names) {
      if (value == at(member)) example_.key(key, in_quotes(name));
    }
  }

 private:
  template <class M>
  const auto& at(M member) const {
    return std::invoke(member, values_);
  }

  Example& example_;
  const T& values_;
};

template <class T>
void Example::section(std::string_view name, const T& defaults) {
  begin(name);
  ExampleKeys<T> keys(*this, defaults);
  T::list(keys);
}

template <class T>
void Example::repeated(std::string_view name, const T& example) {
  begin_repeated(name);
  ExampleKeys<T> keys(*this, example);
  T::list(keys);
}

}  // namespace spillway::config
