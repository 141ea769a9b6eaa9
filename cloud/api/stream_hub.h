#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cloud/access/access.h"
#include "cloud/api/loop_bridge.h"
#include "cloud/api/views_json.h"
#include "cloud/http/event_queue.h"

namespace spillway::cloud::api {

// Live changes to many clients. The fleet's changes (at most two a second) are written once and
// shared; the last half minute of them is kept for those who come back. A client that fell behind,
// or comes back too late, gets `resync` and then a `snapshot`. The server's thread.
class StreamHub {
 public:
  static constexpr std::size_t kMaxStreams = 2000;
  static constexpr std::size_t kKeptFrames = 60;
  static constexpr std::size_t kKeptBytes = 16 * 1024 * 1024;

  StreamHub(LoopBridge& bridge, std::uint64_t start) : bridge_(bridge), start_(start) {}

  // busy when there are too many. `position`: the id of the last event seen; empty: none.
  Result<std::shared_ptr<http::EventQueue>> open(const access::Principal& who,
                                                 const std::string& position);
  void publish(const FleetChange& change, Duration now);
  // Ends the streams of a token that was revoked, or of a session that ended.
  void end_token(const std::string& token);
  void end_session(const Digest& session);

 private:
  struct Stream {
    std::weak_ptr<http::EventQueue> queue;  // of the connection that sends it, and gone with it
    access::Principal who;
    bool live = false;  // has its snapshot
  };
  struct Kept {
    std::uint64_t id;
    http::EventQueue::Frame frame;
  };

  std::string id_text(std::uint64_t id) const;
  static bool over(const Stream& stream);
  bool resume(http::EventQueue& queue, const std::string& position);
  void ask_for_snapshot();
  void on_snapshot(const json::value& snapshot);
  void resync(Stream& stream, std::string_view reason);
  void sweep(Duration now);
  void end(const std::function<bool(const access::Principal&)>& whose);

  LoopBridge& bridge_;
  std::uint64_t start_;  // of this process: ids of another one mean nothing here
  std::uint64_t last_ = 0;
  std::vector<Stream> streams_;
  std::deque<Kept> kept_;
  std::size_t kept_bytes_ = 0;
  bool asked_ = false;
};

}  // namespace spillway::cloud::api
