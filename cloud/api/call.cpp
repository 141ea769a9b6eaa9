#include "cloud/api/call.h"

#include <boost/json/array.hpp>
#include <charconv>
#include <cmath>

namespace spillway::cloud::api {

void Reading::complain(const std::string& name, const std::string& what) {
  if (problem_.empty()) problem_ = name + ": " + what;
}

Status Reading::finish() const {
  if (problem_.empty()) return {};
  return fail(Code::invalid_argument, problem_);
}

std::optional<std::string> QueryReader::text(const std::string& name) {
  read_.insert(name);
  std::optional<std::string> found;
  for (const auto& [key, value] : parameters_) {
    if (key != name) continue;
    if (found) complain(name, "is given twice");
    found = value;
  }
  return found;
}

std::optional<std::uint64_t> QueryReader::number(const std::string& name, std::uint64_t low,
                                                 std::uint64_t high) {
  std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  bool good = error == std::errc{} && end == value->data() + value->size();
  if (good && number >= low && number <= high) return number;
  complain(name, "must be a number from " + std::to_string(low) + " to " + std::to_string(high));
  return std::nullopt;
}

std::optional<bool> QueryReader::flag(const std::string& name) {
  std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  if (*value != "true" && *value != "false") complain(name, "must be true or false");
  return *value == "true";
}

std::vector<std::string> QueryReader::list(const std::string& name) {
  std::vector<std::string> items;
  std::optional<std::string> value = text(name);
  std::string_view rest = value ? std::string_view(*value) : std::string_view();
  while (!rest.empty()) {
    std::size_t comma = rest.find(',');
    if (comma != 0) items.emplace_back(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return items;
}

std::string none_of(std::string_view value, Names names) {
  std::string text = "'" + std::string(value.substr(0, 80)) + "' is none of ";
  for (const std::string_view name : names) {
    if (name != names.front()) text += name == names.back() ? " and " : ", ";
    text += name;
  }
  return text;
}

Status QueryReader::finish() {
  for (const auto& [key, value] : parameters_) {
    if (!read_.contains(key)) complain(key.substr(0, 80), "there is no such parameter here");
  }
  return Reading::finish();
}

const boost::json::value* BodyReader::find(const std::string& name) {
  read_.insert(name);
  return body_.if_contains(name);
}

std::optional<std::string> BodyReader::text(const std::string& name, std::size_t longest) {
  const boost::json::value* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_string() || value->get_string().size() > longest) {
    complain(name, "must be a text of at most " + std::to_string(longest) + " bytes");
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::optional<double> BodyReader::number(const std::string& name, double low, double high) {
  const boost::json::value* value = find(name);
  if (!value) return std::nullopt;
  double number = std::nan("");
  if (value->is_double()) number = value->get_double();
  if (value->is_int64()) number = double(value->get_int64());
  if (value->is_uint64()) number = double(value->get_uint64());
  if (number >= low && number <= high) return number;
  complain(name, "must be a number within its limits");
  return std::nullopt;
}

std::optional<bool> BodyReader::flag(const std::string& name) {
  const boost::json::value* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  complain(name, "must be true or false");
  return std::nullopt;
}

std::optional<std::vector<std::string>> BodyReader::texts(const std::string& name, std::size_t most,
                                                          std::size_t longest) {
  const boost::json::value* value = find(name);
  if (!value) return std::nullopt;
  const boost::json::array* items = value->if_array();
  if (!items || items->size() > most) {
    complain(name, "must be a list of at most " + std::to_string(most) + " texts");
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const boost::json::value& item : *items) {
    if (item.is_string() && item.get_string().size() <= longest) {
      texts.emplace_back(item.get_string());
    } else {
      complain(name, "must have texts of at most " + std::to_string(longest) + " bytes");
    }
  }
  return texts;
}

const boost::json::object* BodyReader::object(const std::string& name) {
  const boost::json::value* value = find(name);
  if (value && !value->is_object()) complain(name, "must be an object");
  return value ? value->if_object() : nullptr;
}

Status BodyReader::finish() {
  for (const auto& member : body_) {
    std::string key(member.key());
    if (!read_.contains(key)) complain(key.substr(0, 80), "there is no such member here");
  }
  return Reading::finish();
}

}  // namespace spillway::cloud::api
