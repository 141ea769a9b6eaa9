#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include "cloud/http/client.h"

namespace spillway::test {

// What a proxy does that serves the cloud under /site/spillway: it takes that off the path of a
// GET, and knows nothing else.
class PrefixProxy {
 public:
  explicit PrefixProxy(const std::string& upstream);
  ~PrefixProxy();

  std::string url() const;

 private:
  void serve();
  std::string answer(const std::string& asked);

  cloud::http::Client upstream_;
  int listening_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace spillway::test
