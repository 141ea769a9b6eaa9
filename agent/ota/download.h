#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/ota/updater.h"

namespace spillway::ota {

// Bundles from the network by curl over https, into `directory`/bundle, where a half of one is gone
// on with; those that are files already stay where they are. One thread.
class Download : public Source {
 public:
  struct Options {
    std::string directory;
    std::uint64_t keep_free = 4ULL << 20;     // bytes of the disk a bundle may not take
    std::uint64_t most_bytes = 512ULL << 20;  // of a bundle, whatever room there is
    std::chrono::seconds most_time = std::chrono::hours(6);  // for all tries together
    int tries = 20;
    std::string ca;  // a file: who alone vouches for servers; empty: whom the system trusts
    std::function<void(std::chrono::seconds)> sleep;
  };
  explicit Download(Options options) : options_(std::move(options)) {}
  Result<std::string> fetch(const Request& request) override;
  Status verify(const Request& request, const std::string& file) override;
  void forget() override;

 private:
  Status download(const std::string& url);
  std::vector<std::string> words(const std::string& url, std::uint64_t most,
                                 std::chrono::seconds time) const;
  std::string file() const { return options_.directory + "/bundle"; }
  std::string origin() const { return options_.directory + "/bundle.from"; }

  Options options_;
};

}  // namespace spillway::ota
