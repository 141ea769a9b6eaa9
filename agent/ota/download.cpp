#include "agent/ota/download.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/ota/free_space.h"
#include "agent/ota/program.h"
#include "common/crypto/sha256.h"

namespace spillway::ota {
namespace {

namespace fs = std::filesystem;

// curl's exit codes.
constexpr int kNoRange = 33;
constexpr int kTooBig = 63;
constexpr int kCannotWrite = 23;
constexpr int kGrewTooBig = 128 + SIGXFSZ;

// What may be otherwise at the next try: names, connections, timeouts, servers that are busy.
bool may_pass(int code) {
  constexpr int kPassing[] = {5, 6, 7, 18, 28, 35, 52, 55, 56};
  return std::find(std::begin(kPassing), std::end(kPassing), code) != std::end(kPassing);
}

Error explain(const Ended& ended, const std::string& url) {
  if (ended.code == kTooBig || ended.code == kCannotWrite || ended.code == kGrewTooBig) {
    return fail(Code::io,
                "the bundle is larger than the room left on the data partition, or than any bundle "
                "may be (spillway-ota --most-mib)");
  }
  return fail(Code::unavailable, "cannot download " + url + ": curl ended with " +
                                     std::to_string(ended.code) + ": " + ended.said);
}

}  // namespace

std::uint64_t free_bytes(const std::string& directory) {
  struct statvfs space {};
  if (::statvfs(directory.c_str(), &space) != 0) return 0;
  return std::uint64_t{space.f_bavail} * space.f_frsize;
}

Result<std::string> Download::fetch(const Request& request) {
  if (request.source.starts_with('/')) return request.source;
  if (Status came = download(request.source); !came) return std::move(came).error();
  return file();
}

Status Download::verify(const Request& request, const std::string& file) {
  if (request.sha256.empty()) return {};
  Result<Digest> digest = crypto::parse_digest(request.sha256);
  if (!digest) return std::move(digest).error();
  Result<BlobRef> found = crypto::sha256_file(file);
  if (!found) return std::move(found).error();
  if (found->sha256 == *digest) return {};
  return fail(Code::corrupt, "the bundle is not the one that was named: its SHA-256 differs");
}

std::vector<std::string> Download::words(const std::string& url, std::uint64_t most,
                                         std::chrono::seconds time) const {
  std::vector<std::string> all = {"curl",
                                  "--fail",
                                  "--location",
                                  "--max-redirs",
                                  "5",
                                  "--silent",
                                  "--show-error",
                                  "--proto",
                                  "=https",
                                  "--connect-timeout",
                                  "20",
                                  "--speed-limit",
                                  "100",
                                  "--speed-time",
                                  "60",
                                  "--max-time",
                                  std::to_string(time.count()),
                                  "--continue-at",
                                  "-",
                                  "--max-filesize",
                                  std::to_string(most),
                                  "--output",
                                  file()};
  // The directory that curl was built with counts besides, unless another is named.
  if (!options_.ca.empty()) {
    all.insert(all.end(), {"--cacert", options_.ca, "--capath", "/dev/null"});
  }
  all.insert(all.end(), {"--", url});
  return all;
}

Status Download::download(const std::string& url) {
  using Clock = std::chrono::steady_clock;
  std::ifstream from(origin());
  const std::string begun(std::istreambuf_iterator<char>(from), {});
  // Half of another bundle is of no use.
  if (begun != url) forget();
  std::ofstream(origin()) << url;
  const Clock::time_point deadline = Clock::now() + options_.most_time;
  Ended last;
  for (int tried = 0; tried < options_.tries; ++tried) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(deadline - Clock::now());
    if (left.count() <= 0) break;
    std::error_code error;
    const std::uint64_t have = fs::exists(file(), error) ? fs::file_size(file(), error) : 0;
    const std::uint64_t room = free_bytes(options_.directory);
    const std::uint64_t fits = have + (room > options_.keep_free ? room - options_.keep_free : 0);
    const std::uint64_t most = std::max<std::uint64_t>(std::min(fits, options_.most_bytes), 1);
    Result<Ended> ended = run_program(words(url, most, left), most);
    if (!ended) return std::move(ended).error();
    if (ended->code == 0) return {};
    last = *std::move(ended);
    if (last.code == kNoRange) {
      fs::remove(file(), error);
    } else if (!may_pass(last.code)) {
      break;
    }
    options_.sleep(std::chrono::seconds(std::min(60, 1 << std::min(tried, 6))));
  }
  return explain(last, url);
}

void Download::forget() {
  std::error_code error;
  fs::remove(file(), error);
  fs::remove(origin(), error);
}

}  // namespace spillway::ota
