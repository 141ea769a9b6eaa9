#pragma once

#include <mqtt/async_client.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/mqtt/endpoint.h"
#include "common/mqtt/failure.h"
#include "common/mqtt/mailbox.h"
#include "common/mqtt/transport.h"
#include "common/threads/mutex.h"

namespace spillway::mqtt {

// Paho's namespace, hidden otherwise by this folder's own.
namespace mqtt = ::mqtt;

// One connection of Paho's asynchronous client, from the attempt to its end; never used twice, so
// nothing of an earlier connection (messages, acknowledgements, callbacks) can leak into a later
// one. Paho calls back from its threads, under its one lock, which is why a callback only puts a
// report into the mailbox, and why no callback runs once the destructor has returned.
//
// open() and the destructor may block and belong to one thread; publish() and subscribe() never
// do, and may be called from another between `connected` and the destructor.
class PahoClient {
 public:
  // Reports, under `number`: connected, at most one failed, and what comes in between.
  PahoClient(std::uint64_t number, Endpoint endpoint, ConnectOptions options,
             std::shared_ptr<Mailbox> mailbox);
  ~PahoClient();
  PahoClient(const PahoClient&) = delete;
  PahoClient& operator=(const PahoClient&) = delete;

  // Starts the attempt; an Error when it cannot even start.
  Status open();
  Status subscribe(const std::vector<std::string>& filters);
  Status publish(const Publication& publication);
  Status probe();
  Status trespass(const std::string& topic);
  Granted granted() const { return granted_; }  // from `connected` on
  std::size_t max_in_flight() const { return max_in_flight_; }

  // An attempt that has not begun will not.
  void abandon() { abandoned_ = true; }
  // Waits until what was published is out and acknowledged, at most `patience`.
  void flush(std::chrono::milliseconds patience);

 private:
  // What is called when Paho has an answer to a request.
  class Answer;
  Status create();
  Status connect();
  mqtt::connect_options connect_options();
  static int on_tls_error(const char* text, std::size_t size, void* client);
  void on_connected(const mqtt::token& token);
  void on_message(const mqtt::message& message);
  void on_answered(int qos, std::optional<int> refused_for);
  void on_subscribed(const mqtt::token& token);
  void on_farewell(const mqtt::properties& properties, int reason);
  void on_failed(Failure failure);
  void report(Report::Kind kind, Error error = {});

  const std::uint64_t number_;
  const Endpoint endpoint_;
  const ConnectOptions options_;
  const std::shared_ptr<Mailbox> mailbox_;

  std::atomic<bool> abandoned_{false};
  std::atomic<std::size_t> max_in_flight_{0};
  std::atomic<std::size_t> max_packet_{0};
  Granted granted_;  // written before `connected` is reported

  threads::Mutex mutex_;  // taken inside Paho's lock, never around a call of Paho
  threads::Condition answered_;
  std::size_t unanswered_ GUARDED_BY(mutex_) = 0;      // publications of any QoS
  std::size_t unacknowledged_ GUARDED_BY(mutex_) = 0;  // of QoS 1
  bool up_ GUARDED_BY(mutex_) = false;
  bool over_ GUARDED_BY(mutex_) = false;
  Failure last_ GUARDED_BY(mutex_);  // what is learned on the way to a failure

  std::string password_;  // of who opens it

  std::unique_ptr<Answer> connecting_, subscribing_, sending_, delivering_, probing_, trespassing_;
  std::unique_ptr<mqtt::async_client> client_;  // last: nothing is called back without it
};

}  // namespace spillway::mqtt
