#include "common/config/keys.h"

namespace spillway::config {
namespace {

constexpr std::size_t kWidth = 100;

// Lines of `text` as comments; those that begin with a blank are kept as they are.
std::string wrapped(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    std::string_view rest = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(rest.size() + 1, text.size()));
    while (!rest.empty()) {
      std::size_t end = rest.size();
      const std::size_t room = kWidth - 2;
      if (end > room && !rest.starts_with(' ')) end = std::min(rest.rfind(' ', room), end);
      lines.append("# ").append(rest.substr(0, end)).append("\n");
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return lines;
}

}  // namespace

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string in_brackets(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + in_quotes(text);
  return "[" + list + "]";
}

Example::Example(std::string_view head) : text_(wrapped(head)) {}

// Two structs may have their keys in one section.
void Example::begin(std::string_view name) {
  if (section_ == name) return;
  section_ = name;
  text_.append("\n[").append(name).append("]");
}

void Example::begin_repeated(std::string_view name) {
  section_.clear();
  header_ = "#[[" + std::string(name) + "]]\n";
}

void Example::about(std::string_view text) {
  // Directly below a section's name, else after an empty line.
  text_ += "\n" + wrapped(text) + std::exchange(header_, "");
}

void Example::key(std::string_view key, const std::string& value) {
  text_.append("#").append(key).append(" = ").append(value).append("\n");
}

}  // namespace spillway::config
