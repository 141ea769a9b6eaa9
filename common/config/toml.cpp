// The one place that knows toml++. Compiled in, not linked: a shared library for one file read at
// start costs more than it saves.
//
// toml++ 3.3 asserts that a name in [ ] begins as names do, though whoever wrote the file decides
// that, and where asserts are left out it takes it for granted. Here its asserts refuse the file.
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? void() : ::spillway::config::refuse_file())
namespace spillway::config {
struct NoToml {};
// Asserts of what no file decides stand in functions that must not throw; there it ends the
// program.
[[noreturn]] void refuse_file() { throw NoToml(); }
}  // namespace spillway::config
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>

#include "common/config/value.h"

namespace spillway::config {
namespace {

Value convert(const toml::node& node);

Value::Scalar scalar_of(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* text = node.as_string()) return text->get();
  return std::monostate();
}

Value convert_list(const toml::array& array) {
  Value value{Value::Shape::list};
  for (const toml::node& item : array) value.items.push_back(convert(item));
  return value;
}

Value convert_table(const toml::table& table) {
  Value value{Value::Shape::table};
  for (const auto& [key, node] : table) {
    value.items.push_back(convert(node));
    value.items.back().key = std::string(key.str());
    // An array of tables has no line of its own; its first table's will do.
    unsigned key_line = key.source().begin.line;
    if (key_line != 0) value.items.back().line = key_line;
  }
  return value;
}

Value convert(const toml::node& node) {
  Value value;
  if (const toml::table* table = node.as_table()) {
    value = convert_table(*table);
  } else if (const toml::array* array = node.as_array()) {
    value = convert_list(*array);
  } else {
    value.scalar = scalar_of(node);
  }
  value.line = node.source().begin.line;
  return value;
}

// What the parser quotes may come from anywhere.
std::string one_line(std::string_view text) {
  constexpr std::size_t kLongest = 300;
  std::string line(text.substr(0, kLongest));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return line;
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// The first line with a letter beyond ASCII outside of texts and comments, or where a text goes on
// after a line's end; 0: there is none. toml++ 3.3 takes it for granted that none is there.
unsigned foreign_letter(std::string_view text) {
  unsigned line = 1;
  char quote = 0;
  bool comment = false, several_lines = false;
  for (std::size_t i = text.starts_with("\xef\xbb\xbf") ? 3 : 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool three = text.substr(i, 3) == std::string(3, c);
    if (c == '\n') {
      ++line;
      comment = false;
      if (!several_lines) quote = 0;
    } else if (quote == '"' && c == '\\') {
      const std::size_t next = std::min(text.find_first_not_of(" \t\r\n", i + 1), text.size());
      const std::string_view blank = text.substr(i + 1, next - (i + 1));
      line += static_cast<unsigned>(std::count(blank.begin(), blank.end(), '\n'));
      if (!blank.empty() && next < text.size() && !is_ascii(text[next])) return line;
      i = blank.empty() ? next : next - 1;
    } else if (quote != 0 && c == quote && (three || !several_lines)) {
      if (several_lines) i += 2;
      quote = 0;
    } else if (quote == 0 && !comment) {
      if (!is_ascii(c)) return line;
      comment = c == '#';
      if (c != '"' && c != '\'') continue;
      quote = c;
      several_lines = three;
      if (three) i += 2;
    }
  }
  return 0;
}

// The first line with a [ that no name follows; 0: there is none.
unsigned nameless_header(std::string_view text) {
  for (unsigned line = 1; !text.empty(); ++line) {
    std::string_view header = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(header.size() + 1, text.size()));
    header.remove_prefix(std::min(header.find_first_not_of(" \t"), header.size()));
    if (!header.starts_with('[')) continue;
    header.remove_prefix(header.starts_with("[[") ? 2 : 1);
    header.remove_prefix(std::min(header.find_first_not_of(" \t"), header.size()));
    const char first = header.empty() ? '[' : header.front();
    const bool named = std::isalnum(static_cast<unsigned char>(first)) != 0;
    if (!named && std::string_view("_-\"'").find(first) == std::string_view::npos) return line;
  }
  return 0;
}

Error refused(const std::string& name, unsigned line, std::string_view why) {
  return fail(Code::invalid_argument, name + ":" + std::to_string(line) + ": " + one_line(why));
}

}  // namespace

Result<Value> parse_toml(std::string_view text, const std::string& name) try {
  if (const unsigned line = foreign_letter(text); line != 0) {
    return refused(name, line, "letters beyond ASCII belong into quotes");
  }
  return convert(toml::parse(text));
} catch (const toml::parse_error& error) {
  return refused(name, error.source().begin.line, error.description());
} catch (const NoToml&) {
  return refused(name, nameless_header(text),
                 "a name in [ ] begins with a letter, a digit, '_', '-' or a quote");
}

}  // namespace spillway::config
