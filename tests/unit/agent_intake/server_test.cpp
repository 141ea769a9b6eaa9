#include "agent/intake/server.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <filesystem>
#include <thread>

#include "agent/intake/client.h"
#include "agent/intake/peer.h"
#include "tests/unit/agent_intake/raw_socket.h"
#include "tests/unit/agent_intake/running_server.h"

// Last: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::intake;
using namespace std::chrono_literals;

namespace {

bool may_be_another() {
  if (geteuid() == 0) return true;
  UT_PRINT("skipped: only root becomes another user");
  return false;
}

constexpr auto kSoon = 5min;

TaskView view(std::uint64_t seq, std::size_t bytes = 0) {
  TaskView task;
  task.id = {Origin{7}, seq};
  task.kind = "echo";
  if (bytes > 0) {
    task.state = TaskState::succeeded;
    task.result.emplace();
    task.result->id = task.id;
    task.result->value.bytes = Bytes(bytes, 'x');
  }
  return task;
}

// Answers every ShowRequest at once, with a value of `bytes`.
ScriptedApi::Script shows(std::size_t bytes = 0) {
  return [bytes](wire::RequestBody request, const Api::Reply& reply) -> Api::Ticket {
    const auto* show = std::get_if<wire::ShowRequest>(&request);
    reply(show ? wire::AnswerBody(view(show->seq, bytes)) : wire::AnswerBody(wire::Done{}));
    return nullptr;
  };
}

// Keeps every reply for the test to call. On the loop's thread only.
struct Kept {
  std::vector<Api::Reply> replies;
  std::size_t dropped = 0;
  ScriptedApi::Script script() {
    return [this](const wire::RequestBody&, const Api::Reply& reply) {
      replies.push_back(reply);
      return ticket([this] { ++dropped; });
    };
  }
};

}  // namespace

TEST_GROUP(Server) {
  std::string directory;
  ServerOptions options;

  void setup() override {
    char pattern[] = "/tmp/spillway_intake_XXXXXX";
    directory = mkdtemp(pattern);
    options.path = directory + "/agent.sock";
    options.half_frame = 10min;  // a busy machine is not what is tested
  }
  void teardown() override { std::filesystem::remove_all(directory); }

  Client connect() {
    Result<Client> client = Client::connect(options.path);
    CHECK(client.ok());
    return *std::move(client);
  }
  static std::uint64_t show(Client & client, std::uint64_t seq) {
    Result<TaskView> task = client.ask<TaskView>(wire::ShowRequest{seq}, kSoon);
    return task ? task->id.seq : 0;
  }
};

TEST(Server, answers_each_request_with_its_token) {
  RunningServer server(shows(), options);
  Client client = connect();
  const std::uint64_t first = *client.send(wire::ShowRequest{41});
  const std::uint64_t second = *client.send(wire::ShowRequest{42});
  const Result<wire::Answer> one = client.receive(kSoon);
  const Result<wire::Answer> two = client.receive(kSoon);
  CHECK(one->token == first && std::get<TaskView>(one->body).id.seq == 41);
  CHECK(two->token == second && std::get<TaskView>(two->body).id.seq == 42);
}

TEST(Server, keeps_other_answers_while_a_call_waits_for_its_own) {
  RunningServer server(shows(), options);
  Client client = connect();
  const std::uint64_t earlier = *client.send(wire::ShowRequest{1});
  LONGS_EQUAL(2, show(client, 2));
  LONGS_EQUAL(earlier, client.receive(kSoon)->token);
}

TEST(Server, writes_the_answers_to_pipelined_requests_together) {
  RunningServer server(shows(), options);
  Client client = connect();
  for (std::uint64_t seq = 1; seq <= 500; ++seq) CHECK(client.send(wire::ShowRequest{seq}).ok());
  for (std::uint64_t seq = 1; seq <= 500; ++seq) {
    LONGS_EQUAL(seq, std::get<TaskView>(client.receive(kSoon)->body).id.seq);
  }
  const ServerStats stats = server.stats();
  LONGS_EQUAL(500, stats.requests);
  CHECK(stats.writes <= 50);
}

TEST(Server, serves_many_clients_at_once) {
  RunningServer server(shows(), options);
  std::vector<std::thread> threads;
  threads.reserve(32);
  std::atomic<int> right = 0;
  for (int i = 0; i < 32; ++i) {
    threads.emplace_back([&] {
      Result<Client> client = Client::connect(options.path);
      for (std::uint64_t seq = 1; client && seq <= 20; ++seq) {
        Result<TaskView> task = client->ask<TaskView>(wire::ShowRequest{seq}, kSoon);
        if (task && task->id.seq == seq) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  LONGS_EQUAL(32 * 20, right);
  LONGS_EQUAL(32, server.stats().accepted);
}

TEST(Server, answers_a_garbage_frame_with_one_error_and_closes_only_that_connection) {
  RunningServer server(shows(), options);
  Client bystander = connect();
  const std::string_view kGarbage[] = {
      "", "x", "SPWA", "\x10\0\0\0SPWAgarbagegarbagegarbagegarbage", "GET / HTTP/1.1\r\n\r\n"};
  for (std::string_view garbage : kGarbage) {
    RawSocket raw(options.path);
    raw.write(framed(as_bytes(garbage)));
    CHECK(raw.read_error().code == Code::corrupt);
    CHECK(raw.read_error().code == Code::unavailable);
  }
  LONGS_EQUAL(std::size(kGarbage), server.stats().refused);
  LONGS_EQUAL(5, show(bystander, 5));
}

TEST(Server, refuses_a_huge_length_without_waiting_for_its_bytes) {
  RunningServer server(shows(), options);
  RawSocket raw(options.path);
  raw.write(Bytes{0xFF, 0xFF, 0xFF, 0x7F});
  CHECK(raw.read_error().code == Code::corrupt);
  CHECK(raw.read_error().code == Code::unavailable);
}

TEST(Server, survives_any_flipped_byte_of_a_request) {
  RunningServer server(shows(), options);
  const Bytes good = framed(wire::encode(wire::Request{9, wire::ListRequest{}}));
  for (std::size_t at = 4; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] = static_cast<std::uint8_t>(bad[at] ^ 0xFF);
    RawSocket raw(options.path);
    raw.write(bad);
  }
  Client client = connect();
  LONGS_EQUAL(1, show(client, 1));
}

TEST(Server, gives_the_rest_of_a_frame_only_so_long_but_an_idle_client_for_ever) {
  options.half_frame = 20ms;
  RunningServer server(shows(), options);
  Client idle = connect();
  LONGS_EQUAL(1, show(idle, 1));
  RawSocket raw(options.path);
  raw.write(Bytes{100, 0, 0, 0, 1, 2, 3});
  CHECK(raw.read_error().code == Code::timeout);
  CHECK(raw.read_error().code == Code::unavailable);
  LONGS_EQUAL(2, show(idle, 2));
}

TEST(Server, says_busy_beyond_the_outstanding_requests_of_one_client) {
  options.max_outstanding = 3;
  Kept kept;
  RunningServer server(kept.script(), options);
  Client client = connect();
  for (int i = 0; i < 3; ++i) CHECK(client.send(wire::WaitRequest{1}).ok());
  const Result<wire::Answer> refused = client.call(wire::WaitRequest{1}, kSoon);
  CHECK(refused.error().code == Code::busy);
  CHECK(refused.error().retry_after.has_value());
  server.on_loop([&] { kept.replies[0](wire::Done{}); });
  CHECK(client.receive(kSoon).ok());
  CHECK(client.send(wire::WaitRequest{1}).ok());
  CHECK(client.flush().ok());
  server.turn_until([&](const ServerStats& stats) { return stats.requests == 5; });
  LONGS_EQUAL(1, server.stats().busy);
}

TEST(Server, charges_requests_as_they_come_and_says_busy_beyond_their_bytes) {
  options.max_held = 100'000;
  Kept kept;
  RunningServer server(kept.script(), options);
  const wire::SubmitRequest large{{Bytes(40'000, 1)}};
  Client first = connect(), second = connect(), third = connect();
  CHECK(first.send(large).ok());
  CHECK(first.flush().ok());
  // Half of it is the most that one client has.
  CHECK(first.call(large, kSoon).error().code == Code::busy);
  CHECK(second.send(large).ok());
  CHECK(second.send(wire::WaitRequest{1}).ok());
  CHECK(second.flush().ok());
  server.turn_until([](const ServerStats& stats) { return stats.requests == 4; });
  LONGS_EQUAL(1, server.stats().busy);
  CHECK(third.send(wire::WaitRequest{1}).ok());
  CHECK(third.call(large, kSoon).error().code == Code::busy);
  server.on_loop([&] { kept.replies[0](wire::Done{}); });
  CHECK(first.receive(kSoon).ok());
  CHECK(third.send(large).ok());
  CHECK(third.flush().ok());
  server.turn_until([](const ServerStats& stats) { return stats.requests == 7; });
  LONGS_EQUAL(2, server.stats().busy);
}

TEST(Server, what_a_client_that_went_away_had_sent_is_not_held) {
  options.max_held = 100'000;
  Kept kept;
  RunningServer server(kept.script(), options);
  const wire::SubmitRequest large{{Bytes(90'000, 1)}};
  {
    Client client = connect();
    CHECK(client.send(large).ok());
    CHECK(client.flush().ok());
    server.turn_until([](const ServerStats& stats) { return stats.requests == 1; });
  }
  server.turn_until([](const ServerStats& stats) { return stats.clients == 0; });
  Client next = connect();
  CHECK(next.send(wire::WaitRequest{1}).ok());
  CHECK(next.send(wire::SubmitRequest{{Bytes(40'000, 1)}}).ok());
  CHECK(next.flush().ok());
  server.turn_until([](const ServerStats& stats) { return stats.requests == 3; });
  LONGS_EQUAL(0, server.stats().busy);
}

TEST(Server, turns_clients_away_beyond_its_limit_and_says_so) {
  options.max_clients = 2;
  RunningServer server(shows(), options);
  Client first = connect();
  LONGS_EQUAL(1, show(first, 1));
  {
    Client second = connect();
    LONGS_EQUAL(1, show(second, 1));
    Client third = connect();
    CHECK(third.call(wire::ShowRequest{1}, kSoon).error().code == Code::busy);
  }
  server.turn_until([](const ServerStats& stats) { return stats.clients == 1; });
  Client fourth = connect();
  LONGS_EQUAL(1, show(fourth, 1));
  LONGS_EQUAL(1, server.stats().turned_away);
}

TEST(Server, drops_the_tickets_of_a_client_that_goes_away) {
  Kept kept;
  RunningServer server(kept.script(), options);
  {
    Client client = connect();
    for (int i = 0; i < 10; ++i) CHECK(client.send(wire::WaitRequest{1}).ok());
    CHECK(client.flush().ok());
    server.turn_until([](const ServerStats& stats) { return stats.requests == 10; });
    LONGS_EQUAL(0, kept.dropped);
  }
  server.turn_until([](const ServerStats& stats) { return stats.clients == 0; });
  LONGS_EQUAL(10, kept.dropped);
  // A reply that was already on its way meets nobody, and that is all right.
  server.on_loop([&] {
    for (const auto& reply : kept.replies) reply(wire::Done{});
  });
}

TEST(Server, drops_a_ticket_once_its_answer_is_given) {
  Kept kept;
  RunningServer server(kept.script(), options);
  Client client = connect();
  CHECK(client.send(wire::WaitRequest{1}).ok());
  CHECK(client.flush().ok());
  server.turn_until([](const ServerStats& stats) { return stats.requests == 1; });
  server.on_loop([&] {
    kept.replies[0](wire::Done{});
    kept.replies[0](wire::Done{});
  });
  CHECK(std::holds_alternative<wire::Done>(client.receive(kSoon)->body));
  server.on_loop([] {});
  LONGS_EQUAL(1, kept.dropped);
  CHECK(client.receive(0ms).error().code == Code::timeout);
}

TEST(Server, drops_a_reader_that_lets_its_answers_pile_up) {
  Kept kept;
  options.max_queued = 512 * 1024;
  RunningServer server(kept.script(), options);
  Client slow = connect();
  for (int i = 0; i < 100; ++i) CHECK(slow.send(wire::WaitRequest{1}).ok());
  CHECK(slow.flush().ok());
  server.turn_until([](const ServerStats& stats) { return stats.requests == 100; });
  server.on_loop([&] {
    for (const auto& reply : kept.replies) reply(view(1, 60'000));
  });
  const ServerStats stats = server.stats();
  LONGS_EQUAL(1, stats.slow);
  LONGS_EQUAL(0, stats.clients);
  LONGS_EQUAL(100, kept.dropped);
}

TEST(Server, does_not_drop_a_client_for_asking_for_much_and_reading_it) {
  RunningServer server(shows(60'000), options);
  Client client = connect();
  for (std::uint64_t seq = 1; seq <= 300; ++seq) CHECK(client.send(wire::ShowRequest{seq}).ok());
  for (std::uint64_t seq = 1; seq <= 300; ++seq) {
    LONGS_EQUAL(seq, std::get<TaskView>(client.receive(kSoon)->body).id.seq);
  }
  LONGS_EQUAL(0, server.stats().slow);
}

TEST(Server, and_a_client_do_not_wait_for_each_other_when_both_have_much_to_write) {
  RunningServer server(
      [](const wire::RequestBody&, const Api::Reply& reply) -> Api::Ticket {
        reply(view(1, 60'000));
        return nullptr;
      },
      options);
  Client client = connect();
  for (int i = 0; i < 100; ++i) {
    CHECK(client.send(wire::SubmitRequest{{Bytes(60'000, 1)}}).ok());
  }
  for (int i = 0; i < 100; ++i) CHECK(client.receive(kSoon).ok());
}

TEST(Server, drops_the_oldest_events_of_a_slow_reader_and_says_how_many) {
  Kept kept;
  options.max_events = 100;
  RunningServer server(kept.script(), options);
  Client client = connect();
  CHECK(client.send(wire::EventsRequest{}).ok());
  CHECK(client.flush().ok());
  server.turn_until([](const ServerStats& stats) { return stats.requests == 1; });
  constexpr std::uint64_t kEvents = 5'000;
  server.on_loop([&] {
    for (std::uint64_t seq = 1; seq <= kEvents; ++seq) {
      EventView event;
      event.seq = seq;
      event.id = {Origin{7}, seq};
      event.what = "granted";
      event.detail.assign(1'000, 'd');
      kept.replies[0](event);
    }
  });
  std::uint64_t received = 0;
  std::uint64_t dropped = 0;
  for (std::uint64_t last = 0; last < kEvents;) {
    const Result<wire::Answer> answer = client.receive(kSoon);
    const auto& event = std::get<EventView>(answer->body);
    if (event.what == "dropped") {
      dropped += std::stoull(event.detail);
    } else {
      CHECK(event.seq > last);
      last = event.seq;
      ++received;
    }
  }
  CHECK(dropped > 0);
  LONGS_EQUAL(kEvents, received + dropped);
  LONGS_EQUAL(dropped, server.stats().events_dropped);
  LONGS_EQUAL(0, server.stats().slow);
}

TEST(Server, answers_with_an_error_what_does_not_fit_a_frame) {
  RunningServer server(
      [](const wire::RequestBody&, const Api::Reply& reply) -> Api::Ticket {
        wire::Tasks tasks;
        for (std::uint64_t seq = 1; seq <= 5; ++seq) tasks.tasks.push_back(view(seq, 60'000));
        reply(std::move(tasks));
        return nullptr;
      },
      options);
  Client client = connect();
  CHECK(client.call(wire::ListRequest{}, kSoon).error().code == Code::unsupported);
}

TEST(Server, makes_its_socket_for_owner_and_group_only_and_takes_it_away_at_the_end) {
  {
    RunningServer server(shows(), options);
    struct stat file {};
    CHECK(stat(options.path.c_str(), &file) == 0);
    LONGS_EQUAL(0660, file.st_mode & 07777);
  }
  CHECK_FALSE(std::filesystem::exists(options.path));
}

TEST(Server, replaces_a_dead_agents_socket_but_not_a_live_ones) {
  {
    // What an agent that was killed leaves: a socket file nobody listens on.
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.path.copy(address.sun_path, sizeof address.sun_path - 1);
    CHECK(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(dead);
  }
  RunningServer server(shows(), options);
  CHECK(server.ok());
  process::Loop loop;
  ScriptedApi api(shows());
  const auto second = Server::open(loop, api, options);
  CHECK(second.error().code == Code::conflict);
  STRCMP_CONTAINS("another agent listens", second.error().message.c_str());
  Client client = connect();
  LONGS_EQUAL(1, show(client, 1));
}

TEST(Server, says_what_is_wrong_with_a_path_it_cannot_listen_at) {
  process::Loop loop;
  ScriptedApi api(shows());
  const auto code_at = [&](const std::string& path, const std::string& group = "") {
    ServerOptions other;
    other.path = path;
    other.group = group;
    return Server::open(loop, api, other).error().code;
  };
  CHECK(code_at("") == Code::invalid_argument);
  CHECK(code_at(directory + "/" + std::string(200, 'a')) == Code::invalid_argument);
  CHECK(code_at(directory + "/missing/agent.sock") == Code::not_found);
  CHECK(code_at(directory) == Code::conflict);
  CHECK(code_at(options.path, "no-such-group") == Code::not_found);
}

TEST(Server, ends_its_clients_calls_with_unavailable_when_it_stops) {
  Kept kept;
  auto server = std::make_unique<RunningServer>(kept.script(), options);
  Client client = connect();
  CHECK(client.send(wire::WaitRequest{1}).ok());
  CHECK(client.flush().ok());
  server->turn_until([](const ServerStats& stats) { return stats.requests == 1; });
  server.reset();
  CHECK(client.receive(kSoon).error().code == Code::unavailable);
  CHECK(client.call(wire::StatusRequest{}, kSoon).error().code == Code::unavailable);
  const Result<Client> another = Client::connect(options.path);
  CHECK(another.error().code == Code::unavailable);
  STRCMP_CONTAINS("is spillway-agent running?", another.error().message.c_str());
}

TEST(Server, a_client_gives_up_waiting_when_told_to) {
  Kept kept;
  RunningServer server(kept.script(), options);
  Client client = connect();
  CHECK(client.call(wire::WaitRequest{1}, 1ms).error().code == Code::timeout);
}

TEST(Server, a_client_refuses_a_request_that_does_not_fit_a_frame) {
  RunningServer server(shows(), options);
  Client client = connect();
  const wire::SubmitRequest large{std::vector<Bytes>(5, Bytes(60'000, 1))};
  CHECK(client.call(large, kSoon).error().code == Code::invalid_argument);
  LONGS_EQUAL(1, show(client, 1));
}

namespace {

// Runs a call as another user. The kernel keeps credentials per thread; only libc's wrappers
// change those of all.
void as_nobody(const std::function<void()>& call) {
  std::thread([&] {
    constexpr unsigned kNobody = 65534;
    syscall(SYS_setgroups, 0, nullptr);
    syscall(SYS_setresgid, kNobody, kNobody, kNobody);
    syscall(SYS_setresuid, kNobody, kNobody, kNobody);
    call();
  }).join();
}

}  // namespace

TEST(Server, is_closed_to_other_users_by_its_files_mode) {
  if (!may_be_another()) return;
  RunningServer server(shows(), options);
  chmod(directory.c_str(), 0755);
  Code code = Code::internal;
  as_nobody([&] { code = Client::connect(options.path).error().code; });
  CHECK(code == Code::denied);
}

TEST(Server, denies_other_users_even_when_its_files_mode_was_opened) {
  if (!may_be_another()) return;
  RunningServer server(shows(), options);
  chmod(directory.c_str(), 0755);
  chmod(options.path.c_str(), 0666);
  Code code = Code::internal;
  as_nobody([&] {
    Result<Client> client = Client::connect(options.path);
    if (client) code = client->call(wire::ShowRequest{1}, kSoon).error().code;
  });
  CHECK(code == Code::denied);
  LONGS_EQUAL(1, server.stats().denied);
  LONGS_EQUAL(0, server.stats().requests);
}

TEST(Server, keeps_places_for_root_whatever_another_user_does) {
  if (!may_be_another()) return;
  options.max_clients = 8;
  RunningServer server(shows(), options);
  chmod(directory.c_str(), 0755);
  std::vector<std::unique_ptr<RawSocket>> theirs;
  // A user of the socket's group, so that it may speak.
  std::thread([&] {
    syscall(SYS_setresuid, 65534, 65534, 65534);
    for (int i = 0; i < 20; ++i) theirs.push_back(std::make_unique<RawSocket>(options.path));
  }).join();
  server.turn_until([](const ServerStats& stats) { return stats.turned_away == 16; });
  LONGS_EQUAL(4, server.stats().clients);
  Client root = connect();
  LONGS_EQUAL(1, show(root, 1));
}

TEST_GROUP(Peer){};

TEST(Peer, has_a_place_kept_for_root_and_the_agent_and_takes_no_more_than_half_of_the_others) {
  constexpr uid_t kAgent = 990;
  std::vector<uid_t> present;
  while (has_place(1000, kAgent, 64, present)) present.push_back(1000);
  UNSIGNED_LONGS_EQUAL(28, present.size());
  CHECK(has_place(1001, kAgent, 64, present));
  while (has_place(1001, kAgent, 64, present)) present.push_back(1001);
  UNSIGNED_LONGS_EQUAL(56, present.size());
  CHECK_FALSE(has_place(1002, kAgent, 64, present));
  CHECK(has_place(0, kAgent, 64, present));
  while (has_place(kAgent, kAgent, 64, present)) present.push_back(kAgent);
  UNSIGNED_LONGS_EQUAL(64, present.size());
  CHECK_FALSE(has_place(0, kAgent, 64, present));
  CHECK(has_place(1000, kAgent, 1, {}));
}

TEST(Peer, may_speak_as_root_as_the_agent_or_as_a_member_of_the_sockets_group) {
  constexpr uid_t kAgent = 990;
  constexpr gid_t kGroup = 991;
  CHECK(may_speak({1, 0, {0}}, kAgent, kGroup));
  CHECK(may_speak({1, kAgent, {7}}, kAgent, kGroup));
  CHECK(may_speak({1, 1000, {7, kGroup}}, kAgent, kGroup));
  CHECK_FALSE(may_speak({1, 1000, {7, 8}}, kAgent, kGroup));
  CHECK_FALSE(may_speak({1, 1000, {}}, kAgent, kGroup));
}
