#include <cmath>
#include <cstdio>
#include <limits>

#include "common/config/file.h"
#include "common/config/keys.h"
#include "common/config/quantity.h"
#include "common/config/state.h"

namespace spillway::config {
namespace {

std::optional<std::uint64_t> size_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.scalar)) return parse_size(*text);
  const auto* count = std::get_if<std::int64_t>(&value.scalar);
  if (!count || *count < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*count);
}

}  // namespace

std::string number_text(double number) {
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  std::string shown(text.substr(0, kLongest));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text.size() > kLongest ? shown + "…" : shown;
}

const Value* Section::find(std::string_view key) const {
  state_->known[name_].emplace(key);
  return table_ ? table_->find(key) : nullptr;
}

bool Section::has(std::string_view key) const { return find(key) != nullptr; }

void Section::reloads(std::string_view key) {
  state_->reloaded.insert(name_ + "." + std::string(key));
}

void Section::refuse(std::string_view key, const std::string& what) {
  const Value* value = find(key);
  unsigned line = value ? value->line : table_ ? table_->line : 1;
  state_->report(line, name_ + "." + std::string(key) + ": " + what);
}

template <class T>
const T* Section::scalar(std::string_view key, const char* expected) {
  const Value* value = find(key);
  if (!value) return nullptr;
  const T* scalar = std::get_if<T>(&value->scalar);
  if (!scalar) refuse(key, std::string("must be ") + expected);
  return scalar;
}

void Section::note(std::string_view key, const std::string& setting) {
  state_->settings[name_ + "." + std::string(key)] += setting + "\n";
}

const std::string* Section::words(std::string_view key) {
  const std::string* text = scalar<std::string>(key, "text in quotes");
  if (text && text->find('\0') != text->npos) refuse(key, "must not contain NUL");
  return text;
}

std::string Section::text(std::string_view key, const std::string& fallback) {
  const std::string* given = words(key);
  const std::string& text = given ? *given : fallback;
  note(key, text);
  return text;
}

std::string Section::path(std::string_view key, const std::string& fallback) {
  constexpr std::size_t kLongest = 4095;  // PATH_MAX without its NUL
  std::string path = text(key, fallback);
  if (!path.empty() && path.front() != '/') {
    refuse(key, "'" + quoted(path) + "' must be an absolute path, beginning with /");
  }
  if (path.size() > kLongest) refuse(key, "a path has at most 4095 bytes");
  return path;
}

std::vector<std::string> Section::list(std::string_view key, std::size_t most,
                                       std::size_t longest) {
  const Value* value = find(key);
  std::vector<std::string> texts;
  bool good = !value || (value->shape == Value::Shape::list && value->items.size() <= most);
  std::string all;
  for (std::size_t i = 0; good && value && i < value->items.size(); ++i) {
    const auto* text = std::get_if<std::string>(&value->items[i].scalar);
    good = text && !text->empty() && text->size() <= longest && text->find('\0') == text->npos;
    if (!good) break;
    texts.push_back(*text);
    all += *text + '\0';
  }
  note(key, all);
  if (!good) {
    refuse(key, "must be a list of at most " + std::to_string(most) + " texts of 1 to " +
                    std::to_string(longest) + " bytes, as in [\"one\", \"two\"]");
  }
  return texts;
}

bool Section::flag(std::string_view key, bool fallback) {
  const bool* given = scalar<bool>(key, "true or false");
  const bool flag = given ? *given : fallback;
  note(key, flag ? "true" : "false");
  return flag;
}

std::int64_t Section::whole(std::string_view key, std::int64_t fallback, std::int64_t least,
                            std::int64_t most) {
  std::string allowed =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  const std::int64_t* given = scalar<std::int64_t>(key, allowed.c_str());
  const bool good = given && *given >= least && *given <= most;
  if (given && !good) refuse(key, std::to_string(*given) + " is not " + allowed);
  const std::int64_t whole = good ? *given : fallback;
  note(key, std::to_string(whole));
  return whole;
}

double Section::number(std::string_view key, double fallback, double least, double most) {
  const Value* value = find(key);
  double given = value ? std::numeric_limits<double>::quiet_NaN() : fallback;
  if (const double* number = value ? std::get_if<double>(&value->scalar) : nullptr) given = *number;
  if (const std::int64_t* whole = value ? std::get_if<std::int64_t>(&value->scalar) : nullptr) {
    given = static_cast<double>(*whole);
  }
  if (value && !(given >= least && given <= most)) {
    refuse(key, "must be a number from " + number_text(least) + " to " + number_text(most));
    given = fallback;
  }
  char exact[32];
  std::snprintf(exact, sizeof exact, "%a", given);
  note(key, exact);
  return given;
}

std::chrono::milliseconds Section::duration(std::string_view key,
                                            std::chrono::milliseconds fallback,
                                            std::chrono::milliseconds least,
                                            std::chrono::milliseconds most) {
  std::string units = "a duration in " + std::string(kDurationUnits);
  const std::string* given = scalar<std::string>(key, units.c_str());
  std::optional<std::chrono::milliseconds> duration = given ? parse_duration(*given) : fallback;
  if (given && (!duration || *duration < least || *duration > most)) {
    refuse(key, "'" + quoted(*given) + "' is not " +
                    (duration ? "from " + to_text(least) + " to " + to_text(most) : units));
    duration = fallback;
  }
  note(key, std::to_string(duration->count()));
  return *duration;
}

std::uint64_t Section::bytes(std::string_view key, std::uint64_t fallback, std::uint64_t least,
                             std::uint64_t most) {
  std::optional<std::uint64_t> size = fallback;
  if (const Value* value = find(key)) {
    size = size_of(*value);
    if (!size || *size < least || *size > most) {
      refuse(key,
             size ? size_text(*size) + " is not from " + size_text(least) + " to " + size_text(most)
                  : "must be a size in " + std::string(kSizeUnits));
      size = fallback;
    }
  }
  note(key, std::to_string(*size));
  return *size;
}

}  // namespace spillway::config
