#include "tests/lint/source_text.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace spillway::lint {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Blanks a file character by character; newlines stay, so that line numbers do.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : in_(text), out_(text) {}

  std::string run() {
    while (at_ < in_.size()) step();
    return std::move(out_);
  }

 private:
  bool starts(std::string_view what) const { return in_.substr(at_).starts_with(what); }

  void step() {
    const char c = in_[at_];
    if (starts("//")) return blank_until(in_.find('\n', at_));
    if (starts("/*")) return blank_until(end_of("*/", at_ + 2));
    if (starts("R\"") && (at_ == 0 || !is_word(in_[at_ - 1]))) return blank_until(raw_string_end());
    if (c == '"') return blank_until(quote_end('"'));
    if (c == '\'' && (at_ == 0 || !is_word(in_[at_ - 1]))) return blank_until(quote_end('\''));
    if (c == '#' && first_on_line()) return blank_until(directive_end());
    ++at_;
  }

  bool first_on_line() const {
    const std::size_t newline = in_.rfind('\n', at_ == 0 ? 0 : at_ - 1);
    const std::size_t begin = at_ == 0 || newline == std::string_view::npos ? 0 : newline + 1;
    return in_.substr(begin, at_ - begin).find_first_not_of(" \t") == std::string_view::npos;
  }
  std::size_t end_of(std::string_view what, std::size_t from) const {
    const std::size_t found = in_.find(what, from);
    return found == std::string_view::npos ? in_.size() : found + what.size();
  }
  std::size_t quote_end(char quote) const {
    for (std::size_t i = at_ + 1; i < in_.size(); ++i) {
      if (in_[i] == '\\') {
        ++i;
      } else if (in_[i] == quote || in_[i] == '\n') {
        return i + 1;
      }
    }
    return in_.size();
  }
  std::size_t raw_string_end() const {
    const std::size_t open = in_.find('(', at_);
    if (open == std::string_view::npos) return in_.size();
    return end_of(")" + std::string(in_.substr(at_ + 2, open - at_ - 2)) + "\"", open);
  }
  std::size_t directive_end() const {
    std::size_t end = in_.find('\n', at_);
    while (end != std::string_view::npos && in_[end - 1] == '\\') end = in_.find('\n', end + 1);
    return end;
  }

  void blank_until(std::size_t end) {
    for (end = std::min(end, in_.size()); at_ < end; ++at_) {
      if (in_[at_] != '\n') out_[at_] = ' ';
    }
  }

  std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
};

// What a class or a function says to Clang of locks is no part of what it is.
std::string without_annotations(std::string code) {
  static const std::regex annotation(
      R"(\b(?:(?:PT_)?GUARDED_BY|REQUIRES|EXCLUDES|ACQUIRED_AFTER|(?:TRY_)?ACQUIRE|RELEASE|)"
      R"((?:ASSERT_)?CAPABILITY)\([^()]*\)|\bSCOPED_CAPABILITY\b|\bNO_THREAD_SAFETY_ANALYSIS\b)");
  // Few files have any, and none without one of these.
  const bool any = code.find("_BY(") != code.npos || code.find("REQUIRES(") != code.npos ||
                   code.find("CAPABILITY") != code.npos || code.find("ACQUIRE") != code.npos;
  if (!any) return code;
  std::smatch found;
  for (auto at = code.cbegin(); std::regex_search(at, code.cend(), found, annotation);) {
    const auto begin = code.begin() + (found[0].first - code.cbegin());
    std::replace_if(
        begin, begin + found.length(), [](char c) { return c != '\n'; }, ' ');
    at = begin + found.length();
  }
  return code;
}

// Follows braces through blanked code and tells function bodies from everything else in them by the
// text before: a parameter list, and no keyword that opens another kind of scope.
class FunctionFinder {
 public:
  explicit FunctionFinder(std::string_view code) : code_(code) {}

  std::vector<Function> run() {
    for (const char c : code_) {
      step(c);
      if (c == '\n') ++line_;
    }
    return std::move(found_);
  }

 private:
  enum class Scope { other, function, group };  // group: braces inside an expression or initialiser

  void step(char c) {
    switch (c) {
      case '(': ++parens_; break;
      case ')': --parens_; break;
      case '{': return open();
      case '}': return close();
      case ';':
        if (parens_ == 0 && !inside_group()) return clear();
        break;
      default: break;
    }
    if (header_.empty()) {
      if (std::isspace(static_cast<unsigned char>(c)) != 0) return;
      header_line_ = line_;
    }
    header_ += c;
  }

  bool inside_group() const { return !scopes_.empty() && scopes_.back() == Scope::group; }
  void clear() { header_.clear(); }

  void open() {
    if (inside_function_ || parens_ > 0 || inside_group() || is_initialiser()) {
      scopes_.push_back(Scope::group);
      return;
    }
    const bool function = is_function();
    scopes_.push_back(function ? Scope::function : Scope::other);
    if (function) {
      inside_function_ = true;
      found_.push_back({name(), header_line_, 0});
    }
    clear();
  }

  void close() {
    if (scopes_.empty()) return;
    const Scope scope = scopes_.back();
    scopes_.pop_back();
    if (scope == Scope::group) return;
    if (scope == Scope::function) {
      inside_function_ = false;
      found_.back().lines = line_ - found_.back().line + 1;
    }
    clear();
  }

  // `Foo() : a_{1}, b_{2} {`: all braces but the last belong to members. And `int a[] = {`.
  bool is_initialiser() const {
    const std::size_t last = header_.find_last_not_of(" \n\t");
    if (last == std::string::npos) return false;
    if (header_[last] == '=') return true;
    static const std::regex members(R"(\)\s*(noexcept\s*)?:[^:])");
    return (is_word(header_[last]) || header_[last] == '>') && std::regex_search(header_, members);
  }

  bool is_function() const {
    static const std::regex type(
        R"(^\s*(template\s*<[^{]*>\s*)?(inline\s+)?(namespace|class|struct|union|enum|extern|TEST_GROUP\w*)\b)");
    return header_.find('(') != std::string::npos && !std::regex_search(header_, type);
  }

  std::string name() const {
    const std::size_t paren = header_.find('(');
    std::size_t begin = paren;
    while (begin > 0 && (is_word(header_[begin - 1]) || header_[begin - 1] == ':' ||
                         header_[begin - 1] == '~')) {
      --begin;
    }
    std::string name = header_.substr(begin, paren - begin);
    if (name != "TEST") return name;
    return header_.substr(begin, header_.find(')', paren) - begin + 1);
  }

  std::string_view code_;
  std::size_t line_ = 1;
  int parens_ = 0;
  bool inside_function_ = false;
  std::string header_;  // code since the last ; { or } of this scope
  std::size_t header_line_ = 1;
  std::vector<Scope> scopes_;
  std::vector<Function> found_;
};

// Reads the body of one class, from behind its brace, declaration by declaration.
class ClassReader {
 public:
  ClassReader(std::string_view code, std::size_t begin) : code_(code), at_(begin) {}

  // Adds what it declares to the size.
  void read(ClassSize& size) {
    while (at_ < code_.size() && code_[at_] != '}') {
      const std::string declaration = plain(next());
      if (is_counted(declaration)) add(declaration, size);
    }
  }

 private:
  // Up to its ';', or, of a function, to the end of its body. What stands in braces is left out.
  std::string next() {
    std::string text;
    bool body = false;
    for (int depth = 0; at_ < code_.size(); ++at_) {
      const char c = code_[at_];
      if (depth == 0 && c == '}') break;
      if (c == '{') ++depth;
      if (c == '}' && --depth == 0) body = true;
      if (depth > 0 || c == '}') continue;
      // A body that no ';' or ',' follows was a function's.
      const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
      if (body && !blank && c != ';' && c != ',' && c != ':') break;
      if (!blank) body = false;
      if (c == ';') {
        ++at_;
        break;
      }
      text += c;
    }
    return text;
  }

  // Without labels, the lists of templates' parameters, and what operators are spelt with.
  static std::string plain(const std::string& declaration) {
    static const std::regex labels(R"(\b(public|private|protected)\s*:)");
    static const std::regex operators(R"(\boperator\s*[<>=!-]+)");
    static const std::regex parameters(R"(^\s*template\s*<)");
    std::string text = std::regex_replace(declaration, labels, "");
    text = std::regex_replace(text, operators, "operator");
    for (std::smatch found; std::regex_search(text, found, parameters);) {
      auto end = static_cast<std::size_t>(found.length());
      for (int depth = 1; depth > 0 && end < text.size(); ++end) {
        depth += text[end] == '<' ? 1 : text[end] == '>' ? -1 : 0;
      }
      text.erase(0, end);
    }
    return text;
  }

  static bool is_counted(const std::string& declaration) {
    static const std::regex other(
        R"(^\s*(using|friend|static_assert|typedef|class|struct|enum|union)\b|= default\s*$)");
    return declaration.find_first_not_of(" \n\t") != std::string::npos &&
           !std::regex_search(declaration, other);
  }

  // A list of parameters outside of template arguments makes a function; commas there, members,
  // unless they are static.
  static void add(const std::string& declaration, ClassSize& size) {
    int depth = 0;
    std::size_t names = 1;
    for (const char c : declaration.substr(0, declaration.find(" = "))) {
      if (c == '<') ++depth;
      if (c == '>') --depth;
      if (c == '(' && depth == 0) {
        ++size.methods;
        return;
      }
    }
    static const std::regex shared(R"(^[^=]*\bstatic\b)");
    if (std::regex_search(declaration, shared)) return;
    depth = 0;
    for (const char c : declaration) {
      depth += c == '<' || c == '(' ? 1 : c == '>' || c == ')' ? -1 : 0;
      if (c == ',' && depth == 0) ++names;
    }
    size.members += names;
  }

  std::string_view code_;
  std::size_t at_;
};

}  // namespace

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<Include> includes_of(std::string_view text) {
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> found;
  std::size_t number = 0;
  for (const std::string& line : lines_of(text)) {
    ++number;
    std::smatch match;
    if (!std::regex_search(line, match, include)) continue;
    found.push_back({match[2], match[1] == "\"", number});
  }
  return found;
}

std::string code_of(std::string_view text) { return without_annotations(Blanker(text).run()); }

std::vector<Function> functions_of(std::string_view text) {
  const std::string code = code_of(text);
  return FunctionFinder(code).run();
}

std::vector<TypeName> types_of(std::string_view text) {
  static const std::regex type(
      R"(\b(?:class|struct|union|enum)\s+(?:\[\[\w+\]\]\s*)?([A-Za-z_]\w*))");
  std::vector<TypeName> found;
  std::size_t number = 0;
  for (const std::string& line : lines_of(code_of(text))) {
    ++number;
    for (std::sregex_iterator it(line.begin(), line.end(), type), end; it != end; ++it) {
      found.push_back({(*it)[1], number});
    }
  }
  return found;
}

std::vector<ClassSize> classes_of(std::string_view text) {
  // A name, of a specialisation with its arguments, and bases, which may be templates.
  static const std::regex type(
      R"(\b(enum\s+)?(class|struct)\s+(?:\[\[\w+\]\]\s*|alignas\([^()]*\)\s*)?)"
      R"(([A-Za-z_]\w*(?:::\w+)*)\s*(?:<[^;{}]*>)?(?:\s*\bfinal)?\s*(?::[^:;{}][^;{}]*)?\{)");
  const std::string code = code_of(text);
  std::vector<ClassSize> found;
  for (std::sregex_iterator it(code.begin(), code.end(), type), end; it != end; ++it) {
    if ((*it)[1].matched) continue;
    const auto begin = static_cast<std::size_t>(it->position());
    const auto line = 1 + std::count(code.begin(), code.begin() + it->position(), '\n');
    ClassSize size{(*it)[3], static_cast<std::size_t>(line), 0, 0};
    ClassReader(code, begin + static_cast<std::size_t>(it->length())).read(size);
    found.push_back(std::move(size));
  }
  return found;
}

}  // namespace spillway::lint
