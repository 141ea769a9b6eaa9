#include "agent/cli/checks.h"

#include <algorithm>
#include <map>
#include <optional>

#include "agent/cli/text.h"

namespace spillway::cli {
namespace {

using std::chrono::days;
using std::chrono::microseconds;

// No disk, however good, has a write on stable storage sooner than this; flash takes 100 µs and
// more.
constexpr Duration kTooQuick = microseconds(20);
constexpr Duration kDamageShown = std::chrono::hours(24 * 30);
constexpr Duration kSlow = std::chrono::milliseconds(50);
constexpr std::uint64_t kLittleSpace = 256ULL << 20;
constexpr std::uint64_t kNoSpace = 16ULL << 20;
constexpr std::uint64_t kFewInodes = 100;
constexpr days kExpiresSoon{30};
// 2024-01-01 and 2100-01-01.
constexpr Duration kYearBegins = std::chrono::seconds(1'704'067'200);
constexpr Duration kYearEnds = std::chrono::seconds(4'102'444'800);

Finding fine(std::string check, std::string what) {
  return {std::move(check), Grade::ok, std::move(what), ""};
}
Finding warning(std::string check, std::string what, std::string advice) {
  return {std::move(check), Grade::warn, std::move(what), std::move(advice)};
}
Finding failure(std::string check, std::string what, std::string advice) {
  return {std::move(check), Grade::fail, std::move(what), std::move(advice)};
}

std::string octal(mode_t mode) {
  std::string text;
  for (int shift = 6; shift >= 0; shift -= 3) text += static_cast<char>('0' + (mode >> shift & 7U));
  return text;
}

const PlaceView* place_of(const NodeView& node, PlaceClass of) {
  const auto found = std::find_if(node.places.begin(), node.places.end(),
                                  [of](const auto& place) { return class_of(place.place) == of; });
  return found == node.places.end() ? nullptr : &*found;
}

std::string day_text(std::chrono::sys_seconds instant) {
  return time_text(instant.time_since_epoch()).substr(0, 10);
}

Finding check_validity(const crypto::CertificateInfo& info, Duration wall) {
  const std::string span =
      "valid from " + day_text(info.not_before) + " to " + day_text(info.not_after);
  if (!is_sane(wall)) {
    return warning("certificate", span + "; the clock is wrong, so this cannot be judged",
                   "set the clock, then run doctor again");
  }
  const std::chrono::sys_seconds now(std::chrono::floor<std::chrono::seconds>(wall));
  if (now < info.not_before) {
    return failure("certificate", "not valid yet: " + span,
                   "compare the clock with the certificate");
  }
  if (now >= info.not_after) {
    return failure("certificate", "expired: " + span, "enrol the device anew");
  }
  if (info.not_after - now < kExpiresSoon) {
    return warning("certificate", "expires soon: " + span, "renew it");
  }
  return fine("certificate", info.common_name + ", " + span);
}

}  // namespace

std::string_view to_string(Grade grade) {
  constexpr std::string_view kNames[] = {"ok", "warn", "fail"};
  return kNames[static_cast<std::size_t>(grade)];
}

bool is_sane(Duration wall) { return wall >= kYearBegins && wall < kYearEnds; }

Finding check_config(const std::string& path, const Status& loaded) {
  if (loaded) return fine("config", path);
  return failure("config", loaded.error().message, "correct it, then restart spillway-agent");
}

Finding check_agent(const std::string& socket, const Result<NodeView>& node) {
  if (node) {
    const std::string about =
        node->device + ", version " + node->version + ", up " + duration_text(node->uptime);
    if (!node->draining) return fine("agent", about);
    return warning("agent", about + ", draining: it takes no new work", "spillway drain --off");
  }
  const Error& error = node.error();
  if (error.code == Code::denied) {
    return failure("agent", "its socket '" + socket + "' is closed to this user",
                   "run doctor with sudo, or join the socket's group");
  }
  if (error.code == Code::timeout) {
    return failure("agent", "it listens at '" + socket + "' but does not answer",
                   "look at its log (journalctl -u spillway-agent), then restart it");
  }
  return failure("agent", error.message,
                 "systemctl start spillway-agent; its log: journalctl -u spillway-agent");
}

Finding check_state_directory(const Result<DirectoryFacts>& facts) {
  const char* name = "state directory";
  if (!facts)
    return failure(name, facts.error().message, "make it, and give it to the agent's user");
  const std::string path = "'" + facts->path + "'";
  if (!facts->is_directory) {
    return failure(name, path + " is not a directory", "move it away and make a directory");
  }
  if (facts->agent && *facts->agent != 0 && *facts->agent != facts->owner) {
    return failure(name,
                   path + " belongs to user " + std::to_string(facts->owner) +
                       ", the agent runs as " + std::to_string(*facts->agent),
                   "chown -R " + std::to_string(*facts->agent) + " " + facts->path);
  }
  if (!facts->agent && !facts->writable) {
    return warning(name, path + " cannot be written by this user",
                   "run doctor as the agent's user, or with sudo");
  }
  if (facts->mode & 0007U) {
    return warning(name, path + " is open to every user (mode " + octal(facts->mode) + ")",
                   "chmod o-rwx " + facts->path);
  }
  return fine(name, facts->path + ", mode " + octal(facts->mode));
}

Finding check_space(const Result<SpaceFacts>& facts) {
  if (!facts) return failure("disk space", facts.error().message, "look at the file system");
  const std::string about =
      size_text(facts->free_bytes) + " free of " + size_text(facts->total_bytes);
  if (facts->read_only) {
    return failure("disk space", "the file system of '" + facts->path + "' is read-only",
                   "look at dmesg for errors of the disk, and mount it writable");
  }
  if (facts->free_bytes < kNoSpace) return failure("disk space", about, "make room");
  if (facts->total_inodes > 0 && facts->free_inodes < kFewInodes) {
    return failure("disk space", "only " + std::to_string(facts->free_inodes) + " inodes are free",
                   "remove files");
  }
  if (facts->in_memory) {
    return warning("disk space", "'" + facts->path + "' is in memory: a power cut loses every task",
                   "put the state directory on a disk");
  }
  if (facts->free_bytes < kLittleSpace) return warning("disk space", about, "make room");
  return fine("disk space", about);
}

Finding check_sync(const Result<Duration>& quickest) {
  if (!quickest) return warning("disk sync", quickest.error().message, "run doctor with sudo");
  const std::string about = "write and fdatasync take " + duration_text(*quickest);
  if (*quickest < kTooQuick) {
    return warning("disk sync", about + ", quicker than a disk can be: it may only pretend to sync",
                   "switch the disk's volatile cache off, or accept that a power cut may lose "
                   "acknowledged tasks");
  }
  if (*quickest > kSlow) {
    return warning("disk sync", about + ": durable submits will be slow",
                   "use a faster disk, or submit from several clients at once");
  }
  return fine("disk sync", about);
}

Finding check_clock(const ClockFacts& facts) {
  const std::string now = time_text(facts.wall);
  if (!is_sane(facts.wall)) {
    return warning("clock", "it shows " + now + "; tasks run, but TLS will refuse certificates",
                   "set it, or let systemd-timesyncd do so");
  }
  if (!facts.synchronised) {
    return warning("clock", now + ", not synchronised", "timedatectl set-ntp true");
  }
  return fine("clock", now + ", synchronised");
}

Finding check_certificate(const std::string& device, const Result<crypto::CertificateInfo>& info,
                          Duration wall) {
  const char* name = "certificate";
  if (!info) return failure(name, info.error().message, "correct [broker] in the configuration");
  if (info->key_matches == false) {
    return failure(name, "the private key does not belong to it",
                   "install the key it was made with");
  }
  if (info->key_exposed) {
    return failure(name, "others on this machine may read or change its private key",
                   "give the key to the agent's user, and chmod 640 it");
  }
  if (info->authority_signed == false) {
    return failure(name, "the configured authority did not sign it: " + info->why_not_signed,
                   "install the authority's certificate that the device was enrolled with");
  }
  if (info->common_name != device) {
    return failure(name, "it is for '" + info->common_name + "', the device is '" + device + "'",
                   "correct the device id, or install the device's own certificate");
  }
  return check_validity(*info, wall);
}

Finding check_password(const Status& secrets) {
  if (secrets) return fine("password", "of the broker: only who runs the agent can read it");
  return failure("password", secrets.error().message, "correct [broker] password_file");
}

Finding check_store(const NodeView& node, Duration wall) {
  if (!node.store_problem.empty()) {
    return failure("store", node.store_problem,
                   "free disk space, then look at the agent's log; nothing accepted is deleted");
  }
  std::optional<Duration> damaged;
  for (const LossView& loss : node.losses) {
    if (loss.at_least) damaged = std::max(damaged.value_or(Duration::zero()), loss.last);
  }
  // Zero: while the clock is not set nobody knows when.
  if (damaged && (*damaged == Duration::zero() || wall - *damaged < kDamageShown)) {
    return warning(
        "store",
        "it was damaged, " +
            (*damaged == Duration::zero() ? "at an unknown time"
                                          : "last at " + time_text(*damaged)) +
            "; what could be read was carried over, and nobody knows how much was not",
        "the damaged file is kept beside agent.db: look at the agent's log for its name, "
        "and at the disk; this is said for 30 days");
  }
  return fine("store", std::to_string(node.accepted) + " tasks accepted");
}

Finding check_room(const NodeView& node) {
  std::string short_of;
  for (const std::string& shortage : node.shortages) {
    short_of += (short_of.empty() ? "" : "; ") + shortage;
  }
  if (!short_of.empty()) {
    return warning("budget", short_of, "see [budget] in the configuration, or make room");
  }
  return fine("budget", size_text(node.disk_bytes) + " of " + size_text(node.disk_budget) +
                            " of disk in use");
}

Finding check_losses(const NodeView& node) {
  std::map<std::pair<DataClass, LossCause>, LossView> sums;
  for (const LossView& loss : node.losses) {
    if (!is_missed(loss.cause)) continue;
    LossView& sum = sums[{loss.data, loss.cause}];
    sum.count += loss.count;
    sum.at_least |= loss.at_least;
  }
  std::string text;
  for (const auto& [kind, sum] : sums) {
    text += std::string(text.empty() ? "" : ", ") + (sum.at_least ? "at least " : "") +
            std::to_string(sum.count) + " " + std::string(to_string(kind.first)) + " (" +
            std::string(to_string(kind.second)) + ")";
  }
  if (text.empty()) return fine("losses", "none: everything is there");
  return warning("losses", text, "see 'spillway losses', and [budget] in the configuration");
}

Finding check_identity(const NodeView& node) {
  if (node.life_problem.empty()) return fine("identity", "its own; its state goes on from before");
  return warning(
      "identity", node.life_problem,
      "one device, one certificate: revoke one that is used twice and enrol both; a copy "
      "that was put back needs nothing more");
}

Finding check_kinds(const NodeView& node) {
  const PlaceView* local = place_of(node, PlaceClass::here);
  if (!local || local->kinds.empty()) {
    return failure("kinds", "none can run on this device",
                   "see [[command]] and [plugins] in the configuration");
  }
  std::string names;
  for (const std::string& kind : local->kinds) names += (names.empty() ? "" : ", ") + kind;
  return fine("kinds", names);
}

Finding check_link(const NodeView& node) {
  const PlaceView* cloud = place_of(node, PlaceClass::cloud);
  if (!cloud)
    return warning("link", "none is configured: every task runs here",
                   "see [broker] in the configuration");
  if (!node.link_up) {
    return failure("link", cloud->state.empty() ? "down" : cloud->state,
                   "look at the network, the broker's address and its log");
  }
  if (!cloud->reachable) {
    return warning("link", "the broker answers, the cloud does not take anything: " + cloud->state,
                   "look at spillway-cloud, and at what its operators decided of this device");
  }
  return fine("link", cloud->state.empty() ? "up" : cloud->state);
}

std::vector<Finding> check_terms(const std::vector<BrokerTerm>& terms) {
  if (terms.empty()) return {};
  std::vector<Finding> findings{fine("broker", "")};
  for (const BrokerTerm& term : terms) {
    if (!term.hurts.empty()) {
      findings.push_back(warning("broker", term.what, term.hurts));
      continue;
    }
    findings[0].what += (findings[0].what.empty() ? "" : ", ") + term.what;
  }
  return findings;
}

Finding check_broker(const std::string& uri, const Status& connected) {
  if (uri.empty())
    return warning("link", "none is configured: every task will run here",
                   "see [broker] in the configuration");
  if (connected) return fine("link", "the broker at " + uri + " accepts this device");
  return failure("link", connected.error().message,
                 "look at the network, the broker's address and its log");
}

}  // namespace spillway::cli
