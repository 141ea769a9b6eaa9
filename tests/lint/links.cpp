#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>

#include "tests/lint/rules.h"
#include "tests/lint/source_text.h"

// Links between the documents of the tree, to files, folders and headings.
namespace spillway::lint {
namespace {

// Line for line, without what stands in code.
std::vector<std::string> prose_of(const std::string& text) {
  static const std::regex code("`[^`]*`");
  std::vector<std::string> lines = lines_of(text);
  bool fenced = false;
  for (std::string& line : lines) {
    const bool fence = line.starts_with("```");
    line = fenced || fence ? "" : std::regex_replace(line, code, "");
    fenced = fenced != fence;
  }
  return lines;
}

// What a heading is called in an address, as GitHub does it.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || byte >= 0x80)
      anchor += static_cast<char>(std::tolower(byte));
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

bool has_heading(const std::string& text, const std::string& anchor) {
  static const std::regex heading("#{1,6} +(.*)");
  bool fenced = false;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("```")) fenced = !fenced;
    std::smatch found;
    if (!fenced && std::regex_match(line, found, heading) && anchor_of(found[1]) == anchor)
      return true;
  }
  return false;
}

bool leads_somewhere(const std::vector<SourceFile>& files, const std::string& from,
                     const std::string& link) {
  const std::size_t hash = std::min(link.find('#'), link.size());
  const std::string folder = from.substr(0, from.rfind('/') + 1);
  std::string path = hash == 0 ? from : folder + link.substr(0, hash);
  path = std::filesystem::path(path).lexically_normal().generic_string();
  return std::any_of(files.begin(), files.end(), [&](const SourceFile& file) {
    if (hash == link.size())
      return file.path == path || file.path.starts_with(path.ends_with('/') ? path : path + "/");
    return file.path == path && has_heading(file.text, link.substr(hash + 1));
  });
}

}  // namespace

void check_links(const std::vector<SourceFile>& files, Report& report) {
  static const std::regex link("\\]\\(([^)\\s]+)\\)"), elsewhere("[a-z]+:.*");
  for (const SourceFile& file : files) {
    if (!file.path.ends_with(".md")) continue;
    std::size_t number = 0;
    for (const std::string& line : prose_of(file.text)) {
      ++number;
      for (std::sregex_iterator it(line.begin(), line.end(), link), end; it != end; ++it) {
        const std::string target = (*it)[1];
        if (!std::regex_match(target, elsewhere) && !leads_somewhere(files, file.path, target))
          report.findings.push_back({file.path, number, "a link to " + target + " leads nowhere"});
      }
    }
  }
}

}  // namespace spillway::lint
