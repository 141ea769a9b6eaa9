#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "common/config/file.h"
#include "common/process/log.h"

// What agent and cloud have in common as programs.
namespace spillway::config {

// Keys of [agent] and [cloud].
struct Daemon {
  process::Level log_level = process::Level::info;
  std::chrono::milliseconds grace = std::chrono::seconds(10);

  template <class Keys>
  static void list(Keys& keys) {
    using namespace std::chrono_literals;
    using process::Level;
    keys.about_reloaded("error, warning, info or debug.");
    keys.choice("log_level", &Daemon::log_level,
                {{"error", Level::error},
                 {"warning", Level::warning},
                 {"info", Level::info},
                 {"debug", Level::debug}});
    keys.about_reloaded(
        "At SIGTERM running tasks are asked to stop. How long they may take to, before they are "
        "given up; either way they run again after the next start. A second later the program is "
        "gone.");
    keys.duration("grace", &Daemon::grace, 0ms, 1h);
  }
};

// Keys whose setting differs.
std::vector<std::string> changed(const Settings& old, const Settings& now);
// The changed keys that need a restart, as a running node does not take them up.
std::vector<std::string> need_restart(const Settings& old, const Settings& now,
                                      const std::vector<std::string>& reloaded);

}  // namespace spillway::config
