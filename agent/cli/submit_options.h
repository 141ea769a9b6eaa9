#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway::cli {

// A submission as it was typed. Empty strings: not given.
struct SubmitOptions {
  std::string kind;
  std::string input;  // a file, or "-" for standard input
  std::vector<std::string> args;
  std::string band;
  std::string deadline, not_before, run_timeout, queue_timeout, retention, key_window;
  std::optional<std::uint32_t> retry;
  std::string backoff;  // BASE or BASE:CAP
  std::optional<std::uint32_t> cpu;
  std::string memory;
  std::vector<std::string> tags;
  std::string prefer, data, effects, on_disconnect;
  std::optional<double> work;
  std::vector<std::string> after;
  std::vector<std::string> labels;
  std::string tenant, trace, key;
  bool wait = false;
  std::string wait_timeout;
};

// The spec they mean, but for `input` and `after`, which take a file and the agent's store to know.
Result<TaskSpec> spec_of(const SubmitOptions& options);

// A task's input, from a file or `in`; refused when over kInlineLimit.
Result<Bytes> read_input(const std::string& path, std::istream& in);

}  // namespace spillway::cli
