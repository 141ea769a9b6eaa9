#include "tests/bench/support/stream_fanout.h"

#include <asio.hpp>
#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "tests/bench/support/watched_fleet.h"

namespace spillway::bench {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

// Many readers of the stream; counts those that have seen the newest mark.
class Readers {
 public:
  explicit Readers(std::uint16_t port, std::size_t count, const std::string& token)
      : request_("GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " +
                 token + "\r\n\r\n") {
    for (std::size_t i = 0; i < count; ++i) {
      readers_.push_back(std::make_unique<Reader>(io_));
      open(*readers_.back(), port);
    }
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Readers() {
    io_.stop();
    thread_.join();
  }

  void expect(const std::string& mark) {
    std::promise<void> done;
    asio::post(io_, [&] {
      mark_ = mark;
      seen_ = 0;
      for (auto& reader : readers_) reader->seen = false;
      begun_ = SteadyClock::now();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::size_t listening() const { return listening_; }
  std::size_t seen() const { return seen_; }
  double first() const { return first_; }
  double last() const { return last_; }

 private:
  struct Reader {
    explicit Reader(asio::io_context& io) : socket(io) {}
    tcp::socket socket;
    std::array<char, 16 * 1024> part{};
    std::string text;  // what a mark may yet be found in
    bool seen = false, listens = false;
  };

  void open(Reader& reader, std::uint16_t port) {
    reader.socket.async_connect({asio::ip::make_address("127.0.0.1"), port},
                                [this, &reader](asio::error_code error) {
                                  if (error) return;
                                  asio::async_write(reader.socket, asio::buffer(request_),
                                                    [](asio::error_code, std::size_t) {});
                                  read(reader);
                                });
  }
  void read(Reader& reader) {
    reader.socket.async_read_some(asio::buffer(reader.part),
                                  [this, &reader](asio::error_code error, std::size_t size) {
                                    if (error) return;
                                    take(reader, std::string_view(reader.part.data(), size));
                                    read(reader);
                                  });
  }
  void take(Reader& reader, std::string_view part) {
    reader.text.append(part);
    if (!reader.listens && reader.text.find("event: snapshot") != std::string::npos) {
      reader.listens = true;
      listening_ += 1;
    }
    if (!mark_.empty() && !reader.seen && reader.text.find(mark_) != std::string::npos) {
      reader.seen = true;
      const double took = seconds_since(begun_);
      if (seen_ == 0) first_ = took;
      last_ = took;
      seen_ += 1;
    }
    constexpr std::size_t kKept = 64;  // longer than any mark
    if (reader.text.size() > kKept) reader.text.erase(0, reader.text.size() - kKept);
  }

  std::string request_, mark_;
  asio::io_context io_;
  std::vector<std::unique_ptr<Reader>> readers_;
  SteadyClock::time_point begun_;
  std::atomic<std::size_t> listening_{0}, seen_{0};
  std::atomic<double> first_{0}, last_{0};
  std::thread thread_;
};

bool wait_for(const std::function<bool()>& done) {
  for (const auto start = SteadyClock::now(); !done();) {
    if (seconds_since(start) > 60) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

}  // namespace

Result<FanoutResult> measure_fanout(const std::string& directory, std::size_t clients,
                                    unsigned changes) {
  auto started = WatchedFleet::start(directory);
  if (!started) return started.error();
  WatchedFleet& fleet = **started;
  const std::string url = fleet.service().url();
  Readers readers(std::uint16_t(std::stoul(url.substr(url.rfind(':') + 1))), clients,
                  fleet.token());
  if (!wait_for([&] { return readers.listening() == clients; })) {
    return fail(Code::timeout, "only " + std::to_string(readers.listening()) + " of " +
                                   std::to_string(clients) + " streams were opened");
  }
  FanoutResult result;
  result.streams = fleet.service().counts().streams;
  for (unsigned i = 0; i < changes; ++i) {
    std::this_thread::sleep_for(700ms);
    const std::string mark = "fanout-" + std::to_string(100'000 + i);
    readers.expect("\"" + mark + "\"");
    fleet.change(mark);
    if (!wait_for([&] { return readers.seen() == clients; })) {
      return fail(Code::timeout, "a change did not reach " +
                                     std::to_string(clients - readers.seen()) + " streams");
    }
    result.first.add(readers.first());
    result.last.add(readers.last());
  }
  return result;
}

}  // namespace spillway::bench
