#include "common/kinds/args.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/kinds/format.h"
#include "common/kinds/nearest.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostNumbers = 16;

template <class T>
std::optional<T> parse(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    std::size_t comma = std::min(text.find(','), text.size());
    parts.push_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

// Like split(), but not at commas inside quotes; the quotes are no part of a text.
std::vector<std::string> split_texts(std::string_view text) {
  std::vector<std::string> parts;
  bool quoted = false, open = false;
  for (char c : text) {
    if (!open) parts.emplace_back();
    open = c != ',' || quoted;
    if (c == '"') {
      quoted = !quoted;
    } else if (open) {
      parts.back() += c;
    }
  }
  return parts;
}

template <class T>
bool within(const std::optional<T>& value, T least, T most) {
  // Written so that NaN is outside.
  return value && *value >= least && *value <= most;
}

std::string list_text(const std::vector<double>& values) {
  std::string text;
  for (double value : values) text += (text.empty() ? "" : ",") + format_number(value);
  return text;
}

std::string span_text(double least, double most) {
  return format_number(least) + " to " + format_number(most);
}

}  // namespace

const std::string* ArgReader::take(std::string_view name) {
  known_.push_back(name);
  auto found = args_.find(std::string(name));
  return found == args_.end() ? nullptr : &found->second;
}

KindArg* ArgReader::note(std::string_view name, KindArg::Type type, double least, double most,
                         std::string fallback) {
  if (!declared_) return nullptr;
  declared_->push_back({std::string(name), type, least, most, std::move(fallback), {}});
  return &declared_->back();
}

void ArgReader::refuse(std::string_view name, const std::string& value, const std::string& wanted) {
  if (error_) return;
  error_ = fail(Code::invalid_argument,
                "arg " + std::string(name) + ": '" + printable(value) + "' is not " + wanted);
}

std::uint64_t ArgReader::count(std::string_view name, std::uint64_t fallback, std::uint64_t least,
                               std::uint64_t most) {
  auto value = optional_count(name, least, most);
  if (declared_) declared_->back().fallback = std::to_string(fallback);
  return value.value_or(fallback);
}

std::optional<std::uint64_t> ArgReader::optional_count(std::string_view name, std::uint64_t least,
                                                       std::uint64_t most) {
  note(name, KindArg::Type::count, static_cast<double>(least), static_cast<double>(most));
  const std::string* text = take(name);
  if (!text) return std::nullopt;
  auto value = parse<std::uint64_t>(*text);
  if (within(value, least, most)) return value;
  refuse(name, *text,
         "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

double ArgReader::number(std::string_view name, double fallback, double least, double most) {
  note(name, KindArg::Type::number, least, most, format_number(fallback));
  const std::string* text = take(name);
  if (!text) return fallback;
  auto value = parse<double>(*text);
  if (within(value, least, most)) return *value;
  refuse(name, *text, "a number from " + span_text(least, most));
  return fallback;
}

std::vector<double> ArgReader::numbers(std::string_view name, std::vector<double> fallback,
                                       double least, double most) {
  note(name, KindArg::Type::numbers, least, most, list_text(fallback));
  const std::string* text = take(name);
  if (!text) return fallback;
  std::vector<double> values;
  for (std::string_view part : split(*text)) {
    auto value = parse<double>(part);
    if (within(value, least, most)) values.push_back(*value);
  }
  if (values.size() == split(*text).size() && values.size() <= kMostNumbers) return values;
  refuse(name, *text, "a list of at most 16 numbers from " + span_text(least, most));
  return fallback;
}

std::string ArgReader::text(std::string_view name) {
  note(name, KindArg::Type::text);
  const std::string* text = take(name);
  return text ? *text : std::string();
}

std::string_view ArgReader::choice(std::string_view name,
                                   const std::vector<std::string_view>& words) {
  KindArg* noted = note(name, KindArg::Type::choice, 0, 0, std::string(words.front()));
  if (noted) noted->words.assign(words.begin(), words.end());
  const std::string* text = take(name);
  if (!text) return words.front();
  auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return *found;
  std::string wanted;
  for (std::string_view word : words) wanted += (wanted.empty() ? "" : " or ") + std::string(word);
  refuse(name, *text, wanted);
  return words.front();
}

std::vector<std::string> ArgReader::texts(std::string_view name) {
  note(name, KindArg::Type::texts);
  const std::string* text = take(name);
  if (!text) return {};
  return split_texts(*text);
}

Status ArgReader::finish() const {
  if (error_) return *error_;
  for (const auto& [name, value] : args_) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::string hint = known_.empty() ? "; it takes none" : did_you_mean(name, known_);
    return fail(Code::invalid_argument, "unknown arg '" + printable(name) + "'" + hint);
  }
  return {};
}

}  // namespace spillway::kinds
