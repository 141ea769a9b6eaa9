#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/mqtt/failure.h"
#include "common/process/loop.h"
#include "common/threads/door.h"
#include "common/threads/mutex.h"
#include "spillway/bytes.h"
#include "spillway/status.h"

namespace spillway::mqtt {

// What a connection's threads have to say to the loop.
struct Report {
  enum class Kind : std::uint8_t {
    connected,
    failed,
    disconnected,
    message,
    published,
    refused,
    probed,
    trespassed
  };
  Kind kind;
  std::uint64_t connection;  // its number: of an earlier one, a report means nothing any more
  std::string topic = {};
  Bytes payload = {};
  Error error = {};      // of refused
  bool stopped = false;  // of trespassed
  Loss loss = {};        // of disconnected
  Failure failure = {};  // of failed: the attempt, or the connection, before its cause is sought
};

// Carries reports to the loop in the order they were put. put() from any thread; close() on the
// loop, after which nothing is delivered and the loop is not touched. Messages beyond
// kMaxBacklog bytes are dropped and counted: only the application's own acknowledgements promise
// anything, and without a bound a fast broker would fill the memory of a slow node.
class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  Mailbox(process::Loop& loop, std::function<void(Report)> deliver)
      : loop_(&loop), deliver_(std::move(deliver)) {}

  void put(Report report);
  void close();

  static constexpr std::size_t kMaxBacklog = 32 * 1024 * 1024;

 private:
  void drain();

  threads::Mutex mutex_;
  process::Loop* loop_ GUARDED_BY(mutex_);  // null once closed
  std::function<void(Report)> deliver_ GUARDED_BY(threads::kLoop);
  threads::Door door_{"mqtt::Mailbox"};
  std::vector<Report> waiting_ GUARDED_BY(mutex_);
  std::size_t backlog_ GUARDED_BY(mutex_) = 0;  // bytes of messages not yet delivered
};

}  // namespace spillway::mqtt
