#pragma once

#include <asio/local/stream_protocol.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/intake/frame.h"
#include "agent/intake/peer.h"
#include "agent/intake/server.h"

namespace spillway::intake {

class Connection;

// What the connections of one server share. The loop's thread.
struct Shared {
  process::Loop& loop;
  Api& api;
  ServerOptions options;
  ServerStats stats;
  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::vector<std::weak_ptr<Connection>> unflushed;
  std::size_t held = 0;  // bytes of requests not answered yet
};

// One client. The loop's thread. Answers of one turn of the loop are written together, at its end.
// Owned by Shared::connections and by its own asynchronous operations; after close() it calls
// nobody.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = asio::local::stream_protocol::socket;

  Connection(std::shared_ptr<Shared> shared, Socket socket, Peer peer);

  void start() { read(); }
  void refuse(Error error);  // says so, once, and closes
  void flush();
  void close();
  uid_t user() const { return peer_.uid; }

 private:
  struct Pending {
    std::uint64_t token = 0;
    std::size_t bytes = 0;  // of the request, as it came
    Api::Ticket ticket;
    std::uint64_t events_dropped = 0;
  };
  struct WaitingEvent {
    std::uint64_t key = 0;
    EventView event;
  };

  void read();
  void on_read(std::size_t count);
  void take_frames();
  void take(ByteView frame);
  void watch_half_frame();
  void end_half_frame();
  void handle(wire::Request request, std::size_t bytes);
  bool has_room() const;
  void hold(std::size_t bytes);
  void let_go(std::size_t bytes);
  void reply(std::uint64_t key, wire::AnswerBody body);
  void take_event(std::uint64_t key, EventView event);
  void move_events();
  void put_event(std::uint64_t key, EventView event);
  void put(std::uint64_t token, wire::AnswerBody body);
  void drop_when_slow();
  void flush_later();
  void write_some();
  void await_room();
  void resume_reading();
  void refuse_frame(std::string_view cause, Error error);
  std::size_t queued() const { return out_.size() - written_; }

  std::shared_ptr<Shared> shared_;
  Socket socket_;
  Peer peer_;
  FrameBuffer in_;
  Bytes out_;
  std::size_t written_ = 0;
  std::unordered_map<std::uint64_t, Pending> pending_;  // by our own number: tokens may repeat
  std::uint64_t next_key_ = 1;
  std::size_t held_ = 0;              // bytes of them
  std::vector<Api::Ticket> retired_;  // their owner may still be inside the call that ended them
  std::deque<WaitingEvent> events_;
  process::Timer half_frame_;
  bool spared_ = false;  // the frame that is half here was late once
  bool unflushed_ = false;
  bool awaiting_room_ = false;
  bool reading_paused_ = false;
  bool closed_ = false;
};

}  // namespace spillway::intake
