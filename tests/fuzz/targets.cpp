#include "tests/fuzz/targets.h"

#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/checks.h"

namespace spillway::fuzz {
namespace {

constexpr Target kTargets[] = {
    // Bytes from the broker.
    {"message", message},
    {"presence", presence},
    {"telemetry", telemetry},
    {"topic", topic},
    {"spec", spec},
    {"result", result},
    {"explanation", explanation},
    {"packets", packets},
    // Bytes from the agent's socket.
    {"frames", frames},
    {"request", request},
    {"answer", answer},
    // Bytes from the cloud's port, and for those who ask it.
    {"http", http},
    {"http_call", http_call},
    {"http_text", http_text},
    {"events", events},
    // Texts from people, and from loggers.
    {"agent_config", agent_config},
    {"cloud_config", cloud_config},
    {"csv", csv},
    {"args", args},
    {"names", names},
    {"shown", shown},
    // Bytes from disks, plugins, programs and the firmware's tools.
    {"packed", packed},
    {"saved", saved},
    {"update", update},
    {"plugin", plugin},
    {"program", program},
};

}  // namespace

std::span<const Target> targets() { return kTargets; }

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void must_read_well(const Error& error) {
  must(!error.message.empty() && error.message.size() < 8192, "a message has a bounded length");
}

}  // namespace spillway::fuzz
