#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/mqtt/transport.h"
#include "spillway/time.h"

namespace spillway::test {

class FakeBroker;

// A Transport without a network: its events come when the broker is stepped, never from inside a
// call. The broker must outlive it. One thread.
class FakeTransport final : public mqtt::Transport {
 public:
  explicit FakeTransport(FakeBroker& broker) : broker_(broker) {}
  ~FakeTransport() override { disconnect(); }

  void listen(mqtt::TransportEvents events) override { events_ = std::move(events); }
  void connect(const mqtt::ConnectOptions& options) override;
  void disconnect() override;
  Status subscribe(const std::vector<std::string>& filters) override;
  Status publish(mqtt::Publication publication) override;
  std::size_t max_in_flight() const override { return up_ ? limit_ : 0; }
  Status probe() override;
  Status trespass(const std::string& topic) override;
  mqtt::Granted granted() const override { return granted_; }

  void grant(const mqtt::Granted& granted) { granted_ = granted; }
  const mqtt::ConnectOptions& asked() const { return options_; }
  // The connection is gone and nobody says so.
  void vanish() { up_ = false; }
  // Whether the broker has an access list that stops it, which it never tells when not set.
  void bind(bool bound) { bound_ = bound; }
  const std::vector<std::string>& trespassed() const { return trespassed_; }
  void limit_in_flight(std::size_t most) { limit_ = most; }
  bool up() const { return up_; }

 private:
  friend class FakeBroker;
  FakeBroker& broker_;
  mqtt::TransportEvents events_;
  mqtt::ConnectOptions options_;
  std::uint64_t connection_ = 0;  // 0: none
  bool up_ = false;
  mqtt::Granted granted_;
  std::optional<bool> bound_;
  std::vector<std::string> trespassed_;  // topics
  std::size_t limit_ = 1024;
  std::size_t in_flight_ = 0;
};

// A broker in memory that does what it is told, in an order that depends on nothing else: QoS 1,
// wildcards, retained messages, wills (without their delay), no local echo; sessions end with their
// connection. It knows no access list. A client is known by the id it connects with. One thread.
class FakeBroker {
 public:
  // Delivers the oldest thing that can move; false when nothing can.
  bool step();
  // Steps until nothing moves; how many steps that took.
  std::size_t run(std::size_t most = 1'000'000);

  // Ends the connection, with the will; what was on the way in either direction is lost.
  void cut(const std::string& client);
  // Half-open: nothing moves to the client or from it, until healed or cut; then it goes on.
  void freeze(const std::string& client) { frozen_.insert(client); }
  void heal(const std::string& client) { frozen_.erase(client); }
  // Ends the connection with the broker's own word.
  void part(const std::string& client, int reason, const std::string& server = {});
  std::size_t probes() const { return probes_; }
  // Attempts fail, until allowed again.
  void refuse(const std::string& client) { refused_.insert(client); }
  void allow(const std::string& client) { refused_.erase(client); }
  // Every nth message is delivered a second time, right after the first; 0: none.
  void duplicate_every(unsigned n) { duplicate_every_ = n; }
  // When what sets out now at a client's link arrives; none: at once. What is on the way keeps its
  // order.
  void set_links(std::function<Duration(const std::string& client)> arrives) {
    arrives_ = std::move(arrives);
  }
  void set_time(Duration now) { now_ = now; }
  // When the next thing arrives that cannot move yet.
  std::optional<Duration> next_at() const;
  // All connections end without a will and all memory goes, as with kill -9.
  void crash();

  // Everything published that reached it, in order; wills included.
  const std::vector<mqtt::Publication>& seen() const { return seen_; }
  const std::map<std::string, mqtt::Publication>& retained() const { return retained_; }
  bool connected(const std::string& client) const { return clients_.contains(client); }

 private:
  friend class FakeTransport;
  struct Client {
    FakeTransport* transport;
    std::uint64_t connection;
    std::optional<mqtt::Will> will;
    std::vector<std::string> filters;
  };
  struct Moving {
    std::string client;
    std::uint64_t connection;
    std::function<void()> happen;
    Duration at{};
  };

  void enqueue(const FakeTransport& transport, std::function<void()> happen);
  void attach(FakeTransport& transport);
  void detach(FakeTransport& transport, bool gracefully);
  void lose(FakeTransport& transport, const std::string& why, int reason = 0,
            const std::string& server = {});
  void add_filters(FakeTransport& transport, const std::vector<std::string>& filters);
  void take(FakeTransport& transport, const mqtt::Publication& publication);
  void spread(const mqtt::Publication& publication, const std::string& from);
  void deliver(Client& client, const mqtt::Publication& publication);

  std::map<std::string, Client> clients_;
  std::deque<Moving> moving_;
  std::function<Duration(const std::string& client)> arrives_;
  std::map<std::string, Duration> last_;  // arrival, by client
  Duration now_{};
  std::map<std::string, mqtt::Publication> retained_;
  std::vector<mqtt::Publication> seen_;
  std::set<std::string> frozen_, refused_;
  std::uint64_t connections_ = 0;
  unsigned duplicate_every_ = 0;
  unsigned deliveries_ = 0;
  std::size_t probes_ = 0;
};

// Whether an MQTT topic filter (+, #) covers a topic.
bool covers(std::string_view filter, std::string_view topic);

}  // namespace spillway::test
