#include "agent/cli/checks.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "agent/cli/probes.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/agent_cli/sample_views.h"

// Last: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cli;
using spillway::test::TempDir;
using namespace std::chrono_literals;

namespace {

constexpr Duration kToday = std::chrono::seconds(1'750'000'000);

crypto::CertificateInfo good_certificate() {
  crypto::CertificateInfo info;
  const std::chrono::sys_seconds now(std::chrono::seconds(1'750'000'000));
  info.common_name = "pump-7";
  info.not_before = now - std::chrono::days(10);
  info.not_after = now + std::chrono::days(90);
  info.key_matches = true;
  info.authority_signed = true;
  return info;
}

DirectoryFacts good_directory() { return {"/var/lib/spillway", true, true, 990, 0700, 990}; }

SpaceFacts good_space() {
  SpaceFacts facts;
  facts.path = "/var/lib/spillway";
  facts.free_bytes = 5ULL << 30;
  facts.total_bytes = 10ULL << 30;
  facts.free_inodes = facts.total_inodes = 100'000;
  return facts;
}

}  // namespace

TEST_GROUP(Doctor){static void expect(Grade grade, const std::string& text, const Finding& finding){
    STRCMP_EQUAL(std::string(to_string(grade)).c_str(),
                 std::string(to_string(finding.grade)).c_str());
STRCMP_CONTAINS(text.c_str(), finding.what.c_str());
CHECK_EQUAL(grade == Grade::ok, finding.advice.empty());
}
}
;

TEST(Doctor, tells_a_missing_agent_from_a_forbidden_or_a_silent_one) {
  expect(Grade::ok, "pump-7, version 0.1.0", check_agent("/s", sample_node()));
  expect(Grade::fail, "no agent", check_agent("/s", fail(Code::unavailable, "no agent answers")));
  expect(Grade::fail, "closed to this user", check_agent("/s", fail(Code::denied, "x")));
  expect(Grade::fail, "does not answer", check_agent("/s", fail(Code::timeout, "x")));
  NodeView draining = sample_node();
  draining.draining = true;
  expect(Grade::warn, "draining", check_agent("/s", draining));
}

TEST(Doctor, repeats_what_is_wrong_with_a_configuration) {
  expect(Grade::ok, "/etc/a.toml", check_config("/etc/a.toml", {}));
  expect(Grade::fail, "unknown key 'hots'",
         check_config("/etc/a.toml", fail(Code::invalid_argument, "unknown key 'hots'")));
}

TEST(Doctor, looks_at_who_may_use_the_state_directory) {
  DirectoryFacts facts = good_directory();
  expect(Grade::ok, "mode 700", check_state_directory(facts));
  facts.mode = 0755;
  expect(Grade::warn, "mode 755", check_state_directory(facts));
  facts.owner = 1000;
  expect(Grade::fail, "belongs to user 1000, the agent runs as 990", check_state_directory(facts));
  facts.is_directory = false;
  expect(Grade::fail, "is not a directory", check_state_directory(facts));
  facts = good_directory();
  facts.agent.reset();
  facts.writable = false;
  expect(Grade::warn, "cannot be written", check_state_directory(facts));
  expect(Grade::fail, "no such", check_state_directory(fail(Code::not_found, "no such thing")));
}

TEST(Doctor, notices_disks_that_are_full_read_only_or_not_disks) {
  expect(Grade::ok, "5.0GiB free", check_space(good_space()));
  SpaceFacts facts = good_space();
  facts.free_bytes = 100 << 20;
  expect(Grade::warn, "100MiB free", check_space(facts));
  facts.free_bytes = 1 << 20;
  expect(Grade::fail, "1.0MiB free", check_space(facts));
  facts = good_space();
  facts.free_inodes = 3;
  expect(Grade::fail, "only 3 inodes", check_space(facts));
  facts.total_inodes = 0;
  expect(Grade::ok, "free", check_space(facts));
  facts.in_memory = true;
  expect(Grade::warn, "in memory", check_space(facts));
  facts.read_only = true;
  expect(Grade::fail, "read-only", check_space(facts));
}

TEST(Doctor, does_not_believe_a_disk_that_syncs_quicker_than_a_disk_can) {
  expect(Grade::warn, "may only pretend", check_sync(19us));
  expect(Grade::ok, "write and fdatasync take 120us", check_sync(120us));
  expect(Grade::warn, "slow", check_sync(Duration(80ms)));
  expect(Grade::warn, "denied", check_sync(fail(Code::denied, "denied")));
}

TEST(Doctor, looks_at_the_clock) {
  expect(Grade::ok, "2025-06-15", check_clock({kToday, true}));
  expect(Grade::warn, "not synchronised", check_clock({kToday, false}));
  expect(Grade::warn, "1970-01-01", check_clock({5s, true}));
  expect(Grade::warn, "tasks run", check_clock({Duration::max(), true}));
}

TEST(Doctor, looks_at_the_password) {
  expect(Grade::ok, "can read it", check_password({}));
  expect(Grade::fail, "others may", check_password(fail(Code::denied, "others may read it")));
}

TEST(Doctor, looks_at_the_certificate) {
  crypto::CertificateInfo info = good_certificate();
  expect(Grade::ok, "pump-7, valid from", check_certificate("pump-7", info, kToday));
  expect(Grade::fail, "is for 'pump-7'", check_certificate("pump-8", info, kToday));
  expect(Grade::warn, "expires soon", check_certificate("pump-7", info, kToday + 70 * 24h));
  expect(Grade::fail, "expired", check_certificate("pump-7", info, kToday + 91 * 24h));
  expect(Grade::fail, "not valid yet", check_certificate("pump-7", info, kToday - 11 * 24h));
  expect(Grade::warn, "clock is wrong", check_certificate("pump-7", info, 5s));
  info.key_exposed = true;
  expect(Grade::fail, "others on this machine", check_certificate("pump-7", info, kToday));
  info.key_exposed = false;
  info.authority_signed = false;
  info.why_not_signed = "unknown issuer";
  expect(Grade::fail, "unknown issuer", check_certificate("pump-7", info, kToday));
  info.key_matches = false;
  expect(Grade::fail, "private key", check_certificate("pump-7", info, kToday));
  expect(Grade::fail, "no such file",
         check_certificate("pump-7", fail(Code::not_found, "no such file"), kToday));
}

TEST(Doctor, tells_a_dead_link_from_an_absent_cloud) {
  NodeView node = sample_node();
  expect(Grade::ok, "connected since 12 s", check_link(node));
  node.places[1].reachable = false;
  expect(Grade::warn, "the cloud does not", check_link(node));
  node.link_up = false;
  node.places[1].state = "link down 3 s: certificate refused";
  expect(Grade::fail, "certificate refused", check_link(node));
  node.places.pop_back();
  expect(Grade::warn, "every task runs here", check_link(node));
}

TEST(Doctor, says_what_a_connection_of_its_own_came_to) {
  expect(Grade::ok, "accepts this device", check_broker("mqtts://b:8883", {}));
  expect(Grade::fail, "refused",
         check_broker("mqtts://b:8883", fail(Code::unavailable, "refused")));
  expect(Grade::warn, "every task", check_broker("", {}));
}

TEST(Doctor, says_in_one_line_what_a_broker_granted_and_in_one_each_what_hurts) {
  CHECK(check_terms({}).empty());
  const auto findings = check_terms(
      {{"keep alive 20 s", ""}, {"no wildcards", "allow them"}, {"retained messages", ""}});
  LONGS_EQUAL(2, findings.size());
  expect(Grade::ok, "keep alive 20 s, retained messages", findings[0]);
  expect(Grade::warn, "no wildcards", findings[1]);
  STRCMP_EQUAL("allow them", findings[1].advice.c_str());
}

TEST(Doctor, looks_at_store_and_kinds) {
  NodeView node = sample_node();
  expect(Grade::ok, "142 tasks", check_store(node, 0s));
  expect(Grade::ok, "echo, stats.window", check_kinds(node));
  node.store_problem = "the disk is full";
  expect(Grade::fail, "the disk is full", check_store(node, 0s));
  node.places[0].kinds.clear();
  expect(Grade::fail, "none can run", check_kinds(node));
}

TEST(Doctor, P23_says_for_thirty_days_that_the_store_was_damaged_and_that_the_loss_has_no_number) {
  constexpr Duration kDay = std::chrono::hours(24);
  NodeView node = sample_node();
  node.losses = {{DataClass::tasks, LossCause::store, 3 * kDay, 3 * kDay, 1, 0, true},
                 {DataClass::tasks, LossCause::store, 4 * kDay, 5 * kDay, 2, 0, false}};
  expect(Grade::warn, "damaged, last at 1970-01-04T00:00:00Z", check_store(node, 32 * kDay));
  STRCMP_CONTAINS("log", check_store(node, 32 * kDay).advice.c_str());
  expect(Grade::ok, "142 tasks", check_store(node, 33 * kDay));
  expect(Grade::warn, "at least 3 tasks (store)", check_losses(node));
}

TEST(Doctor, P23_says_that_the_store_was_damaged_while_the_clock_is_not_set) {
  NodeView node = sample_node();
  node.losses = {{DataClass::tasks, LossCause::store, 0s, 0s, 2, 0, false}};
  expect(Grade::ok, "142 tasks", check_store(node, 100s));
  node.losses.push_back({DataClass::tasks, LossCause::store, 0s, 0s, 1, 0, true});
  expect(Grade::warn, "damaged, at an unknown time", check_store(node, 100s));
  expect(Grade::warn, "damaged, at an unknown time",
         check_store(node, std::chrono::hours(24 * 20'777)));
}

TEST(Doctor, says_what_is_short_and_what_was_lost) {
  NodeView node = sample_node();
  expect(Grade::ok, "3.0MiB of 1.0GiB", check_room(node));
  node.shortages = {"out of disk budget: 9 of 9 MiB", "short of memory: 8 of 9 MiB"};
  expect(Grade::warn, "out of disk budget: 9 of 9 MiB; short of memory", check_room(node));
  expect(Grade::ok, "none", check_losses(node));
  node.losses = {{DataClass::results, LossCause::retention, 1s, 2s, 500, 0}};
  expect(Grade::ok, "none", check_losses(node));
  node.losses.push_back({DataClass::tasks, LossCause::disk_budget, 1s, 2s, 200, 0});
  node.losses.push_back({DataClass::tasks, LossCause::disk_budget, 700s, 800s, 14, 0});
  expect(Grade::warn, "214 tasks (disk_budget)", check_losses(node));
}

TEST(Doctor, warns_of_a_state_that_was_put_back_or_is_used_twice) {
  NodeView node;
  expect(Grade::ok, "its own", check_identity(node));
  node.life_problem = "another device speaks as pump-7";
  expect(Grade::warn, "another device speaks as pump-7", check_identity(node));
}

TEST(Doctor, tells_from_its_store_whether_an_agent_runs_whatever_socket_is_named) {
  const TempDir folder("spillway-doctor");
  const std::string& directory = folder.path();
  const std::string file = folder.file("agent.db");
  CHECK_FALSE(has_open_store(directory));
  int held[2], over[2];
  CHECK(::pipe(held) == 0 && ::pipe(over) == 0);
  const pid_t agent = ::fork();
  if (agent == 0) {
    ::close(over[1]);
    struct flock lock {};
    lock.l_type = F_RDLCK;
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT, 0600);
    char byte = ::fcntl(descriptor, F_SETLK, &lock) == 0 ? 1 : 0;
    (void)!::write(held[1], &byte, 1);
    (void)!::read(over[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  CHECK(::read(held[0], &byte, 1) == 1 && byte == 1);
  CHECK(has_open_store(directory));
  CHECK(::write(over[1], &byte, 1) == 1);
  LONGS_EQUAL(agent, ::waitpid(agent, nullptr, 0));
  CHECK_FALSE(has_open_store(directory));
  for (int end : {held[0], held[1], over[0], over[1]}) ::close(end);
}

TEST(Doctor, finds_the_facts_of_the_machine_it_runs_on) {
  const TempDir folder("spillway-doctor");
  const std::string directory = folder.file("state");
  CHECK(std::filesystem::create_directory(directory));
  const Result<DirectoryFacts> facts = look_at_directory(directory, directory + "/none");
  CHECK(facts.ok() && facts->is_directory && facts->writable && !facts->agent);
  LONGS_EQUAL(geteuid(), facts->owner);
  CHECK(look_at_space(directory)->total_bytes > 0);
  CHECK(*time_sync(directory) > 0us);
  CHECK(look_at_clock().wall > 0us);
  CHECK(std::filesystem::remove(directory));
  CHECK(look_at_directory(directory, "").error().code == Code::not_found);
  CHECK(time_sync(directory).error().code == Code::not_found);
}
