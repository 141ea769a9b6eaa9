#include <map>

#include "tests/lint/rules.h"
#include "tests/lint/source_text.h"

namespace spillway::lint {
namespace {

constexpr std::size_t kMostEqual = 5;

// What begins with one of the first, and what with one of the others, has no logic in common; what
// both need stands in common/ or tests/support.
struct Sides {
  std::vector<std::string> agent, cloud;
};
const std::vector<Sides> kSides = {
    {{"agent/node/"}, {"cloud/dispatch/", "cloud/node/"}},
    {{"tests/unit/agent_node/"}, {"tests/unit/cloud_dispatch/", "tests/unit/cloud_node/"}},
    {{"tests/support/fakes/agent_"}, {"tests/support/fakes/cloud_"}},
};

struct Line {
  std::size_t number = 0;
  std::string text;
};

// Without what stands in every file: comments, includes, using-declarations and lone braces.
std::vector<Line> logic_of(const std::string& text) {
  const std::vector<std::string> whole = lines_of(text), code = lines_of(code_of(text));
  std::vector<Line> logic;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const std::size_t begin = code[i].find_first_not_of(" \t");
    if (code[i].find_first_not_of(" \t{}();,") == std::string::npos) continue;
    if (code[i].compare(begin, 6, "using ") == 0) continue;
    // The text of strings counts, that of a comment behind does not.
    const std::size_t end = code[i].find_last_not_of(" \t");
    logic.push_back({i + 1, whole[i].substr(begin, end - begin + 1)});
  }
  return logic;
}

bool is_in(const SourceFile& file, const std::vector<std::string>& folders) {
  if (!file.path.ends_with(".h") && !file.path.ends_with(".cpp")) return false;
  for (const std::string& folder : folders) {
    if (file.path.starts_with(folder)) return true;
  }
  return false;
}

// Calls use(the lines as one text, the number of their first) for each run of too many lines.
template <class Use>
void each_run(const SourceFile& file, Use use) {
  const std::vector<Line> logic = logic_of(file.text);
  for (std::size_t i = 0; i + kMostEqual < logic.size(); ++i) {
    std::string run;
    for (std::size_t j = i; j <= i + kMostEqual; ++j) run += logic[j].text + "\n";
    use(run, logic[i].number);
  }
}

}  // namespace

void check_doubled(const std::vector<SourceFile>& files, Report& report) {
  for (const Sides& sides : kSides) {
    std::map<std::string, std::string> places;
    for (const SourceFile& file : files) {
      if (!is_in(file, sides.agent)) continue;
      each_run(file, [&](const std::string& run, std::size_t line) {
        places.try_emplace(run, file.path + ":" + std::to_string(line));
      });
    }
    for (const SourceFile& file : files) {
      if (!is_in(file, sides.cloud)) continue;
      bool told = false;  // of the run before, which goes on
      each_run(file, [&](const std::string& run, std::size_t line) {
        const auto found = places.find(run);
        if (found != places.end() && !told) {
          report.findings.push_back({file.path, line,
                                     std::to_string(kMostEqual + 1) + " lines stand in " +
                                         found->second + ", too: what both sides do is shared"});
        }
        told = found != places.end();
      });
    }
  }
}

}  // namespace spillway::lint
