#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "cloud/access/access.h"
#include "cloud/api/call.h"
#include "cloud/api/loop_bridge.h"
#include "cloud/api/repeats.h"
#include "cloud/api/routes.h"
#include "cloud/api/stream_hub.h"
#include "cloud/dispatch/dispatch.h"
#include "cloud/http/asset.h"
#include "cloud/http/own_names.h"
#include "cloud/http/server.h"
#include "cloud/http/static_files.h"
#include "spillway/view.h"

namespace spillway::cloud::api {

struct ServiceOptions {
  http::ServerOptions server;
  std::string state_dir;                // holds access.db and, until it is used, link.txt
  std::vector<std::string> names = {};  // what it is called, besides what its certificate says
  bool open_metrics = false;            // to this machine, without a token; see cloud.toml
  bool link = false;                    // print a one-time link even though there are tokens
  std::uint64_t start = 0;              // of the process, drawn at random
};

// What the cloud says of itself, besides its fleet.
struct CloudFacts {
  std::string name, version;
  Duration started{};  // since 1970
  Duration uptime{};
  bool draining = false;
  std::string broker;
  bool connected = false;
  std::vector<BrokerTerm> broker_terms;
  std::string directory;
  std::uint64_t store_bytes = 0, free_bytes = 0;
  std::vector<std::string> set_aside = {};  // damaged files, kept there until somebody looks
  // Since 1970: when a device said that all that is not the newest, or not the only one; none: none
  // did since start.
  std::optional<Duration> restored = {};
  std::string problem = {};              // what it said
  std::vector<std::string> doubts = {};  // what this start found of its files
  std::string store_problem = {};        // why nothing of the fleet can be stored now
  std::uint32_t workers = 0;
  std::uint64_t held = 0;
  std::vector<std::pair<std::string, std::uint64_t>> counters;
  std::vector<std::string> kinds;
};

// What the service works with; everything outlives it.
struct ServiceParts {
  process::Loop* loop = nullptr;
  Fleet* fleet = nullptr;
  Dispatch* dispatch = nullptr;  // the loop's; null: no tasks are taken for devices
  // On the loop: asks a device that is there, see cloud::Node; none: nobody can be asked.
  std::function<void(const std::string& device, wire::Command, Fleet::Done<std::string>)> command =
      {};
  // On the loop: has a task's device tell its story to the fleet, see cloud::Node; none: what was
  // told is all there is.
  std::function<void(TaskId task, Fleet::Done<std::string>)> ask_story = {};
  // On the loop: ends what a device offloaded; false: it is not held here. None: nobody can.
  std::function<bool(TaskId)> cancel_offloaded = {};
  std::function<CloudFacts()> facts;                              // on the loop
  std::function<std::string(const http::ServerCounts&)> metrics;  // on the loop; Prometheus text
  std::function<Duration()> wall;                                 // any thread; since 1970
  std::span<const http::Asset> assets;
};

// The HTTP interface of openapi.json: who may do what, routes, live changes, the dashboard's files.
// Made and destroyed on the loop's thread; what it serves runs on the server's. Every write by
// somebody known is in the audit before it is answered, and so are refusals of somebody known, as
// far as their number allows; strangers write nothing.
class Service {
 public:
  // Listens when it returns.
  static Result<std::unique_ptr<Service>> start(ServiceOptions options, ServiceParts parts);
  ~Service();

  std::string url() const;
  // A link that logs in once as admin; empty: nobody needs one. Stays in state_dir/link.txt until
  // it is used.
  const std::string& link() const { return link_; }
  void drain() { server_->drain(); }
  const http::ServerCounts& counts() const { return server_->counts(); }

  // For routes, on the server's thread.
  LoopBridge& bridge() { return *bridge_; }
  access::Access& access() { return *access_; }
  access::AccessStore& store() { return *store_; }
  StreamHub& hub() { return *hub_; }
  const ServiceParts& parts() const { return parts_; }
  bool secure() const { return options_.server.tls.has_value(); }
  void link_used();
  // Answers once it is written that `who` has come in.
  void audit_login(const Call& call, const Principal& who, const Response& response,
                   const Answer& answer);

 private:
  struct Entry {
    Match match;
    std::optional<Principal> who;
    std::optional<Response> refusal;
  };

  Service(ServiceOptions options, ServiceParts parts);
  std::string next_id();
  void finish(Response& response, const std::string& id) const;
  http::Admission admit(const Request& request);
  Entry enter(const Request& request, Duration now);
  void authorise(Entry& entry, const Request& request, Duration now);
  void handle(const Request& request, const Answer& answer);
  void process(const Request& request, const std::string& id, const Answer& answer);
  void call_route(const Route& route, const Call& call, Answer answer);
  Answer audited(const Route& route, const Call& call, Answer answer);
  static access::AuditRow audit_row(const Route& route, const Request& request,
                                    const Principal& who, const std::string& id, Duration now);
  void audit_refusal(const Entry& entry, const Request& request, const std::string& id,
                     Duration now);
  void write_audit(const access::AuditRow& row, std::function<void()> then);
  std::optional<Answer> once(const Route& route, const Call& call, Answer answer);
  void make_link(const std::string& code);

  ServiceOptions options_;
  ServiceParts parts_;
  http::StaticFiles files_;
  http::OwnNames names_;
  Repeats repeats_;
  access::AttemptLimit refusals_;                   // by caller, in the audit
  std::map<std::string, std::uint64_t> unwritten_;  // the rest of them
  std::vector<access::AuditRow> late_;              // of the audit, which the disk did not take
  std::uint64_t requests_ = 0;
  std::string link_;
  std::unique_ptr<LoopBridge> bridge_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<access::AccessStore> store_;
  std::unique_ptr<access::Access> access_;
  std::unique_ptr<StreamHub> hub_;
  Fleet::Subscription subscription_;
};

}  // namespace spillway::cloud::api
