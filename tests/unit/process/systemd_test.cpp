#include "common/process/systemd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::process;
using namespace std::chrono_literals;

// Systemd's end of the notify socket: a datagram socket at a path or an abstract name.
TEST_GROUP(Systemd) {
  Loop loop;
  int socket_fd = -1;
  std::string path = "/tmp/spillway_notify_" + std::to_string(getpid());

  void teardown() override {
    if (socket_fd >= 0) close(socket_fd);
    unlink(path.c_str());
  }
  void listen_at(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    const bool abstract = name[0] == '@';
    if (abstract) address.sun_path[0] = 0;
    socket_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    const std::size_t length = offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1);
    CHECK_EQUAL(
        0, bind(socket_fd, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(length)));
  }
  std::string received() const {
    char text[512];
    const auto size = recv(socket_fd, text, sizeof text, MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(size));
  }
};

TEST(Systemd, is_told_of_each_stage_in_its_own_words) {
  listen_at(path);
  Systemd systemd(loop, {path, std::nullopt});
  systemd.ready();
  STRCMP_EQUAL("READY=1", received().c_str());
  systemd.status("draining,\n3 left");
  STRCMP_EQUAL("STATUS=draining, 3 left", received().c_str());
  const auto us = [](auto time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  };
  const auto before = us(std::chrono::steady_clock::now());
  systemd.reloading();
  const std::string reloading = received();
  const auto after = us(std::chrono::steady_clock::now());
  const std::string head = "RELOADING=1\nMONOTONIC_USEC=";
  STRCMP_CONTAINS(head.c_str(), reloading.c_str());
  const auto told = std::strtoll(reloading.c_str() + head.size(), nullptr, 10);
  CHECK(before <= told && told <= after);
  systemd.stopping(62s);
  STRCMP_EQUAL("STOPPING=1\nEXTEND_TIMEOUT_USEC=62000000", received().c_str());
  STRCMP_EQUAL("nothing", received().c_str());
}

TEST(Systemd, is_reached_by_an_abstract_name_too) {
  const std::string name = "@spillway-test-" + std::to_string(getpid());
  listen_at(name);
  Systemd systemd(loop, {name, std::nullopt});
  systemd.ready();
  STRCMP_EQUAL("READY=1", received().c_str());
}

TEST(Systemd, has_its_watchdog_fed_at_half_the_period) {
  listen_at(path);
  Systemd systemd(loop, {path, Duration(10ms)});
  STRCMP_EQUAL("WATCHDOG=1", received().c_str());
  const Timer end = loop.after(60ms, [&] { loop.stop(); });
  loop.run();
  int feeds = 0;
  while (received() == "WATCHDOG=1") ++feeds;
  // Twelve are due; a busy machine may delay some, and none may come early.
  CHECK(feeds >= 2 && feeds <= 12);
}

TEST(Systemd, is_not_needed) {
  const auto open_files = [] {
    int open = 0;
    for (int fd = 0; fd < 256; ++fd) open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return open;
  };
  listen_at(path);
  const int before = open_files();
  Systemd absent(loop, {});
  absent.ready();
  Systemd unusable(loop, {"relative", std::nullopt});
  unusable.status("x");
  CHECK_EQUAL(before, open_files());  // nobody to talk to
  Systemd gone(loop, {"/nonexistent/notify", Duration(1s)});
  gone.ready();
  Systemd too_long(loop, {"/" + std::string(300, 'x'), std::nullopt});
  too_long.stopping(1s);
  STRCMP_EQUAL("nothing", received().c_str());
  // No socket that is not there stands in the way of one that is.
  Systemd present(loop, {path, std::nullopt});
  present.ready();
  STRCMP_EQUAL("READY=1", received().c_str());
}

TEST(Systemd, a_watchdog_meant_for_another_process_is_not_ours) {
  setenv("NOTIFY_SOCKET", "@x", 1);
  setenv("WATCHDOG_USEC", "2000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  CHECK(SystemdEnvironment::from_process().watchdog == Duration(2s));
  setenv("WATCHDOG_PID", "1", 1);
  CHECK_FALSE(SystemdEnvironment::from_process().watchdog.has_value());
  unsetenv("WATCHDOG_PID");
  setenv("WATCHDOG_USEC", "soon", 1);
  CHECK_FALSE(SystemdEnvironment::from_process().watchdog.has_value());
  unsetenv("WATCHDOG_USEC");
  unsetenv("NOTIFY_SOCKET");
  STRCMP_EQUAL("", SystemdEnvironment::from_process().notify_socket.c_str());
}
