#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "spillway/status.h"

namespace spillway::ctl {

// A cloud that the operator works with.
struct Context {
  std::string name, url;
  std::string token_file;  // mode 0600, one line
  std::string ca;          // PEM; empty: the system's
};

// ~/.config/spillway/spwctl.toml:
//   [spwctl]
//   current = "field"
//   [[context]]
//   name = "field"
//   url = "https://cloud.example:8480"
//   token_file = "/etc/spillway/field.token"
struct Contexts {
  std::string current;
  std::vector<Context> all;
};
std::string contexts_path(const std::function<const char*(const char*)>& environment);
// A file that is missing has no contexts.
Result<Contexts> load_contexts(const std::string& path);

// What the command line names; flags win over the environment (SPWCTL_URL, SPWCTL_TOKEN,
// SPWCTL_CONTEXT, SPWCTL_CA), which wins over the file.
struct Choice {
  std::string context, url, token_file, ca;
};
struct Target {
  std::string url, token, ca;
};
Result<Target> resolve(const Choice& flags, const Contexts& contexts,
                       const std::function<const char*(const char*)>& environment);

}  // namespace spillway::ctl
