#include "agent/ota/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <sstream>

#include "common/base/bundle.h"

namespace spillway::ota {
namespace {

constexpr std::size_t kMostText = 4096;  // bytes of one file

using Fields = std::map<std::string, std::string, std::less<>>;

Error broken(const std::string& path, const std::string& why) {
  return fail(Code::io, path + ": " + why);
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text.substr(0, 1024);
}

// At most `most` bytes; nothing: there is no such file. Links and pipes are not followed: who may
// write the directory need not be who reads.
Result<std::optional<std::string>> read_text(const std::string& path, std::size_t most) {
  const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return std::optional<std::string>();
  if (file < 0) return broken(path, std::strerror(errno));
  struct stat facts {};
  std::string text(most, '\0');
  ssize_t count = -1;
  if (::fstat(file, &facts) == 0 && S_ISREG(facts.st_mode)) {
    do count = ::read(file, text.data(), text.size());
    while (count < 0 && errno == EINTR);
  }
  ::close(file);
  if (count < 0) return broken(path, "cannot be read");
  text.resize(static_cast<std::size_t>(count));
  return std::optional(std::move(text));
}

Result<std::optional<Fields>> read_fields(const std::string& path) {
  Result<std::optional<std::string>> text = read_text(path, kMostText + 1);
  if (!text) return std::move(text).error();
  if (!*text) return std::optional<Fields>();
  if ((*text)->size() > kMostText) return fail(Code::corrupt, path + " is too long; remove it");
  Fields fields;
  std::istringstream lines(**text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) return fail(Code::corrupt, path + " is damaged; remove it");
    fields[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return std::optional(std::move(fields));
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file) == 0;
}

Status sync_directory(const std::string& directory) {
  const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return broken(directory, std::strerror(errno));
  const bool synced = ::fsync(opened) == 0;
  ::close(opened);
  if (!synced) return broken(directory, "cannot be synced");
  return {};
}

Status replace(const std::string& directory, const std::string& name, const std::string& text) {
  const std::string path = directory + "/" + name;
  std::string next = path + ".XXXXXX";
  const int file = ::mkostemp(next.data(), O_CLOEXEC);
  if (file < 0) return broken(path, std::strerror(errno));
  const bool written = write_all(file, text) && ::fchmod(file, 0644) == 0;
  int error = errno;
  ::close(file);
  if (written && ::rename(next.c_str(), path.c_str()) == 0) return sync_directory(directory);
  if (written) error = errno;
  ::unlink(next.c_str());
  return broken(path, std::strerror(error));
}

std::string text_of(const Request& request) {
  const bool install = request.action == Request::Action::install;
  return std::string("action=") + (install ? "install" : "rollback") +
         "\nsource=" + one_line(request.source) + "\nsha256=" + one_line(request.sha256) +
         (request.from_agent ? "\nfrom=agent\n" : "\n");
}

Result<Request> request_of(const Fields& fields, const std::string& path) {
  const auto value = [&](std::string_view name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  Request request;
  if (value("action") != "install" && value("action") != "rollback") {
    return fail(Code::corrupt, path + " asks for nothing known; remove it");
  }
  if (value("action") == "rollback") request.action = Request::Action::rollback;
  request.source = value("source");
  request.sha256 = value("sha256");
  request.from_agent = value("from") == "agent";
  return request;
}

}  // namespace

Result<std::optional<Request>> Spool::request() const {
  const std::string path = directory_ + "/request";
  Result<std::optional<Fields>> fields = read_fields(path);
  if (!fields) return std::move(fields).error();
  if (!*fields) return std::optional<Request>();
  Result<Request> request = request_of(**fields, path);
  if (!request) return std::move(request).error();
  if (Status right = check(*request); !right) return std::move(right).error();
  return std::optional(*std::move(request));
}

Status Spool::leave(const Request& request) const {
  if (Status right = check(request); !right) return right;
  return replace(directory_, "request", text_of(request));
}

Status Spool::drop_request() const {
  const std::string path = directory_ + "/request";
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return broken(path, std::strerror(errno));
  return sync_directory(directory_);
}

Result<Progress> Spool::progress() const {
  const std::string path = directory_ + "/progress";
  Result<std::optional<Fields>> read = read_fields(path);
  if (!read) return std::move(read).error();
  Progress progress;
  if (!*read) return progress;
  Fields& fields = **read;
  const std::optional<UpdatePhase> phase = find_update_phase(fields["phase"]);
  if (!phase) return fail(Code::corrupt, path + " is damaged; remove it");
  Result<Request> request = request_of(fields, path);
  if (!request) return std::move(request).error();
  progress.phase = *phase;
  progress.request = *std::move(request);
  progress.target = fields["target"];
  progress.detail = fields["detail"];
  return progress;
}

Status Spool::keep(const Progress& progress) const {
  return replace(directory_, "progress",
                 "phase=" + std::string(to_string(progress.phase)) +
                     "\ntarget=" + one_line(progress.target) +
                     "\ndetail=" + one_line(progress.detail) + "\n" + text_of(progress.request));
}

Status check(const Request& request) {
  if (request.action == Request::Action::rollback) return {};
  if (!is_bundle_source(request.source)) {
    return fail(Code::invalid_argument,
                "a bundle is an absolute path or an https address of at most 1024 characters");
  }
  if (!request.sha256.empty() && !is_sha256(request.sha256)) {
    return fail(Code::invalid_argument, "a SHA-256 has 64 hexadecimal digits");
  }
  return {};
}

Status check_agents(const Request& request) {
  const bool install = request.action == Request::Action::install;
  if (install && check_remote_bundle(request.source, request.sha256)) return {};
  return fail(Code::denied,
              "the agent may ask for an install from an https address with a SHA-256, and for "
              "nothing else; root may, by: spillway ota");
}

}  // namespace spillway::ota
