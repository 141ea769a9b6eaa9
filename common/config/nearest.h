#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spillway::config {

// The name that takes the fewest edits (Levenshtein) from `given`; if even that one is too far to
// be what was meant, the only one that begins so; else empty.
std::string nearest(std::string_view given, const std::vector<std::string>& names);

// Says of the first word of `given` that it is none of a program's commands, or none of its
// options.
std::string no_such_word(std::string_view program, const std::vector<std::string>& given,
                         const std::vector<std::string>& commands);

// Says in one line what is wrong with a command line: the first of `unexpected` that looks like an
// option, with the one of `options` that was meant, else a word too many; and when nothing was
// unexpected, `what`.
std::string wrong_line(std::string_view command, const std::vector<std::string>& unexpected,
                       const std::vector<std::string>& options, std::string_view what);

// The same of a command line that CLI11 refused; App is its CLI::App.
template <class App>
std::string wrong_usage(const App& app, std::string_view what) {
  std::vector<std::string> options;
  std::string command;
  const App* at = &app;
  for (;;) {
    command += (command.empty() ? "" : " ") + at->get_name();
    for (const auto* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
    }
    const auto chosen = at->get_subcommands();
    if (chosen.empty()) break;
    at = chosen.front();
  }
  return wrong_line(command, app.remaining(true), options, what);
}

}  // namespace spillway::config
