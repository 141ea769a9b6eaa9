#include "agent/intake/connection.h"

#include <utility>

#include "common/process/log.h"

namespace spillway::intake {
namespace {

constexpr std::size_t kPauseReading = 256 * 1024;  // bytes of answers not taken
constexpr std::size_t kEventsAhead = 64 * 1024;    // bytes; later events wait unencoded
constexpr std::size_t kKeepCapacity = 64 * 1024;
constexpr std::chrono::milliseconds kBusyRetry{100};

Error busy(std::string message) {
  Error error = fail(Code::busy, std::move(message));
  error.retry_after = kBusyRetry;
  return error;
}

}  // namespace

Connection::Connection(std::shared_ptr<Shared> shared, Socket socket, Peer peer)
    : shared_(std::move(shared)), socket_(std::move(socket)), peer_(std::move(peer)) {}

void Connection::close() {
  if (std::exchange(closed_, true)) return;
  half_frame_.cancel();
  std::error_code ignored;
  socket_.close(ignored);
  events_.clear();
  // Tickets go last and from a local: dropping one may run the Api's code.
  auto pending = std::exchange(pending_, {});
  auto retired = std::exchange(retired_, {});
  let_go(held_);
  shared_->connections.erase(shared_from_this());
  shared_->stats.clients = shared_->connections.size();
}

void Connection::refuse(Error error) {
  put(0, std::move(error));
  write_some();
  close();
}

void Connection::refuse_frame(std::string_view cause, Error error) {
  ++shared_->stats.refused;
  process::log_once(process::Level::warning, cause, "a client's request was refused",
                    {{"why", error.message}, {"pid", peer_.pid}, {"uid", peer_.uid}});
  refuse(std::move(error));
}

void Connection::read() {
  const std::span<std::uint8_t> room = in_.room();
  socket_.async_read_some(asio::buffer(room.data(), room.size()),
                          [self = shared_from_this()](std::error_code error, std::size_t count) {
                            if (self->closed_) return;
                            error ? self->close() : self->on_read(count);
                          });
}

void Connection::on_read(std::size_t count) {
  in_.filled(count);
  take_frames();
}

void Connection::take_frames() {
  while (!closed_) {
    if (queued() > kPauseReading) write_some();
    reading_paused_ = queued() > kPauseReading;
    // A client that is not read from cannot be late.
    if (reading_paused_) half_frame_.cancel();
    if (closed_ || reading_paused_) return;
    Result<std::optional<ByteView>> frame = in_.next();
    if (!frame) return refuse_frame("intake.oversized_frame", std::move(frame).error());
    if (!*frame) break;
    half_frame_.cancel();
    spared_ = false;
    take(**frame);
  }
  if (closed_) return;
  watch_half_frame();
  read();
}

void Connection::take(ByteView frame) {
  // Charged as it came, before anything is made of it: that takes about as much.
  hold(frame.size());
  Result<wire::Request> request = wire::decode_request(frame);
  if (!request) return refuse_frame("intake.malformed_request", std::move(request).error());
  handle(*std::move(request), frame.size());
}

void Connection::hold(std::size_t bytes) {
  held_ += bytes;
  shared_->held += bytes;
}

void Connection::let_go(std::size_t bytes) {
  held_ -= bytes;
  shared_->held -= bytes;
}

// For what it holds already; one request always has.
bool Connection::has_room() const {
  const std::size_t most = shared_->options.max_held;
  return pending_.empty() || (shared_->held <= most && held_ <= most / 2);
}

void Connection::watch_half_frame() {
  if (!in_.half() || half_frame_.pending()) return;
  half_frame_ = shared_->loop.after(shared_->options.half_frame, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->closed_) self->end_half_frame();
  });
}

void Connection::end_half_frame() {
  std::error_code ignored;
  // A second wait, once: it may be this process that stood still, and not the client.
  if (socket_.available(ignored) > 0 && !std::exchange(spared_, true)) return watch_half_frame();
  refuse_frame("intake.unfinished_frame",
               fail(Code::timeout, "the rest of a request did not come in time"));
}

void Connection::handle(wire::Request request, std::size_t bytes) {
  ++shared_->stats.requests;
  if (!has_room()) {
    ++shared_->stats.busy;
    let_go(bytes);
    return put(request.token, busy("requests of " + std::to_string(shared_->held) +
                                   " bytes wait for an answer; wait for some of them"));
  }
  if (pending_.size() >= shared_->options.max_outstanding) {
    ++shared_->stats.busy;
    let_go(bytes);
    return put(request.token, busy("this connection has " + std::to_string(pending_.size()) +
                                   " requests without an answer; wait for some of them"));
  }
  const std::uint64_t key = next_key_++;
  pending_[key].token = request.token;
  pending_[key].bytes = bytes;
  Api::Ticket ticket = shared_->api.handle(std::move(request.body),
                                           [weak = weak_from_this(), key](wire::AnswerBody body) {
                                             if (const auto self = weak.lock())
                                               self->reply(key, std::move(body));
                                           });
  if (const auto found = pending_.find(key); found != pending_.end()) {
    found->second.ticket = std::move(ticket);
  }
}

void Connection::reply(std::uint64_t key, wire::AnswerBody body) {
  const auto found = pending_.find(key);
  if (closed_ || found == pending_.end()) return;
  if (auto* event = std::get_if<EventView>(&body)) return take_event(key, std::move(*event));
  retired_.push_back(std::move(found->second.ticket));
  const std::uint64_t token = found->second.token;
  let_go(found->second.bytes);
  pending_.erase(found);
  put(token, std::move(body));
}

void Connection::take_event(std::uint64_t key, EventView event) {
  events_.push_back({key, std::move(event)});
  move_events();
  if (events_.size() <= shared_->options.max_events) return;
  ++shared_->stats.events_dropped;
  if (const auto stream = pending_.find(events_.front().key); stream != pending_.end()) {
    ++stream->second.events_dropped;
  }
  events_.pop_front();
}

void Connection::move_events() {
  while (!events_.empty() && queued() < kEventsAhead && !closed_) {
    WaitingEvent next = std::move(events_.front());
    events_.pop_front();
    put_event(next.key, std::move(next.event));
  }
}

void Connection::put_event(std::uint64_t key, EventView event) {
  const auto stream = pending_.find(key);
  if (stream == pending_.end()) return;
  if (const std::uint64_t dropped = std::exchange(stream->second.events_dropped, 0)) {
    EventView notice;
    notice.seq = event.seq;
    notice.id = event.id;
    notice.at = event.at;
    notice.wall = event.wall;
    notice.what = "dropped";
    notice.detail = std::to_string(dropped) + " events were dropped: they were not read in time";
    put(stream->second.token, std::move(notice));
  }
  put(stream->second.token, std::move(event));
}

void Connection::put(std::uint64_t token, wire::AnswerBody body) {
  Bytes frame = wire::encode(wire::Answer{token, std::move(body)});
  if (frame.size() > wire::kMaxFrame) {
    frame = wire::encode(wire::Answer{
        token, fail(Code::unsupported, "the answer is larger than a frame; ask for less at once")});
  }
  append_frame(out_, frame);
  drop_when_slow();
  if (!closed_) flush_later();
}

void Connection::drop_when_slow() {
  if (queued() <= shared_->options.max_queued) return;
  // A client that takes answers as fast as they come is not slow.
  write_some();
  if (closed_ || queued() <= shared_->options.max_queued) return;
  ++shared_->stats.slow;
  process::log_once(process::Level::warning, "intake.slow_reader",
                    "a client that does not read its answers was dropped",
                    {{"queued", queued()}, {"pid", peer_.pid}, {"uid", peer_.uid}});
  close();
}

void Connection::flush_later() {
  if (std::exchange(unflushed_, true)) return;
  shared_->unflushed.push_back(weak_from_this());
  if (shared_->unflushed.size() > 1) return;
  shared_->loop.post([shared = shared_] {
    for (const auto& weak : std::exchange(shared->unflushed, {})) {
      if (const auto connection = weak.lock()) connection->flush();
    }
  });
}

void Connection::flush() {
  unflushed_ = false;
  retired_.clear();
  if (closed_) return;
  do {
    write_some();
    move_events();
  } while (!closed_ && !awaiting_room_ && queued() > 0);
  resume_reading();
}

void Connection::write_some() {
  while (!closed_ && !awaiting_room_ && queued() > 0) {
    std::error_code error;
    ++shared_->stats.writes;
    written_ += socket_.write_some(asio::buffer(out_.data() + written_, queued()), error);
    if (error == asio::error::would_block) return await_room();
    if (error) return close();
  }
  if (queued() > 0) return;
  out_.clear();
  written_ = 0;
  if (out_.capacity() > kKeepCapacity) Bytes().swap(out_);
}

void Connection::await_room() {
  awaiting_room_ = true;
  if (written_ > kKeepCapacity) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(written_));
    written_ = 0;
  }
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](std::error_code error) {
    self->awaiting_room_ = false;
    if (!error) self->flush();
  });
}

void Connection::resume_reading() {
  if (closed_ || !reading_paused_ || queued() > kPauseReading) return;
  take_frames();
}

}  // namespace spillway::intake
