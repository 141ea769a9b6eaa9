#include "tests/bench/support/job_queues.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/bench/support/crowd.h"
#include "tests/support/broker.h"
#include "tests/support/eventually.h"
#include "tests/support/process.h"

namespace spillway::bench {
namespace {

using namespace std::chrono_literals;

// Debian installs servers where an ordinary user does not look.
std::optional<std::string> installed(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/usr/sbin/"}) {
    if (access((folder + name).c_str(), X_OK) == 0) return folder + name;
  }
  return std::nullopt;
}

Result<test::Process> serve(std::vector<std::string> argv, std::uint16_t port) {
  const std::string name = argv.front();
  auto process = test::Process::start({.argv = std::move(argv)});
  if (!process) return process;
  if (test::eventually(10s, [port] { return test::listens(port); })) return process;
  return fail(Code::unavailable, name + " does not start");
}

Result<std::vector<Socket>> dial(std::uint16_t port, std::size_t count) {
  std::vector<Socket> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    auto socket = Socket::loopback(port);
    if (!socket) return std::move(socket).error();
    sockets.push_back(*std::move(socket));
  }
  return sockets;
}

Result<std::size_t> beanstalk_answer(ByteView in) {
  const std::size_t end = as_text(in).find("\r\n");
  if (end == std::string_view::npos) return std::size_t{0};
  if (as_text(in).starts_with("INSERTED ")) return end + 2;
  return fail(Code::io, "beanstalkd answers " + std::string(as_text(in).substr(0, end)));
}

// Gearman's packets: four bytes of magic, type and size as big-endian words, NUL-separated fields.
enum Gearman : std::uint32_t {
  kCanDo = 1,
  kPreSleep = 4,
  kNoop = 6,
  kSubmitJob = 7,
  kJobCreated = 8,
  kGrabJob = 9,
  kNoJob = 10,
  kJobAssign = 11,
  kWorkComplete = 13,
};
constexpr std::size_t kHeader = 12;
constexpr char kFunction[] = "echo";

Bytes packet(Gearman type, ByteView body = {}) {
  Bytes bytes{0, 'R', 'E', 'Q'};
  for (const std::uint32_t word : {std::uint32_t(type), std::uint32_t(body.size())}) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(std::uint8_t(word >> shift));
  }
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

std::uint32_t word_at(ByteView in, std::size_t at) {
  std::uint32_t word = 0;
  std::memcpy(&word, in.data() + at, sizeof word);
  return ntohl(word);
}

struct Packet {
  std::uint32_t type = 0;
  std::size_t length = 0;  // of header and body; 0: not whole
};
Packet first_packet(ByteView in) {
  if (in.size() < kHeader) return {};
  const Packet found{word_at(in, 4), kHeader + word_at(in, 8)};
  return in.size() < found.length ? Packet{} : found;
}

// A job is answered twice: that it was taken, and its value.
Result<std::size_t> gearman_answer(ByteView in) {
  const Packet taken = first_packet(in);
  if (taken.length == 0) return std::size_t{0};
  if (taken.type != kJobCreated) return fail(Code::io, "gearmand refuses a job");
  const Packet done = first_packet(in.subspan(taken.length));
  if (done.length == 0) return std::size_t{0};
  if (done.type != kWorkComplete) return fail(Code::io, "gearmand's worker failed");
  return taken.length + done.length;
}

// One connection of the worker: what to say to the packet that came.
Bytes worker_answer(const Packet& in, ByteView bytes) {
  if (in.type == kNoJob) return packet(kPreSleep);
  if (in.type == kNoop) return packet(kGrabJob);
  if (in.type != kJobAssign) return {};
  const std::string_view body = as_text(bytes.subspan(kHeader, in.length - kHeader));
  const std::size_t handle = body.find('\0') + 1;
  const std::size_t function = body.find('\0', handle) + 1;
  Bytes value = to_bytes(body.substr(0, handle));
  value.insert(value.end(), body.begin() + std::ptrdiff_t(function), body.end());
  Bytes answer = packet(kWorkComplete, value);
  const Bytes next = packet(kGrabJob);
  answer.insert(answer.end(), next.begin(), next.end());
  return answer;
}

// A worker with several connections on a thread of its own, so that one of them always has a job.
class EchoWorker {
 public:
  explicit EchoWorker(std::vector<Socket> sockets)
      : sockets_(std::move(sockets)), thread_([this] { work(); }) {}
  ~EchoWorker() {
    stop_ = true;
    thread_.join();
  }

 private:
  void work() {
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    std::vector<Bytes> in(sockets_.size());
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      epoll_event event{EPOLLIN, {.u64 = i}};
      epoll_ctl(poll, EPOLL_CTL_ADD, sockets_[i].get(), &event);
      (void)sockets_[i].send(packet(kCanDo, as_bytes(kFunction)));
      (void)sockets_[i].send(packet(kGrabJob));
    }
    while (!stop_) {
      std::array<epoll_event, 32> events;
      const int count = epoll_wait(poll, events.data(), int(events.size()), 20);
      for (int i = 0; i < count; ++i) serve(events[std::size_t(i)].data.u64, in);
    }
    close(poll);
  }

  void serve(std::size_t index, std::vector<Bytes>& all) {
    Bytes& in = all[index];
    if (!sockets_[index].receive(in)) return;
    for (Packet got = first_packet(in); got.length > 0; got = first_packet(in)) {
      const Bytes answer = worker_answer(got, in);
      in.erase(in.begin(), in.begin() + std::ptrdiff_t(got.length));
      (void)sockets_[index].send(answer);
    }
  }

  std::vector<Socket> sockets_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

Result<double> crowd_rate(std::uint16_t port, const QueueLoad& load, Exchange exchange) {
  auto sockets = dial(port, load.clients);
  if (!sockets) return std::move(sockets).error();
  Crowd crowd(*std::move(sockets), std::move(exchange));
  if (auto warm = crowd.run(load.seconds / 4); !warm) return warm;
  return crowd.run(load.seconds);
}

}  // namespace

Result<std::optional<double>> beanstalkd_puts(const QueueLoad& load) {
  const auto program = installed("beanstalkd");
  if (!program) return std::optional<double>{};
  const std::uint16_t port = test::free_port();
  const std::string folder = load.directory + "/beanstalkd";
  std::filesystem::create_directory(folder);
  auto server = serve(
      {*program, "-l", "127.0.0.1", "-p", std::to_string(port), "-b", folder, "-f", "0"}, port);
  if (!server) return std::move(server).error();
  Exchange put;
  put.request = to_bytes("put 100 0 60 " + std::to_string(load.bytes) + "\r\n" +
                         std::string(load.bytes, 'x') + "\r\n");
  put.answer_length = beanstalk_answer;
  auto rate = crowd_rate(port, load, std::move(put));
  if (!rate) return std::move(rate).error();
  return std::optional(*rate);
}

Result<std::optional<double>> gearman_jobs(const QueueLoad& load) {
  const auto program = installed("gearmand");
  if (!program) return std::optional<double>{};
  const std::uint16_t port = test::free_port();
  std::vector<std::string> argv{*program, "--listen=127.0.0.1", "--port=" + std::to_string(port),
                                "--log-file=" + load.directory + "/gearmand.log"};
  if (geteuid() == 0) argv.push_back("--user=root");
  auto server = serve(std::move(argv), port);
  if (!server) return std::move(server).error();
  auto workers = dial(port, 8);
  if (!workers) return std::move(workers).error();
  EchoWorker worker(*std::move(workers));
  Exchange job;
  const std::string zero(1, '\0');
  job.request =
      packet(kSubmitJob, as_bytes(kFunction + zero + zero + std::string(load.bytes, 'x')));
  job.answer_length = gearman_answer;
  auto rate = crowd_rate(port, load, std::move(job));
  if (!rate) return std::move(rate).error();
  return std::optional(*rate);
}

}  // namespace spillway::bench
