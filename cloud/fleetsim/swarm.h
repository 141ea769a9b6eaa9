#pragma once

#include <asio.hpp>
#include <asio/ssl.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cloud/fleetsim/behaviour.h"
#include "cloud/fleetsim/dispatched_tasks.h"
#include "cloud/fleetsim/link.h"
#include "common/wire/messages.h"

namespace spillway::fleetsim {

struct SwarmOptions {
  std::string uri;                   // mqtts://host:port or mqtt://host:port
  std::string ca, certificate, key;  // PEM; one certificate speaks for all devices
  std::string prefix = "sim";        // devices are <prefix>-000000 and so on
  std::uint32_t devices = 100;
  std::uint64_t seed = 1;
  double interval = 10;              // seconds between frames of a device
  double connects_per_second = 500;  // over the whole swarm
  double tasks_per_second = 0;       // offered to the cloud, over the whole swarm
  std::uint16_t keep_alive = 60;
  Habits habits;
  DispatchedOptions dispatched;  // how tasks dispatched to the devices run
  std::vector<std::shared_ptr<const LinkTrace>> links;
};

struct SwarmStats {
  std::uint32_t online = 0;
  std::uint64_t connects = 0, failures = 0, drops = 0, frames = 0, frame_bytes = 0, offers = 0,
                accepts = 0, results = 0, refused = 0, dispatched = 0, dispatched_done = 0;
  std::uint32_t peak_connects = 0;  // in one second
  std::string last_problem;
};

// Thousands of devices in one process, each with a connection, a session number and a life of its
// own, speaking the same wire as an agent: birth, will, telemetry, and offers whose results they
// acknowledge; and they run tasks that operators send them. The client is a lean one of our own,
// without Paho's threads and buffers; the store, the pool and placement of a real agent are not
// there. The context's thread only.
class Swarm {
 public:
  static Result<std::unique_ptr<Swarm>> create(asio::io_context& loop, SwarmOptions options);
  ~Swarm();

  void start();
  void stop();  // says goodbye for all
  // Without a goodbye: their wills are sent.
  void kill(std::uint32_t first, std::uint32_t count);
  // Killed ones stay away until then.
  void revive();
  const SwarmStats& stats() const { return stats_; }
  std::string name_of(std::uint32_t device) const;

 private:
  struct Member;
  Swarm(asio::io_context& loop, SwarmOptions options);
  Status resolve();
  Status make_tls();
  double now() const;
  NodeTime time() const;
  void tick();
  void live(Member& member, double at);
  void connect(Member& member);
  void on_open(Member& member);
  void on_packet(Member& member, const Packet& packet);
  void introduce(Member& member);
  void on_publish(Member& member, const Packet& packet);
  void on_item(Member& member, const wire::Item& item);
  void on_closed(Member& member, const std::string& why);
  void drop(Member& member);
  void schedule_connect(Member& member);
  Bytes state_of(const Member& member, bool online, bool graceful) const;
  void send_frame(Member& member, double at);
  void offer(Member& member, std::uint64_t seq);
  void offer_tasks(double seconds);
  template <class Act>
  void lease(Member& member, Act act);
  void run_dispatched();
  void say(Member& member, const std::string& topic, wire::Item item);

  asio::io_context& loop_;
  SwarmOptions options_;
  std::string host_;
  asio::ip::tcp::endpoint broker_;
  std::optional<asio::ssl::context> tls_;
  asio::steady_timer timer_;
  std::chrono::steady_clock::time_point begun_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Member>> members_;
  std::set<Member*> busy_;                  // with dispatched tasks
  std::multimap<double, Member*> waiting_;  // to connect, by when
  std::size_t next_frame_ = 0;
  double last_tick_ = 0, connect_credit_ = 0, task_credit_ = 0, second_ = 0;
  std::uint32_t connects_this_second_ = 0;
  double reconnect_floor_ = 0;
  Bytes spec_;
  bool stopped_ = false;
  SwarmStats stats_;
};

}  // namespace spillway::fleetsim
