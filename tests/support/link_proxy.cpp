#include "tests/support/link_proxy.h"

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <deque>
#include <future>
#include <thread>

namespace spillway::test {
namespace {

using asio::ip::tcp;
using Instant = std::chrono::steady_clock::time_point;
using namespace std::chrono_literals;

constexpr std::size_t kRead = 16 * 1024;
// What a link's own queues hold of one connection and direction before TCP is held back.
constexpr std::size_t kQueue = 128 * 1024;
// Time that an idle limited link may save up.
constexpr auto kBurst = 20ms;
constexpr auto kTick = 5ms;

tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

}  // namespace

// Bytes going one way through one connection: read, held for the delay and for a share of the
// capacity, written.
struct Flow {
  struct Chunk {
    Instant due;
    std::vector<char> bytes;
  };
  Flow(tcp::socket& source, tcp::socket& sink) : from(source), to(sink) {}

  tcp::socket& from;
  tcp::socket& to;
  std::vector<char> buffer = std::vector<char>(kRead);
  std::deque<Chunk> queue;
  std::size_t queued = 0;
  bool reading = false, writing = false, ended = false;
  std::vector<char> out;
};

struct Pair : std::enable_shared_from_this<Pair> {
  explicit Pair(asio::io_context& context) : client(context), target(context) {}
  tcp::socket client, target;
  Flow up{client, target}, down{target, client};
  bool open = false;
};

// One direction of the link, for all connections.
struct Lane {
  LinkShape shape;
  double budget = 0;  // bytes that may go now
  Instant filled{};
  std::atomic<std::uint64_t> bytes{0};

  bool limited() const { return shape.bits_per_second >= 0; }
  void refill(Instant now) {
    const double rate = static_cast<double>(shape.bits_per_second) / 8;
    const double most = std::max(1500.0, rate * std::chrono::duration<double>(kBurst).count());
    budget += rate * std::chrono::duration<double>(now - filled).count();
    budget = std::min(budget, most);
    filled = now;
  }
};

struct LinkProxy::State : std::enable_shared_from_this<State> {
  explicit State(std::uint16_t target_port_at) : target_port(target_port_at) {}

  Status listen(std::uint16_t at);
  void accept();
  void connect(const std::shared_ptr<Pair>& pair);
  void close(const std::shared_ptr<Pair>& pair, bool reset);
  void read(const std::shared_ptr<Pair>& pair, Flow& flow, Lane& lane);
  void write(const std::shared_ptr<Pair>& pair, Flow& flow, Lane& lane);
  void pump(const std::shared_ptr<Pair>& pair);
  void tick();
  void wake_at(Instant when);
  void step_trace();
  // Runs on the proxy's thread and waits for it.
  void call(std::function<void()> what);

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  tcp::acceptor acceptor{context};
  asio::steady_timer timer{context}, trace_timer{context};
  Instant timer_at = Instant::max();
  std::vector<std::shared_ptr<Pair>> pairs;
  std::uint16_t target_port;
  std::uint16_t port = 0;
  bool is_cut = false, frozen = false;
  Lane up, down;
  std::vector<LinkSample> trace;
  std::size_t trace_next = 0;
  Instant trace_start{};
  double trace_speed = 1;
  std::atomic<std::size_t> open{0}, accepted{0};
  std::thread thread;
};

Status LinkProxy::State::listen(std::uint16_t at) {
  std::error_code error;
  acceptor.open(tcp::v4(), error);
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor.bind(loopback(at), error);
  if (!error) acceptor.listen(128, error);
  if (error) return fail(Code::io, "link proxy cannot listen: " + error.message());
  port = acceptor.local_endpoint().port();
  accept();
  return {};
}

void LinkProxy::State::accept() {
  auto pair = std::make_shared<Pair>(context);
  acceptor.async_accept(pair->client, [this, pair](std::error_code error) {
    if (error) return;
    ++accepted;
    connect(pair);
    accept();
  });
}

void LinkProxy::State::connect(const std::shared_ptr<Pair>& pair) {
  pairs.push_back(pair);
  open = pairs.size();
  pair->target.async_connect(loopback(target_port), [this, pair](std::error_code error) {
    if (error || !pair->client.is_open()) return close(pair, true);
    std::error_code ignored;
    pair->client.set_option(tcp::no_delay(true), ignored);
    pair->target.set_option(tcp::no_delay(true), ignored);
    pair->open = true;
    pump(pair);
  });
}

void LinkProxy::State::close(const std::shared_ptr<Pair>& pair, bool reset) {
  for (tcp::socket* socket : {&pair->client, &pair->target}) {
    std::error_code ignored;
    if (reset) socket->set_option(asio::socket_base::linger(true, 0), ignored);
    socket->close(ignored);
  }
  pair->open = false;
  std::erase(pairs, pair);
  open = pairs.size();
}

void LinkProxy::State::read(const std::shared_ptr<Pair>& pair, Flow& flow, Lane& lane) {
  if (flow.reading || flow.ended || flow.queued >= kQueue) return;
  flow.reading = true;
  flow.from.async_read_some(
      asio::buffer(flow.buffer), [this, pair, &flow, &lane](std::error_code error, std::size_t n) {
        flow.reading = false;
        if (!pair->open) return;
        if (error) {
          flow.ended = true;
        } else {
          flow.queue.push_back({std::chrono::steady_clock::now() + lane.shape.delay,
                                {flow.buffer.begin(), flow.buffer.begin() + static_cast<long>(n)}});
          flow.queued += n;
        }
        pump(pair);
      });
}

void LinkProxy::State::write(const std::shared_ptr<Pair>& pair, Flow& flow, Lane& lane) {
  if (flow.writing || flow.queue.empty()) return;
  const Instant now = std::chrono::steady_clock::now();
  auto& chunk = flow.queue.front();
  if (chunk.due > now) return wake_at(chunk.due);
  std::size_t size = chunk.bytes.size();
  if (lane.limited()) {
    lane.refill(now);
    size = std::min(size, static_cast<std::size_t>(std::max(lane.budget, 0.0)));
    // Whole packets, or whatever is left of a chunk.
    if (size < std::min<std::size_t>(chunk.bytes.size(), 1400)) return wake_at(now + kTick);
    lane.budget -= static_cast<double>(size);
  }
  flow.out.assign(chunk.bytes.begin(), chunk.bytes.begin() + static_cast<long>(size));
  chunk.bytes.erase(chunk.bytes.begin(), chunk.bytes.begin() + static_cast<long>(size));
  if (chunk.bytes.empty()) flow.queue.pop_front();
  flow.queued -= size;
  flow.writing = true;
  asio::async_write(flow.to, asio::buffer(flow.out),
                    [this, pair, &flow, &lane](std::error_code error, std::size_t n) {
                      flow.writing = false;
                      lane.bytes += n;
                      if (!pair->open) return;
                      if (error) return close(pair, true);
                      pump(pair);
                    });
}

void LinkProxy::State::pump(const std::shared_ptr<Pair>& pair) {
  if (frozen || !pair->open) return;
  read(pair, pair->up, up);
  read(pair, pair->down, down);
  write(pair, pair->up, up);
  write(pair, pair->down, down);
  for (Flow* flow : {&pair->up, &pair->down}) {
    if (flow->ended && flow->queue.empty() && !flow->writing) return close(pair, false);
  }
}

void LinkProxy::State::wake_at(Instant when) {
  if (when >= timer_at) return;
  timer_at = when;
  timer.expires_at(when);
  timer.async_wait([this](std::error_code error) {
    if (error) return;
    timer_at = Instant::max();
    tick();
  });
}

void LinkProxy::State::tick() {
  // Each gets the first turn in time: a limited link is shared.
  if (pairs.size() > 1) std::rotate(pairs.begin(), pairs.begin() + 1, pairs.end());
  const auto present = pairs;
  for (const auto& pair : present) pump(pair);
}

void LinkProxy::State::step_trace() {
  if (trace.empty()) return;
  up.shape = down.shape = trace[trace_next].shape;
  tick();
  if (++trace_next == trace.size()) {
    trace_next = 0;
    trace_start += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        (trace.back().at + 1s) / trace_speed);
  }
  trace_timer.expires_at(trace_start +
                         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                             trace[trace_next].at / trace_speed));
  trace_timer.async_wait([this](std::error_code error) {
    if (!error) step_trace();
  });
}

void LinkProxy::State::call(std::function<void()> what) {
  std::promise<void> done;
  asio::post(context, [&] {
    what();
    done.set_value();
  });
  done.get_future().wait();
}

LinkProxy::LinkProxy(std::shared_ptr<State> state) : state_(std::move(state)) {}
LinkProxy::LinkProxy(LinkProxy&&) noexcept = default;

Result<LinkProxy> LinkProxy::start(std::uint16_t target_port, std::uint16_t port) {
  auto state = std::make_shared<State>(target_port);
  if (const Status listening = state->listen(port); !listening) return listening.error();
  state->thread = std::thread([state = state.get()] { state->context.run(); });
  return LinkProxy(std::move(state));
}

LinkProxy::~LinkProxy() {
  if (!state_) return;
  state_->context.stop();
  state_->thread.join();
}

std::uint16_t LinkProxy::port() const { return state_->port; }

void LinkProxy::cut() {
  state_->call([s = state_.get()] {
    s->is_cut = true;
    std::error_code ignored;
    s->acceptor.close(ignored);
    const auto present = s->pairs;
    for (const auto& pair : present) s->close(pair, true);
  });
}

void LinkProxy::freeze() {
  state_->call([s = state_.get()] { s->frozen = true; });
}

void LinkProxy::heal() {
  state_->call([s = state_.get()] {
    s->frozen = false;
    if (std::exchange(s->is_cut, false)) (void)s->listen(s->port);
    s->tick();
  });
}

void LinkProxy::shape(LinkShape up, LinkShape down) {
  state_->call([&, s = state_.get()] {
    s->trace.clear();
    s->up.shape = up;
    s->down.shape = down;
    s->tick();
  });
}

void LinkProxy::follow(std::vector<LinkSample> trace, double speed) {
  state_->call([&, s = state_.get()] {
    s->trace = std::move(trace);
    s->trace_next = 0;
    s->trace_speed = std::max(speed, 0.001);
    s->trace_start = std::chrono::steady_clock::now();
    s->step_trace();
  });
}

std::uint64_t LinkProxy::bytes_up() const { return state_->up.bytes; }
std::uint64_t LinkProxy::bytes_down() const { return state_->down.bytes; }
std::size_t LinkProxy::connections() const { return state_->open; }
std::size_t LinkProxy::accepted() const { return state_->accepted; }

}  // namespace spillway::test
