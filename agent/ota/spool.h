#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/update_phase.h"
#include "spillway/status.h"

namespace spillway::ota {

inline constexpr char kDefaultDirectory[] = "/var/lib/spillway-ota";

// What somebody wants. Left in the directory by `spillway ota`, taken up by the updater.
struct Request {
  enum class Action : std::uint8_t { install, rollback };
  Action action = Action::install;
  std::string source;       // absolute path, or https://…
  std::string sha256;       // 64 hexadecimal digits; empty: the bundle's signature alone decides
  bool from_agent = false;  // not root's wish: see check_agents
};

// Where the updater is. Survives a power cut at any instant.
struct Progress {
  UpdatePhase phase = UpdatePhase::idle;
  Request request;
  std::string target;  // the slot being written, or started
  std::string detail;  // for people
};

// The updater's directory: small files of `name=value` lines, each replaced as a whole and synced,
// so that a cut leaves the old or the new one. Everybody may read them. Any thread; two writers of
// one file race harmlessly, the later wins. Contents are checked as if a stranger had written them.
class Spool {
 public:
  explicit Spool(std::string directory) : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }
  // Where the agent leaves requests, who may write nothing else of the updater's.
  Spool inbox() const { return Spool(directory_ + "/inbox"); }
  // Where a bundle from the network is put together.
  std::string bundle() const { return directory_ + "/bundle"; }
  // nothing: there is none.
  Result<std::optional<Request>> request() const;
  Status leave(const Request& request) const;
  Status drop_request() const;
  // A missing file is UpdatePhase::idle.
  Result<Progress> progress() const;
  Status keep(const Progress& progress) const;

 private:
  std::string directory_;
};

// `invalid_argument` with what to write instead, unless an absolute path or an https address
// without control characters, and a digest of 64 hexadecimal digits or none.
Status check(const Request& request);

// The agent speaks for people far away, and may be taken over by one of its clients: `denied`
// unless it asks for an install from an https address with a digest.
Status check_agents(const Request& request);

}  // namespace spillway::ota
