#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cloud/ctl/api.h"
#include "tests/chaos/client.h"
#include "tests/demo/workload.h"

namespace spillway::chaos {

// What an operator was told of one task that was sent to a device.
struct Errand {
  std::string key, device;
  std::size_t work = 0;
  std::set<std::string> ids;  // all that the key was answered with
  std::string state;          // as first read when it had ended
  Digest digest{};            // of the bytes of the value then
  std::string error;
};

// Somebody at the cloud's HTTP interface, on a thread of its own: sends tasks to devices under keys
// of its own, again whenever it was not answered, reads what became of each, and remembers it.
class Operator {
 public:
  Operator(ctl::Api api, std::vector<std::string> devices, const std::vector<demo::Work>& works,
           double tasks_per_second);
  ~Operator();
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  // Sends nothing more; what was sent is still waited for.
  void finish() { finishing_ = true; }
  bool settled() const { return settled_; }
  std::uint64_t accepted() const { return accepted_; }
  // Ends its thread, reads everything once more, and judges. Once.
  Verdicts judge();

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  void add_errand();
  void send(Errand& errand);
  void look(Errand& errand);
  void judge_errand(const Errand& errand, Verdicts& verdicts);
  Result<ctl::json::value> read(const Errand& errand);

  ctl::Api api_;
  const std::vector<std::string> devices_;
  std::vector<const demo::Work*> works_;
  const std::chrono::duration<double> pause_;
  std::atomic<bool> stop_{false}, finishing_{false}, settled_{false};
  std::atomic<std::uint64_t> accepted_{0};

  // The thread's own.
  std::vector<Errand> errands_;
  std::set<std::size_t> open_;  // without an end
  Clock::time_point next_ = Clock::now();
  std::thread thread_;
};

}  // namespace spillway::chaos
