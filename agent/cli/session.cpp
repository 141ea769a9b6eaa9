#include "agent/cli/session.h"

#include <algorithm>
#include <charconv>

namespace spillway::cli {
namespace {

// 0: not a bare number; 0 itself never names a task.
std::uint64_t bare_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

Error not_an_id(const std::string& name) {
  Error error = parse_task_id(name).error();
  error.message += ", or just 142";
  return error;
}

}  // namespace

int exit_code(Code code) {
  switch (code) {
    case Code::invalid_argument: return kUsage;
    case Code::not_found: return kNotFound;
    case Code::denied: return kDenied;
    case Code::conflict: return kConflict;
    case Code::unavailable:
    case Code::timeout: return kUnreachable;
    case Code::busy:
    case Code::cancelled:
    case Code::unsupported:
    case Code::corrupt:
    case Code::io:
    case Code::internal: return kFailed;
  }
  return kFailed;
}

Result<intake::Client*> Session::agent() {
  if (!client_) {
    Result<intake::Client> client = intake::Client::connect(socket_);
    if (!client) return std::move(client).error();
    client_ = *std::move(client);
  }
  return &*client_;
}

Result<TaskId> Session::named(const std::string& name) {
  if (const std::uint64_t number = bare_number(name)) return TaskId{{}, number};
  Result<TaskId> id = parse_task_id(name);
  return id ? id : not_an_id(name);
}

// The agent alone knows how it names a number: that depends on when it was accepted.
Result<TaskId> Session::id_of(const std::string& name) {
  Result<TaskId> id = named(name);
  if (!id) return id;
  Result<TaskView> here = ask<TaskView>(wire::ShowRequest{id->seq, id->origin});
  if (!here) return std::move(here).error();
  return here->id;
}

}  // namespace spillway::cli
