#include "tests/support/link_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int dial(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto address = loopback(port);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return socket;
  }
  close(socket);
  return -1;
}

// Up to `size` bytes within the time.
std::string receive(int socket, std::size_t size, int timeout_ms) {
  std::string all;
  while (all.size() < size) {
    pollfd ready{socket, POLLIN, 0};
    if (poll(&ready, 1, timeout_ms) != 1) break;
    char part[65536];
    const auto got = recv(socket, part, std::min(sizeof part, size - all.size()), 0);
    if (got <= 0) break;
    all.append(part, static_cast<std::size_t>(got));
  }
  return all;
}

}  // namespace

// A listener, the proxy before it, and one connection through it.
TEST_GROUP(LinkProxy) {
  int listener = -1;
  int client = -1;
  int server = -1;
  std::unique_ptr<LinkProxy> proxy;

  void setup() override {
    listener = socket(AF_INET, SOCK_STREAM, 0);
    auto address = loopback(0);
    socklen_t length = sizeof address;
    CHECK_EQUAL(0, bind(listener, reinterpret_cast<sockaddr*>(&address), length));
    CHECK_EQUAL(0, listen(listener, 8));
    CHECK_EQUAL(0, getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length));
    auto started = LinkProxy::start(ntohs(address.sin_port));
    CHECK(started.ok());
    proxy = std::make_unique<LinkProxy>(std::move(*started));
  }
  void teardown() override {
    for (int socket : {listener, client, server}) {
      if (socket >= 0) close(socket);
    }
    proxy.reset();
  }
  void join() {
    client = dial(proxy->port());
    CHECK(client >= 0);
    server = accept(listener, nullptr, nullptr);
    CHECK(server >= 0);
  }
  static void transmit(int socket, const std::string& text) {
    LONGS_EQUAL(text.size(), send(socket, text.data(), text.size(), MSG_NOSIGNAL));
  }
};

TEST(LinkProxy, carries_bytes_both_ways_and_counts_them) {
  join();
  transmit(client, "question");
  STRCMP_EQUAL("question", receive(server, 8, 5000).c_str());
  transmit(server, "answer");
  STRCMP_EQUAL("answer", receive(client, 6, 5000).c_str());
  CHECK(eventually(5s, [&] { return proxy->bytes_up() == 8 && proxy->bytes_down() == 6; }));
  LONGS_EQUAL(1, proxy->connections());
}

TEST(LinkProxy, ends_the_other_side_when_one_ends) {
  join();
  transmit(client, "last words");
  close(client);
  client = -1;
  STRCMP_EQUAL("last words", receive(server, 100, 5000).c_str());
  CHECK(eventually(5s, [&] { return proxy->connections() == 0; }));
}

TEST(LinkProxy, cut_resets_connections_and_refuses_new_ones_until_healed) {
  join();
  proxy->cut();
  LONGS_EQUAL(0, proxy->connections());
  char byte;
  CHECK(recv(client, &byte, 1, 0) <= 0);
  CHECK(recv(server, &byte, 1, 0) <= 0);
  LONGS_EQUAL(-1, dial(proxy->port()));
  proxy->heal();
  close(client);
  close(server);
  join();
  transmit(client, "x");
  STRCMP_EQUAL("x", receive(server, 1, 5000).c_str());
}

TEST(LinkProxy, frozen_connections_look_open_and_go_on_when_healed) {
  join();
  proxy->freeze();
  transmit(client, "stuck");
  STRCMP_EQUAL("", receive(server, 5, 50).c_str());
  LONGS_EQUAL(1, proxy->connections());
  proxy->heal();
  STRCMP_EQUAL("stuck", receive(server, 5, 5000).c_str());
}

TEST(LinkProxy, delays_each_way) {
  join();
  proxy->shape({.delay = 60ms}, {.delay = 40ms});
  const auto begin = Clock::now();
  transmit(client, "a");
  receive(server, 1, 5000);
  CHECK(Clock::now() - begin >= 60ms);
  transmit(server, "b");
  receive(client, 1, 5000);
  CHECK(Clock::now() - begin >= 100ms);
}

TEST(LinkProxy, limits_the_rate_whatever_the_number_of_bytes) {
  join();
  proxy->shape({.bits_per_second = 800'000}, {});
  const std::string bulk(50'000, 'b');  // half a second of it
  const auto begin = Clock::now();
  transmit(client, bulk);
  LONGS_EQUAL(bulk.size(), receive(server, bulk.size(), 5000).size());
  const auto took = Clock::now() - begin;
  CHECK(took >= 430ms);
  CHECK(took < 5s);
  // The other direction has no limit.
  const auto down = Clock::now();
  transmit(server, bulk);
  receive(client, bulk.size(), 5000);
  CHECK(Clock::now() - down < 400ms);
}

TEST(LinkProxy, a_capacity_of_zero_holds_everything_back) {
  join();
  proxy->shape({.bits_per_second = 0}, {.bits_per_second = 0});
  transmit(client, "held");
  // The burst that an idle link had saved is at most one packet.
  const std::string bulk(8'000, 'x');
  transmit(client, bulk);
  CHECK(receive(server, 8'004, 60).size() <= 1500);
  proxy->shape({}, {});
  CHECK(receive(server, 6'000, 5000).size() == 6'000);
}

TEST(LinkProxy, follows_a_trace) {
  join();
  std::vector<LinkSample> trace{{0ms, {}}, {100ms, {0ms, 0}}, {10s, {}}};
  proxy->follow(trace);
  transmit(client, "early");
  STRCMP_EQUAL("early", receive(server, 5, 5000).c_str());
  // Replayed a thousand times faster, the ten seconds without capacity are soon over.
  proxy->follow(trace, 1000);
  transmit(client, std::string(20'000, 'z'));
  LONGS_EQUAL(20'000, receive(server, 20'000, 5000).size());
}

TEST(LinkProxy, reads_traces_and_refuses_what_is_none) {
  const TempDir dir;
  write_text(dir.file("t.csv"), "t_s,capacity_kbit_s,rtt_ms,loss_pct\n0,7,82,0\n2,0.5,90,0\n");
  const auto trace = read_link_trace(dir.file("t.csv"));
  CHECK(trace.ok());
  LONGS_EQUAL(2, trace->size());
  CHECK((*trace)[1].at == 2s);
  LONGS_EQUAL(500, (*trace)[1].shape.bits_per_second);
  CHECK((*trace)[0].shape.delay == 41ms);
  for (const char* bad : {"", "h\n", "h\n1,2\n", "h\n1,x,3,0\n", "h\n1,-2,3,0\n", "h\n1;2;3;0\n",
                          "h\n1,nan,3,0\n", "h\n1,2,3,0,\n"}) {
    write_text(dir.file("t.csv"), bad);
    CHECK_FALSE_TEXT(read_link_trace(dir.file("t.csv")).ok(), bad);
  }
  CHECK(read_link_trace(dir.file("none")).error().code == Code::not_found);
}
