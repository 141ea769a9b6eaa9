#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/session.h"
#include "agent/cli/submit_options.h"

// The commands. Each returns the exit code of what it did, or the Error that kept it from doing it.
namespace spillway::cli {

struct ListOptions {
  std::string state;  // a word of kStates; empty: any
  std::string kind;
  std::string tenant;
  std::uint32_t limit = 100;
  std::optional<std::uint64_t> before;
};

struct WaitOptions {
  std::vector<std::string> tasks;
  std::string timeout;  // empty: none
};

struct EventsOptions {
  std::string task;  // empty: of all
  bool follow = false;
};

Result<int> run_submit(Session& session, const SubmitOptions& options);
Result<int> run_wait(Session& session, const WaitOptions& options);
Result<int> run_task_op(Session& session, wire::TaskOp op, const std::vector<std::string>& tasks);

Result<int> run_list(Session& session, const ListOptions& options);
Result<int> run_show(Session& session, const std::vector<std::string>& tasks);
Result<int> run_why(Session& session, const std::vector<std::string>& tasks);
Result<int> run_events(Session& session, const EventsOptions& options);

struct OtaOptions {
  std::string what;  // install, status or rollback
  std::string source;
  std::string sha256;
  std::string directory;
};

// Leaves a request for the updater, or says where it is.
Result<int> run_ota(Session& session, const OtaOptions& options);

struct KindOptions {
  std::string what;  // inspect
  std::string file;
  std::vector<std::string> args;  // as for a kind that reads CSV
  std::string dates;              // day-first or month-first; empty: found from the file
};

// Says what a logger's file is taken for. Fails when a kind would refuse it.
Result<int> run_kind(Session& session, const KindOptions& options);

struct DrainOptions {
  bool off = false;             // work again
  std::string timeout = "30s";  // for what runs to end
};

// Fails with Code::timeout when something runs for longer than that; the agent drains all the same.
Result<int> run_drain(Session& session, const DrainOptions& options);
Result<int> run_places(Session& session);
Result<int> run_losses(Session& session);
Result<int> run_trace(Session& session);
Result<int> run_status(Session& session);
Result<int> run_version(Session& session);

}  // namespace spillway::cli
