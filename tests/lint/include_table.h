#pragma once

#include <initializer_list>
#include <string_view>

// Who may include whom, and where each third-party library lives. Change it here, in a
// commit that says why.
namespace spillway::lint {

struct Folder {
  std::string_view path;
  std::initializer_list<std::string_view>
      may_include;  // besides itself: folders, or single headers
};

// A folder that is not listed may not exist: common/ is a closed list, agent/ and cloud/ are the
// modules of the design. Every folder sees the installed vocabulary, spillway/*.h.
inline const Folder kFolders[] = {
    {"common/include", {}},
    {"common/base", {}},
    {"common/crypto", {"common/base"}},
    {"common/lifecycle", {"common/base"}},
    {"common/threads", {}},
    {"common/executor", {"common/base", "common/threads"}},
    {"common/kinds", {"common/base", "common/crypto"}},
    {"common/config", {"common/base", "common/process"}},
    {"common/wire", {"common/base", "common/lifecycle"}},
    {"common/sqlite", {"common/base", "common/crypto", "common/threads"}},
    {"common/process", {"common/base", "common/threads"}},
    {"common/mqtt", {"common/base", "common/crypto", "common/process", "common/threads"}},
    // Users of several of the above, shared by agent and cloud.
    {"common/link", {"common/base", "common/mqtt", "common/threads", "common/wire"}},
    {"common/runner",
     {"common/base", "common/crypto", "common/executor", "common/kinds", "common/process",
      "common/threads"}},

    // The lessee's record and its working part: the cloud's for devices, a device's for the cloud.
    {"common/ledger",
     {"common/base", "common/crypto", "common/lifecycle", "common/sqlite", "common/wire"}},
    {"common/lessee",
     {"common/base", "common/crypto", "common/ledger", "common/lifecycle", "common/runner",
      "common/sqlite", "common/threads", "common/wire"}},

    // The owner's, the same on both sides.
    {"common/store", {"common/base", "common/crypto", "common/lifecycle", "common/sqlite"}},
    {"common/owner",
     {"common/base", "common/crypto", "common/lifecycle", "common/sqlite", "common/store",
      "common/threads", "common/wire"}},

    {"agent/include", {}},
    {"agent/config", {"common", "agent/include"}},
    {"agent/placement", {"common/base", "agent/include"}},
    {"agent/session", {"common"}},
    {"agent/telemetry", {"common"}},
    {"agent/intake", {"common"}},
    // The node sees its modules; of the intake only the seam it answers.
    {"agent/node",
     {"common", "agent/include", "agent/placement", "agent/session", "agent/telemetry",
      "agent/intake/api.h"}},
    // The command line speaks to the agent as any client does; doctor reads its configuration.
    {"agent/cli",
     {"common", "agent/include", "agent/config", "agent/intake/client.h", "agent/ota/spool.h"}},
    // A program of its own, beside the agent: it may write firmware, which the agent may not.
    {"agent/ota", {"common", "agent/intake/client.h"}},
    {"agent/app", {"common", "agent"}},

    {"cloud/config", {"common"}},
    {"cloud/session", {"common"}},
    {"cloud/dispatch", {"common"}},
    {"cloud/fleet", {"common"}},
    {"cloud/fleetsim", {"common"}},
    {"cloud/http", {"common"}},
    {"cloud/access", {"common", "cloud/http"}},
    // The API shows what the fleet's read model answers, and takes what operators submit.
    {"cloud/api", {"common", "cloud/access", "cloud/dispatch", "cloud/fleet", "cloud/http"}},
    {"cloud/web", {"common", "cloud/http/asset.h"}},
    {"cloud/metrics", {"common", "cloud/fleet/views.h"}},
    // The operator's command line speaks to the cloud as any client does, and knows the metrics of
    // a list of devices by the table that has them.
    {"cloud/ctl",
     {"common", "cloud/fleet/device_metrics.h", "cloud/http/client.h", "cloud/http/exchange.h"}},
    {"cloud/node", {"common", "cloud/config", "cloud/session", "cloud/dispatch", "cloud/fleet"}},
    {"cloud/app", {"common", "cloud"}},

    {"tests", {"common", "agent", "cloud"}},
};

struct Library {
  std::string_view header;                          // its headers begin so
  std::initializer_list<std::string_view> folders;  // or single files; tests/ may use all
};

inline const Library kLibraries[] = {
    {"flatbuffers/", {"common/wire"}},
    {"sqlite3.h", {"common/sqlite"}},
    {"MQTT", {"common/mqtt"}},
    {"mqtt/", {"common/mqtt"}},
    {"openssl/", {"common/crypto"}},
    {"toml++/", {"common/config"}},
    {"Eigen/", {"common/kinds"}},
    {"unsupported/Eigen/", {"common/kinds"}},
    {"asio", {"common/process", "common/executor/asio_bridge.h", "agent/intake", "cloud/fleetsim"}},
    {"CLI/",
     {"agent/cli", "agent/app", "agent/ota/main.cpp", "cloud/app", "cloud/ctl",
      "cloud/fleetsim/main.cpp"}},
    {"boost/json", {"cloud/api", "cloud/http", "cloud/ctl"}},
    {"boost/", {"cloud/http"}},
    {"prometheus/", {"cloud/metrics"}},
    {"systemd/", {"common/process"}},
    {"CppUTest", {}},
    {"sanitizer/", {}},
    {"tbb/", {}},
    {"oneapi/", {}},
    {"omp.h", {}},
    {"libgearman", {}},
};

// Headers of the system with a slash in their names; those without are not looked at.
inline const std::string_view kSystemFolders[] = {"sys/", "netinet/", "arpa/", "linux/", "net/"};

// Decisions without I/O: no thread, socket or file may enter these.
inline const std::string_view kPureFolders[] = {"common/base", "common/lifecycle",
                                                "agent/placement"};
inline const std::string_view kImpureHeaders[] = {
    "thread",   "mutex", "atomic",   "condition_variable", "future",  "fstream",  "filesystem",
    "iostream", "sys/",  "netinet/", "unistd.h",           "fcntl.h", "signal.h", "time.h"};

// Headers of adapters: implementations of a seam with the technology in their name.
inline const std::string_view kAdapters[] = {"paho_", "sqlite_"};
// Files that compose. `doctor` is one: it tries the broker without an agent.
inline const std::string_view kComposers[] = {"agent/app", "cloud/app", "agent/cli/probes.cpp",
                                              "agent/cli/bindings.cpp"};

}  // namespace spillway::lint
