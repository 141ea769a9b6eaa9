#include <algorithm>
#include <optional>

#include "tests/lint/include_table.h"
#include "tests/lint/rules.h"
#include "tests/lint/source_text.h"

namespace spillway::lint {
namespace {

// Whether `path` is `place` or lies in it.
bool lies_in(std::string_view path, std::string_view place) {
  return path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

template <class Places>
bool lies_in_any(std::string_view path, const Places& places) {
  return std::any_of(std::begin(places), std::end(places),
                     [&](std::string_view place) { return lies_in(path, place); });
}

template <class Prefixes>
bool starts_with_any(std::string_view text, const Prefixes& prefixes) {
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

const Folder* listed_folder(std::string_view path) {
  for (const Folder& folder : kFolders) {
    if (lies_in(path, folder.path)) return &folder;
  }
  return nullptr;
}

// Files that compose, the adapter's own folder, and tests may name an adapter.
bool may_name_adapters(const std::string& file, const std::string& header) {
  return lies_in(file, "tests") || lies_in(file, folder_of(header)) ||
         lies_in_any(file, kComposers);
}

std::optional<std::string> quoted_problem(const std::string& file, const Folder& folder,
                                          const std::string& header) {
  if (header.starts_with("spillway/agent/")) {
    if (lies_in(file, "agent") || lies_in(file, "tests")) return std::nullopt;
    return "only agent/ and tests/ see the agent's embedding API";
  }
  if (header.starts_with("spillway/")) return std::nullopt;
  if (header.find('/') == std::string::npos) {
    if (header.ends_with("_generated.h")) return std::nullopt;
    return "\"" + header + "\" is not root-relative";
  }
  const bool seen = lies_in(header, folder.path) || lies_in_any(header, folder.may_include);
  if (!seen) return std::string(folder.path) + " may not include " + header;
  const std::string name = header.substr(header.rfind('/') + 1);
  if (starts_with_any(name, kAdapters) && !may_name_adapters(file, header)) {
    return header + " is an adapter: only who composes names it";
  }
  return std::nullopt;
}

std::optional<std::string> angled_problem(const std::string& file, const std::string& header) {
  for (const Library& library : kLibraries) {
    if (!header.starts_with(library.header)) continue;
    if (lies_in(file, "tests") || lies_in_any(file, library.folders)) return std::nullopt;
    return "<" + header + "> has a folder of its own, and this is not it";
  }
  if (lies_in_any(file, kPureFolders) && starts_with_any(header, kImpureHeaders)) {
    return "<" + header + "> in a folder that is pure";
  }
  if (header.find('/') != std::string::npos && !starts_with_any(header, kSystemFolders)) {
    return "<" + header + "> is of no library that tests/lint/include_table.h knows";
  }
  return std::nullopt;
}

bool is_cpp(const std::string& path) { return path.ends_with(".h") || path.ends_with(".cpp"); }

}  // namespace

void check_includes(const std::vector<SourceFile>& files, Report& report) {
  for (const SourceFile& file : files) {
    // What is built out of tree sees what is installed, and nothing else.
    if (!is_cpp(file.path) || lies_in(file.path, "firmware")) continue;
    const Folder* folder = listed_folder(file.path);
    if (folder == nullptr) {
      report.findings.push_back(
          {file.path, 0, "is in a folder that tests/lint/include_table.h does not list"});
      continue;
    }
    for (const Include& include : includes_of(file.text)) {
      const auto problem = include.quoted ? quoted_problem(file.path, *folder, include.path)
                                          : angled_problem(file.path, include.path);
      if (problem) report.findings.push_back({file.path, include.line, *problem});
    }
  }
}

}  // namespace spillway::lint
