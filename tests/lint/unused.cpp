#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>

#include "tests/lint/rules.h"
#include "tests/lint/source_text.h"

// What is declared, read or explained, and never does anything: keys of the configuration that
// nothing asks for, and values with a text that nothing gives.
namespace spillway::lint {
namespace {

// Values that are given otherwise than by their name, or kept for their number.
const std::set<std::string> kGivenOtherwise = {
    "Metric::queued_band1",  // counted on from queued_band0
    "Metric::queued_band2", "Metric::queued_band3",
    "Metric::sleep_s",       // a place in the frame that nothing fills
    "WaitReason::quota",     // a number of the wire that nothing gives
    "LossCause::disk_free",  // whatever is short, in the order of the enum
    "LossCause::flash",
};
// Chosen by a word of somebody's request, by its place in the enum.
const std::set<std::string> kAskedFor = {"DeviceSort", "FleetSeries", "Method"};

struct Code {
  std::string path, text;
};

bool is_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string word_at(const std::string& text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_part(text[end])) ++end;
  return text.substr(at, end - at);
}

std::size_t line_of(const std::string& text, std::size_t at) {
  return 1 + static_cast<std::size_t>(
                 std::count(text.begin(), text.begin() + std::ptrdiff_t(at), '\n'));
}

struct Declared {
  std::string path, owner, name;
  std::size_t line;
};

struct Body {
  std::string owner;
  std::size_t begin;
};

// The body of the next struct or enum from there; one that is only named has none.
std::optional<Body> next_body(const std::string& text, std::string_view keyword, std::size_t at) {
  while ((at = text.find(keyword, at)) != std::string::npos) {
    at += keyword.size();
    const std::size_t end = text.find_first_of("{;", at);
    if (end != std::string::npos && text[end] == '{') return Body{word_at(text, at), end + 1};
  }
  return std::nullopt;
}

// The members that a section's list() makes keys of: `&Section::member`, where it stands beside
// them.
std::vector<Declared> keys_of(const Code& code) {
  std::vector<Declared> keys;
  std::size_t at = code.text.find("list(Keys& keys)");
  if (at == std::string::npos) return keys;
  while ((at = code.text.find('&', at)) != std::string::npos) {
    const std::string owner = word_at(code.text, ++at);
    at += owner.size();
    if (owner.empty() || code.text.compare(at, 2, "::") != 0) continue;
    keys.push_back({code.path, owner, word_at(code.text, at + 2), line_of(code.text, at)});
  }
  return keys;
}

std::vector<Declared> values_of(const Code& code) {
  std::vector<Declared> values;
  std::size_t at = 0;
  while (const std::optional<Body> body = next_body(code.text, "enum class ", at)) {
    bool expected = true;
    for (at = body->begin; at < code.text.size() && code.text[at] != '}'; ++at) {
      if (expected && is_part(code.text[at])) {
        values.push_back({code.path, body->owner, word_at(code.text, at), line_of(code.text, at)});
        expected = false;
      }
      if (code.text[at] == ',') expected = true;
    }
  }
  return values;
}

// Whether that place only looks at a value: a case, or one side of a comparison.
bool only_asks(const std::string& text, std::size_t begin, std::size_t end) {
  std::size_t before = begin;
  while (before > 0 && (is_part(text[before - 1]) || text[before - 1] == ':')) --before;
  while (before > 0 && text[before - 1] == ' ') --before;
  if (before >= 4 && text.compare(before - 4, 4, "case") == 0) return true;
  if (before >= 2 && text[before - 1] == '=' &&
      (text[before - 2] == '=' || text[before - 2] == '!')) {
    return true;
  }
  if (before >= 4 && text.compare(before - 4, 4, "get(") == 0) return true;
  const std::size_t after = text.find_first_not_of(' ', end);
  return after != std::string::npos &&
         (text.compare(after, 2, "==") == 0 || text.compare(after, 2, "!=") == 0);
}

// What the devices of the fleet's simulator report is no sign that real ones do, and what shows a
// value does not give it.
bool gives(const std::string& path) {
  return !path.starts_with("cloud/fleetsim/") && path != "agent/telemetry/textfile.cpp";
}

bool is_given(const std::vector<Code>& all, const Declared& value) {
  const std::string name = value.owner + "::" + value.name;
  for (const Code& code : all) {
    if (!gives(code.path)) continue;
    // Only the agent measures.
    if (value.owner == "Metric" && !code.path.starts_with("agent/")) continue;
    for (std::size_t at = 0; (at = code.text.find(name, at)) != std::string::npos;) {
      const std::size_t begin = at;
      at += name.size();
      const bool whole = !is_part(code.text[at]) && (begin == 0 || !is_part(code.text[begin - 1]));
      if (whole && !only_asks(code.text, begin, at)) return true;
    }
  }
  return false;
}

bool is_read(const std::vector<Code>& all, const Declared& key) {
  for (const Code& code : all) {
    if (code.path.find("/config/") != std::string::npos) continue;
    const std::string name = "." + key.name;
    for (std::size_t at = 0; (at = code.text.find(name, at)) != std::string::npos;) {
      at += name.size();
      if (at < code.text.size() && is_part(code.text[at])) continue;
      const std::size_t next = code.text.find_first_not_of(' ', at);
      const bool written = code.text[next] == '=' && code.text[next + 1] != '=';
      if (!written) return true;
    }
  }
  return false;
}

}  // namespace

void check_used(const std::vector<SourceFile>& files, Report& report) {
  std::vector<Code> all;
  for (const SourceFile& file : files) {
    const bool product = file.path.starts_with("common/") || file.path.starts_with("agent/") ||
                         file.path.starts_with("cloud/");
    const bool code = file.path.ends_with(".h") || file.path.ends_with(".cpp");
    if (product && code) all.push_back({file.path, code_of(file.text)});
  }
  std::set<std::string> with_text;
  for (const Code& code : all) {
    for (std::size_t at = 0;
         (at = code.text.find("string_view to_string(", at)) != std::string::npos;) {
      at += 22;
      with_text.insert(word_at(code.text, at));
    }
  }
  for (const Code& code : all) {
    if (!code.path.ends_with(".h")) continue;
    for (const Declared& key : keys_of(code)) {
      if (is_read(all, key)) continue;
      report.findings.push_back(
          {key.path, key.line, key.owner + "::" + key.name + " is a key that nothing asks for"});
    }
    for (const Declared& value : values_of(code)) {
      const std::string name = value.owner + "::" + value.name;
      if (!with_text.contains(value.owner) || kAskedFor.contains(value.owner)) continue;
      if (kGivenOtherwise.contains(name) || is_given(all, value)) continue;
      report.findings.push_back(
          {value.path, value.line, name + " has a text, and nothing gives it"});
    }
  }
}

}  // namespace spillway::lint
