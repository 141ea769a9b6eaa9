#pragma once

#include <boost/json.hpp>
#include <memory>
#include <thread>

#include "cloud/api/service.h"
#include "cloud/dispatch/dispatch.h"
#include "cloud/http/client.h"
#include "common/process/system_clock.h"
#include "common/store/sqlite_owner_store.h"
#include "tests/support/temp_dir.h"

namespace spillway::test {

// The HTTP service over a fleet of three devices and a few tasks, on a loop of its own.
class ServiceRig {
 public:
  explicit ServiceRig(bool with_devices = true);
  ~ServiceRig();

  cloud::api::Service& service() { return *service_; }
  const std::string& directory() const { return directory_.path(); }
  std::string link_code() const;
  // A token's secret, made by whoever follows the link.
  std::string token(const std::string& scope);

  struct Reply {
    unsigned status = 0;
    cloud::http::Response response;
    boost::json::value body;
    std::string_view header(std::string_view name) const;
    std::string problem() const;  // its type
  };
  using Headers = cloud::http::Headers;
  Reply call(cloud::http::Method method, const std::string& target, const std::string& token,
             const std::string& body = {}, Headers headers = {}) const;
  Reply get(const std::string& target, const std::string& token) const {
    return call(cloud::http::Method::get, target, token);
  }
  cloud::http::Client client() const;

  // Runs on the loop and waits for it.
  void on_loop(const std::function<void(cloud::Fleet&)>& work);
  void restart();       // the service alone
  void open_metrics();  // the same, with measurements open to this machine

  static constexpr char kTask[] = "00000000000000aa-7";
  static constexpr char kHeldTask[] = "00000000000000aa-8";  // and one that has not ended
  // The id of a task that was submitted to pump-1, and that of its group.
  std::string dispatched_task() const;
  std::string dispatched_group() const;
  // pump-1 takes that task, and answers what it ran that it failed.
  void fail_dispatched_task();

 private:
  void start();
  void stop();
  void open_dispatch();
  void wake_dispatch();
  void fill(cloud::Fleet& fleet) const;

  TempDir directory_{"spillway-service"};
  process::BootClock clock_;
  process::Loop loop_;
  std::unique_ptr<cloud::Fleet> fleet_;
  std::unique_ptr<store::SqliteOwnerStore> dispatched_;
  std::unique_ptr<cloud::Dispatch> dispatch_;  // what it offers goes nowhere
  std::unique_ptr<cloud::api::Service> service_;
  std::string admin_;
  std::uint64_t starts_ = 0;
  bool open_metrics_ = false;
  std::thread thread_;
};

}  // namespace spillway::test
