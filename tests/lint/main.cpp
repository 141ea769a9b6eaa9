#include <cstdio>
#include <exception>

#include "tests/lint/rules.h"

// spillway-lint ROOT: prints what breaks the rules of the tree; exit code 1 when anything does.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: spillway-lint ROOT\n", stderr);
    return 2;
  }
  try {
    const auto report = spillway::lint::check_tree(argv[1]);
    for (const auto& finding : report.findings) {
      std::printf("%s:%zu: %s: %s\n", finding.file.c_str(), finding.line,
                  finding.warning ? "warning" : "error", finding.message.c_str());
    }
    std::printf("%zu files, %zu functions, median %zu lines; the longest: %s\n", report.files,
                report.functions, report.median_lines, report.longest.c_str());
    return report.clean() ? 0 : 1;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "spillway-lint: %s\n", problem.what());
    return 2;
  }
}
