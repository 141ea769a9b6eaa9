#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/certificate.h"
#include "spillway/status.h"
#include "spillway/view.h"

// What `doctor` concludes from what it found. Pure: every fact is passed in.
namespace spillway::cli {

enum class Grade : std::uint8_t { ok, warn, fail };
std::string_view to_string(Grade grade);

struct Finding {
  std::string check;
  Grade grade = Grade::ok;
  std::string what;
  std::string advice;  // what to do; empty when fine
};

struct DirectoryFacts {
  std::string path;
  bool is_directory = false;
  bool writable = false;  // by whoever runs doctor
  uid_t owner = 0;
  mode_t mode = 0;
  std::optional<uid_t> agent;  // the user the running agent's socket belongs to
};

struct SpaceFacts {
  std::string path;
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t free_inodes = 0;
  std::uint64_t total_inodes = 0;  // 0: the file system has no limit
  bool in_memory = false;
  bool read_only = false;
};

struct ClockFacts {
  Duration wall{};
  bool synchronised = false;
};

// Whether a clock shows a year in which this program exists.
bool is_sane(Duration wall);

Finding check_config(const std::string& path, const Status& loaded);
Finding check_agent(const std::string& socket, const Result<NodeView>& node);
Finding check_state_directory(const Result<DirectoryFacts>& facts);
Finding check_space(const Result<SpaceFacts>& facts);
// `quickest` of several writes that each waited for the disk.
Finding check_sync(const Result<Duration>& quickest);
Finding check_clock(const ClockFacts& facts);
Finding check_certificate(const std::string& device, const Result<crypto::CertificateInfo>& info,
                          Duration wall);
Finding check_password(const Status& secrets);
// `wall` is now: a store that was damaged is told of for 30 days.
Finding check_store(const NodeView& node, Duration wall);
Finding check_room(const NodeView& node);
Finding check_losses(const NodeView& node);
// Whether its state goes on from where it was, and is its alone.
Finding check_identity(const NodeView& node);
Finding check_kinds(const NodeView& node);
// The link of a running agent; of one that does not run, what a connection of our own came to.
Finding check_link(const NodeView& node);
// What the agent's broker granted: one finding, and one for each that hurts.
std::vector<Finding> check_terms(const std::vector<BrokerTerm>& terms);
Finding check_broker(const std::string& uri, const Status& connected);

}  // namespace spillway::cli
