#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/config/file.h"
#include "common/config/value.h"

namespace spillway::config {

struct File::State {
  std::string name;
  Value root;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> known;
  std::set<std::string> reloaded;
  Settings settings;

  struct Problem {
    unsigned line;
    std::string text;
  };
  std::optional<Problem> first;

  void report(unsigned line, const std::string& what) {
    if (!first || line < first->line) first = Problem{line, what};
  }
};

// Part of what someone wrote, fit for a message.
std::string quoted(std::string_view text);

}  // namespace spillway::config
