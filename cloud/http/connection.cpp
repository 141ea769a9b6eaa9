#include <optional>

#include "cloud/http/problem.h"
#include "cloud/http/server_state.h"

namespace spillway::cloud::http {
namespace {

constexpr std::size_t kFirstRead = 4096;  // bytes

// An answer on its way from whatever thread makes it to the connection that waits for it.
struct Pending {
  std::optional<Response> response;
  std::function<void()> wake;
};

Method method_of(bhttp::verb verb) {
  switch (verb) {
    case bhttp::verb::get: return Method::get;
    case bhttp::verb::head: return Method::head;
    case bhttp::verb::post: return Method::post;
    case bhttp::verb::put: return Method::put;
    case bhttp::verb::patch: return Method::patch;
    case bhttp::verb::delete_: return Method::del;
    default: return Method::other;
  }
}

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return low;
}

// What to say to a client whose request could not be read; nothing when it is not there any more.
std::optional<Response> answer_to(const SysError& error) {
  if (error == bhttp::error::header_limit) {
    return problem(431, "header-too-large", "the request's headers exceed 8 KiB");
  }
  if (error == bhttp::error::body_limit) {
    return problem(413, "body-too-large", "the request's body exceeds 1 MiB");
  }
  if (error == beast::error::timeout) {
    return problem(408, "too-slow", "the request took too long to arrive");
  }
  if (error.category() == bhttp::make_error_code(bhttp::error::bad_method).category() &&
      error != bhttp::error::end_of_stream && error != bhttp::error::partial_message) {
    return problem(400, "malformed-request", "not an HTTP/1.1 request: " + error.message());
  }
  return std::nullopt;
}

template <class Stream>
class Connection final : public Open {
 public:
  Connection(Server::State& state, Stream stream) : state_(state), stream_(std::move(stream)) {
    ++state_.counts.connections;
    state_.open.insert(this);
    SysError error;
    auto peer = socket().remote_endpoint(error).address();
    peer_ = peer.to_string();
    from_loopback_ = peer.is_loopback();
  }
  ~Connection() override {
    state_.open.erase(this);
    --state_.counts.connections;
    state_.end_if_empty();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Stream& stream() { return stream_; }
  PlainStream& lowest() { return beast::get_lowest_layer(stream_); }
  void deadline(std::chrono::milliseconds time) { lowest().expires_after(time); }
  const ServerOptions& options() const { return state_.options; }

  void drain() override {
    last_ = draining_ = true;
    if (events_) events_->close();
    if (idle_) lowest().cancel();
  }

  // One request after the other, until either side ends it: read; refuse by its headers alone, or
  // ask the handler; write.
  net::awaitable<void> run() {
    while (!last_) {
      if (!co_await read()) co_return;
      if (refusal_) {
        if (!co_await refuse()) co_return;
        continue;
      }
      Response response = co_await ask();
      if (!co_await write(std::move(response))) co_return;
    }
  }

 private:
  using Parser = bhttp::request_parser<bhttp::string_body>;

  tcp::socket& socket() { return lowest().socket(); }

  // False when there is nothing more to serve; a client that can still be told has been told.
  net::awaitable<bool> read() {
    refusal_.reset();
    parser_.emplace();
    parser_->header_limit(options().header_limit);
    parser_->body_limit(options().body_limit);
    if (buffer_.size() == 0 && !co_await first_bytes()) co_return false;
    // The whole header has one deadline, however slowly its bytes drip.
    deadline(options().header_time);
    auto [error, got] = co_await bhttp::async_read_header(stream_, buffer_, *parser_, kAwait);
    if (!error) {
      take_header();
      refusal_ = admit();
      if (!refusal_ && !parser_->is_done()) error = co_await read_body();
    }
    if (!error) co_return true;
    if (error == beast::error::timeout) ++state_.counts.timed_out;
    std::optional<Response> refusal = answer_to(error);
    if (!refusal) co_return false;
    ++state_.counts.malformed;
    last_ = true;
    head_ = false;
    // After a timeout the stream is closed; the attempt to say so fails at once.
    co_await write(*std::move(refusal));
    co_await linger();
    co_return false;
  }

  std::optional<Response> admit() {
    if (!state_.gate) return std::nullopt;
    Admission admission = state_.gate(request_);
    if (admission.body_limit) {
      parser_->body_limit(std::min(*admission.body_limit, options().body_limit));
      // What the header announced was measured against the limit of all.
      auto length = parser_->content_length();
      if (!admission.refusal && length && *length > *admission.body_limit) {
        return problem(413, "body-too-large", "the request's body is larger than this may have");
      }
    }
    return std::move(admission.refusal);
  }

  // True when the connection may serve another request. Without a parameter: where GCC 12
  // optimizes, a coroutine that is given one by value, and is the operand of a co_return, finds its
  // frame garbled.
  net::awaitable<bool> refuse() {
    ++state_.counts.refused;
    const bool whole = parser_->is_done();
    if (!whole) last_ = true;
    Response refusal = *std::move(refusal_);
    const bool sent = co_await write(std::move(refusal));
    if (sent && !whole) co_await linger();
    const bool more = sent && whole;
    co_return more;
  }

  // Closed with bytes unread, the connection would be reset, and its last answer lost with it.
  net::awaitable<void> linger() {
    SysError ignored;
    if (!state_.tls) socket().shutdown(tcp::socket::shutdown_send, ignored);
    buffer_.clear();
    deadline(options().linger_time);
    for (std::uint64_t left = options().body_limit; left > 0;) {
      auto [error, got] = co_await lowest().async_read_some(
          buffer_.prepare(std::size_t(std::min<std::uint64_t>(left, kFirstRead))), kAwait);
      if (error) co_return;
      left -= got;
    }
  }

  net::awaitable<bool> first_bytes() {
    idle_ = true;
    deadline(options().idle_time);
    auto [error, got] = co_await stream_.async_read_some(buffer_.prepare(kFirstRead), kAwait);
    idle_ = false;
    buffer_.commit(got);
    co_return !error;
  }

  net::awaitable<SysError> read_body() {
    deadline(options().body_time);
    if (beast::iequals(parser_->get()[bhttp::field::expect], "100-continue")) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      auto [failed, sent] = co_await net::async_write(stream_, net::buffer(kContinue), kAwait);
      if (failed) co_return failed;
    }
    auto [error, got] = co_await bhttp::async_read(stream_, buffer_, *parser_, kAwait);
    co_return error;
  }

  void take_header() {
    const auto& message = parser_->get();
    Request request;
    request.method = method_of(message.method());
    std::string_view target(message.target().data(), message.target().size());
    request.path = target.substr(0, target.find('?'));
    if (std::size_t mark = target.find('?'); mark != std::string_view::npos) {
      request.query = target.substr(mark + 1);
    }
    for (const auto& field : message) {
      request.headers.emplace_back(lower({field.name_string().data(), field.name_string().size()}),
                                   std::string(field.value().data(), field.value().size()));
    }
    request.peer = peer_;
    request.from_loopback = from_loopback_;
    request.secure = state_.tls.has_value();
    head_ = request.method == Method::head;
    if (!message.keep_alive()) last_ = true;
    request_ = std::move(request);
  }

  // Hands the request to the handler and waits for its answer, which may come by any thread, or not
  // at all: after answer_time the client is told so, and what comes later is dropped.
  net::awaitable<Response> ask() {
    ++state_.counts.requests;
    Request request = std::move(request_);
    request.body = std::move(parser_->get().body());
    if (request.path.empty() || request.path[0] != '/') {
      co_return problem(400, "malformed-request", "the request's target must begin with a slash");
    }
    auto pending = std::make_shared<Pending>();
    net::steady_timer timer(state_.io, options().answer_time);
    pending->wake = [&timer] { timer.cancel(); };
    state_.handler(std::move(request),
                   [pending, weak = state_.weak_from_this()](Response response) {
                     auto state = weak.lock();
                     if (!state) return;
                     net::post(state->io, [pending, made = std::move(response)]() mutable {
                       if (pending->response) return;
                       pending->response = std::move(made);
                       if (pending->wake) pending->wake();
                     });
                   });
    co_await timer.async_wait(kAwait);
    pending->wake = nullptr;
    if (pending->response) co_return *std::move(pending->response);
    pending->response.emplace();  // what comes now is dropped
    co_return problem(503, "no-answer", "the cloud did not answer in time; try again");
  }

  net::awaitable<bool> write(Response response) {
    bhttp::response<bhttp::span_body<const char>> message;
    message.version(11);
    message.result(response.status);
    for (const auto& [name, value] : response.headers) message.insert(name, value);
    if (!response.content_type.empty()) {
      message.set(bhttp::field::content_type, response.content_type);
    }
    if (response.events) {
      co_await stream_events(message.base(), *response.events);
      co_return false;
    }
    std::string_view body = response.fixed.empty() ? response.body : as_text(response.fixed);
    message.body() = {body.data(), body.size()};
    message.keep_alive(!last_);
    if (response.status != 204 && response.status != 304) message.content_length(body.size());
    deadline(options().write_time);
    bhttp::serializer<false, bhttp::span_body<const char>> serializer(message);
    if (head_ || response.status == 204 || response.status == 304) {
      auto [error, sent] = co_await bhttp::async_write_header(stream_, serializer, kAwait);
      co_return !error;
    }
    auto [error, sent] = co_await bhttp::async_write(stream_, serializer, kAwait);
    co_return !error;
  }

  // The body ends with the connection, so that frames need no chunks around them.
  net::awaitable<void> stream_events(bhttp::fields& fields, EventQueue& queue) {
    bhttp::response<bhttp::empty_body> header;
    header.version(11);
    for (const auto& field : fields) header.insert(field.name_string(), field.value());
    header.set(bhttp::field::connection, "close");
    deadline(options().write_time);
    bhttp::serializer<false, bhttp::empty_body> serializer(header);
    auto [error, sent] = co_await bhttp::async_write_header(stream_, serializer, kAwait);
    if (!error && !head_) {
      ++state_.counts.streams;
      co_await send_frames(queue);
      --state_.counts.streams;
    }
    queue.close();
  }

  net::awaitable<void> send_frames(EventQueue& queue) {
    static const auto kHeartbeat = std::make_shared<const std::string>(": still here\n\n");
    net::steady_timer timer(state_.io);
    queue.wake = [&timer] { timer.cancel(); };
    events_ = &queue;
    // Whether the client keeps its connection for more requests does not matter to this one.
    while (!queue.closed() && !draining_) {
      EventQueue::Frame frame = queue.pop();
      if (!frame) {
        timer.expires_after(options().heartbeat);
        auto [woken] = co_await timer.async_wait(kAwait);
        if (woken) continue;
        frame = kHeartbeat;
      }
      deadline(options().write_time);
      auto [error, sent] = co_await net::async_write(stream_, net::buffer(*frame), kAwait);
      if (error) break;
    }
    events_ = nullptr;
    queue.wake = nullptr;
  }

  Server::State& state_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Request request_;                  // its headers, until it is handled
  std::optional<Response> refusal_;  // of that request, until it is told
  std::string peer_;
  EventQueue* events_ = nullptr;
  bool from_loopback_ = false, idle_ = false, head_ = false;
  bool last_ = false;      // no request after this one
  bool draining_ = false;  // the server is about to end
};

}  // namespace

net::awaitable<void> serve_plain(Server::State& state, tcp::socket socket) {
  Connection<PlainStream> connection(state, PlainStream(std::move(socket)));
  co_await connection.run();
  SysError ignored;
  connection.lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
}

net::awaitable<void> serve_tls(Server::State& state, tcp::socket socket) {
  Connection<TlsStream> connection(state, TlsStream(std::move(socket), *state.tls));
  connection.deadline(state.options.header_time);
  auto [error] =
      co_await connection.stream().async_handshake(net::ssl::stream_base::server, kAwait);
  if (error) co_return;
  co_await connection.run();
  connection.deadline(std::chrono::seconds(2));
  co_await connection.stream().async_shutdown(kAwait);
}

}  // namespace spillway::cloud::http
