#include "tests/unit/agent_placement/queueing.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/data_folder.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

namespace spillway::placement {
namespace {

LinkTrace steady(double bytes_per_second, double rtt) { return {{bytes_per_second}, {rtt}}; }

// Two good seconds, three poor ones, one dead.
LinkTrace changing() {
  return {{2e6, 2e6, 50e3, 50e3, 50e3, 0}, {0.02, 0.02, 0.15, 0.15, 0.15, 0.15}};
}

// `count` tasks of 5 to 50 ms, all at once or at `rate` a second, with run times 20 % off what
// their work predicts.
std::vector<Job> jobs(std::uint64_t seed, std::size_t count, double rate, std::uint64_t max_bytes) {
  Dice dice(seed);
  std::vector<Job> made(count);
  double t = 1;
  for (Job& job : made) {
    job.arrival = t;
    if (rate > 0) t += -std::log(1 - dice.uniform(0, 1)) / rate;
    job.work = dice.uniform(5, 50);
    job.run_local = job.work * 1e-3 * dice.uniform(0.8, 1.25);
    job.run_cloud = job.work * 1e-3 * dice.uniform(0.8, 1.25);
    job.bytes = dice.below(max_bytes);
  }
  return made;
}

struct Comparison {
  Outcome ours, local, cloud, overflow;
  double best_mean() const { return std::min({local.mean, cloud.mean, overflow.mean}); }
  double best_makespan() const {
    return std::min({local.makespan, cloud.makespan, overflow.makespan});
  }
};

Comparison compare(const std::vector<Job>& work, const LinkTrace& link,
                   std::uint32_t cloud_workers = 4) {
  const auto play = [&](Rule rule) { return Queueing(rule, work, link, 2, cloud_workers).play(); };
  const Comparison c{play(Rule::spillway), play(Rule::local_only), play(Rule::cloud_only),
                     play(Rule::overflow)};
  return c;
}

// A recorded link, a second each; gaps and total loss are outages. Empty when it cannot be read.
LinkTrace recorded(const std::filesystem::path& file) {
  LinkTrace trace;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    double t = 0, kbit = 0, rtt_ms = 0, loss = 0;
    char comma = 0;
    if (!(fields >> t >> comma >> kbit >> comma >> rtt_ms >> comma >> loss)) continue;
    while (static_cast<double>(trace.capacity.size()) < t) {
      trace.capacity.push_back(0);
      trace.rtt.push_back(rtt_ms / 1000);
    }
    trace.capacity.push_back(loss >= 100 ? 0 : kbit * 125);
    trace.rtt.push_back(rtt_ms / 1000);
  }
  return trace;
}

// The link from one of its seconds on, and good when the recording is over.
LinkTrace from_second(const LinkTrace& whole, std::size_t start) {
  const auto offset = static_cast<std::ptrdiff_t>(start);
  LinkTrace link{{whole.capacity.begin() + offset, whole.capacity.end()},
                 {whole.rtt.begin() + offset, whole.rtt.end()}};
  link.capacity.push_back(1e6);
  link.rtt.push_back(0.1);
  return link;
}

// What late binding may cost against the best of the other rules, which nobody knows in advance:
// 10 % and two round trips, the margins within which no transfer is made, and the round trip that a
// transfer then takes; at the end one task on a core. On a link that dies with a window of uploads
// in it, also the second until that is noticed and they are run here.
void check_never_much_worse(const Comparison& c, double rtt, double stall, const char* where) {
  const double longest_task = 0.0625;
  CHECK_TEXT(c.ours.mean <= 1.1 * c.best_mean() + 3 * rtt + stall, where);
  CHECK_TEXT(c.ours.makespan <= 1.1 * c.best_makespan() + 3 * rtt + longest_task + stall, where);
}

constexpr std::size_t kBurst = 300, kStream = 1000;
constexpr double kAtOnce = 0;
constexpr double kOverload = 110, kCalm = 58;  // tasks a second; two cores do 73

}  // namespace

TEST_GROUP(InAQueue){};

TEST(InAQueue, a_burst_on_a_fast_link_keeps_cores_and_cloud_busy) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Comparison c = compare(jobs(seed, kBurst, kAtOnce, 20'000), steady(12.5e6, 0.005), 2);
    check_never_much_worse(c, 0.005, 0, "fast");
    CHECK(c.ours.makespan < 0.6 * c.best_makespan());
    CHECK(c.ours.local > 100 && c.ours.cloud > 100);
  }
}

TEST(InAQueue, a_slow_link_gets_only_what_pays) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Comparison c = compare(jobs(seed, kBurst, kAtOnce, 20'000), steady(20e3, 0.2));
    // The link is first believed to be 50 times faster than it is; finding out costs one window.
    CHECK(c.ours.mean <= 1.05 * c.local.mean);
    check_never_much_worse(c, 0.2, 1, "slow");
    CHECK(c.ours.cloud < 30);
    CHECK(c.overflow.mean > 10 * c.ours.mean);  // overflow when all cores are busy
  }
}

TEST(InAQueue, a_changing_link_is_used_while_it_is_good) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Comparison burst = compare(jobs(seed, kBurst, kAtOnce, 20'000), changing());
    CHECK(burst.ours.mean < 0.6 * burst.best_mean());
    check_never_much_worse(burst, 0.15, 1, "burst");
    const Comparison stream = compare(jobs(seed, kStream, kOverload, 20'000), changing());
    check_never_much_worse(stream, 0.15, 1, "stream");
  }
}

TEST(InAQueue, a_stream_the_cores_can_carry_stays_here_when_the_link_is_slow) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Comparison c = compare(jobs(seed, kStream, kCalm, 20'000), steady(20e3, 0.2));
    CHECK(c.ours.mean <= 1.01 * c.local.mean);
  }
}

TEST(InAQueue, a_stream_the_cores_cannot_carry_overflows_in_time) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Comparison fast = compare(jobs(seed, kStream, kOverload, 20'000), steady(12.5e6, 0.005));
    check_never_much_worse(fast, 0.005, 0, "fast");
    const Comparison middling =
        compare(jobs(seed, kStream, kOverload, 20'000), steady(400e3, 0.08));
    check_never_much_worse(middling, 0.08, 0, "middling");
    CHECK(middling.ours.mean < 0.6 * middling.best_mean());
  }
}

TEST(InAQueue, recorded_links_never_make_it_much_worse_than_the_best_fixed_rule) {
  const test::DataFolder links("links");
  if (!links.available()) return;
  double ours = 0, local = 0, overflow = 0;
  for (const auto& file : std::filesystem::directory_iterator(links.path())) {
    const LinkTrace whole = recorded(file.path());
    for (std::size_t start = 0; start + 60 < whole.capacity.size(); start += 1200) {
      const LinkTrace link = from_second(whole, start);
      for (const double rate : {kAtOnce, kOverload}) {
        const Comparison c = compare(jobs(start, kBurst, rate, 20'000), link);
        const auto soon = link.rtt.begin() + std::min<std::ptrdiff_t>(10, std::ssize(link.rtt));
        const double rtt = *std::max_element(link.rtt.begin(), soon);
        check_never_much_worse(c, rtt, 1, file.path().filename().c_str());
        ours += c.ours.mean;
        for (const auto& [sum, rule] : {std::pair{&local, &c.local}, {&overflow, &c.overflow}}) {
          *sum += rule->mean;
        }
      }
    }
  }
  // Each of the other rules fails on some of them.
  CHECK(ours < 0.8 * local);
  CHECK(ours < 0.5 * overflow);
}

}  // namespace spillway::placement
