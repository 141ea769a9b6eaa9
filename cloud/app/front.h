#pragma once

#include <memory>
#include <string>

#include "cloud/api/service.h"
#include "cloud/fleet/fleet.h"
#include "cloud/node/node.h"
#include "common/kinds/registry.h"

namespace spillway::cloud {

struct FrontOptions {
  api::ServiceOptions service;
  std::string name, broker;
  unsigned workers = 0;
  std::vector<std::string> doubts = {};  // what the start found of its files
};

// What people and programs see of this cloud over HTTP: the API, the dashboard, its metrics. Loop's
// thread; everything given outlives it.
class Front {
 public:
  static Result<std::unique_ptr<Front>> open(FrontOptions options, process::Loop& loop,
                                             Fleet& fleet, Node& node,
                                             const kinds::KindRegistry& kinds, const Clock& clock);

  void drain();
  const api::Service& service() const { return *service_; }

 private:
  Front(FrontOptions options, Fleet& fleet, Node& node, const kinds::KindRegistry& kinds,
        const Clock& clock);
  api::CloudFacts facts() const;
  std::string metrics(const http::ServerCounts& counts) const;

  FrontOptions options_;
  Fleet& fleet_;
  Node& node_;
  const kinds::KindRegistry& kinds_;
  const Clock& clock_;
  Duration started_wall_, started_;
  bool draining_ = false;
  std::unique_ptr<api::Service> service_;
};

}  // namespace spillway::cloud
