#include "cloud/fleet/alerts.h"

#include <map>

#include "cloud/fleet/alert_book.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using namespace std::chrono_literals;

namespace {

AlertRule hot_rule(Duration lasting = 0s) {
  AlertRule rule;
  rule.id = "too-hot";
  rule.title = "Too hot";
  rule.subject = "temperature_mc";
  rule.value = 80'000;
  rule.lasting = lasting;
  return rule;
}

}  // namespace

TEST_GROUP(Alerts) {
  AlertEngine engine;
  NodeTime now{};

  AlertEngine::Changes value(double celsius, AlertEngine::Subject subject = 1,
                             const std::string& group = "") {
    return engine.observe(
        subject, group, [&](const AlertEngine::Watched&) { return std::optional(celsius * 1000); },
        now);
  }
};

TEST(Alerts, the_default_rules_make_sense) {
  for (const AlertRule& rule : default_rules()) CHECK(check_rule(rule).ok());
}

TEST(Alerts, rules_that_make_no_sense_are_refused) {
  AlertRule rule = hot_rule();
  rule.subject = "nonsense";
  CHECK_FALSE(check_rule(rule).ok());
  rule = hot_rule();
  rule.id = "Too Hot";
  CHECK_FALSE(check_rule(rule).ok());
  rule = hot_rule();
  rule.value = 0.0 / 0.0 * (rule.value > 0 ? 1 : 2);
  CHECK_FALSE(check_rule(rule).ok());
  rule = hot_rule(-1s);
  CHECK_FALSE(check_rule(rule).ok());
  rule = hot_rule();
  rule.scope = AlertRule::Scope::fleet;
  CHECK_FALSE(check_rule(rule).ok());
  rule.subject = "backlog";
  CHECK(check_rule(rule).ok());
}

TEST(Alerts, a_rule_without_lasting_fires_and_ends_at_once) {
  (void)engine.put(hot_rule());
  CHECK(value(70).empty());
  auto fired = value(90);
  CHECK_EQUAL(1U, fired.size());
  CHECK(fired[0].fired);
  CHECK(value(95).empty());
  auto ended = value(70);
  CHECK_EQUAL(1U, ended.size());
  CHECK_FALSE(ended[0].fired);
}

TEST(Alerts, a_lasting_rule_waits_both_ways) {
  (void)engine.put(hot_rule(60s));
  CHECK(value(90).empty());
  CHECK(engine.next_time() == now + 60s);
  now += 59s;
  CHECK(engine.on_time(now).empty());
  now += 1s;
  CHECK_EQUAL(1U, engine.on_time(now).size());
  CHECK(value(70).empty());
  now += 30s;
  CHECK(value(90).empty());  // it was not cool for long enough
  now += 60s;
  CHECK(engine.on_time(now).empty());
  CHECK(value(70).empty());
  now += 60s;
  CHECK_EQUAL(1U, engine.on_time(now).size());
  CHECK(engine.next_time() == kNever);
}

TEST(Alerts, a_value_that_turns_back_in_time_fires_nothing) {
  (void)engine.put(hot_rule(60s));
  CHECK(value(90).empty());
  now += 30s;
  CHECK(value(70).empty());
  now += 60s;
  CHECK(engine.on_time(now).empty());
}

TEST(Alerts, a_rule_of_a_group_looks_at_that_group_only) {
  AlertRule rule = hot_rule();
  rule.group = "roof";
  (void)engine.put(rule);
  CHECK(value(90, 1, "cellar").empty());
  CHECK_EQUAL(1U, value(90, 2, "roof").size());
}

TEST(Alerts, a_rule_that_goes_ends_its_alerts) {
  (void)engine.put(hot_rule());
  (void)value(90, 1);
  (void)value(90, 2);
  CHECK_EQUAL(2U, engine.drop("too-hot").size());
  CHECK(value(90, 3).empty());
}

TEST(Alerts, a_whole_fleet_makes_a_bounded_number_of_alerts) {
  (void)engine.put(hot_rule());
  std::size_t fired = 0, crowds = 0;
  for (AlertEngine::Subject device = 1; device <= 10'000; ++device) {
    for (const auto& change : value(90, device)) (change.crowd ? crowds : fired) += 1;
  }
  CHECK_EQUAL(kAlertsPerRule, fired);
  CHECK_EQUAL(1U, crowds);
  CHECK_EQUAL(10'000U, engine.firing("too-hot"));
  std::size_t ended = 0;
  for (AlertEngine::Subject device = 1; device <= 10'000; ++device)
    ended += value(20, device).size();
  CHECK_EQUAL(kAlertsPerRule + 1, ended);
  CHECK_EQUAL(0U, engine.firing("too-hot"));
}

TEST(Alerts, what_fired_before_a_restart_ends_after_it) {
  (void)engine.put(hot_rule());
  engine.restore("too-hot", 7);
  CHECK(value(90, 7).empty());
  CHECK_EQUAL(1U, value(20, 7).size());
}

TEST(Alerts, a_device_that_flaps_pushes_out_its_own_alerts_alone) {
  AlertBook book;
  book.fire(hot_rule(), {"too-hot", 1, true, 90, false}, "pump-1", "roof", 10s);
  const AlertEngine::Change quiet{"too-hot", 1, false, 20, false};
  CHECK(book.resolve(quiet, 11s));
  for (int i = 0; i < 20'000; ++i) {
    AlertEngine::Change change{"too-hot", 2, true, 90, false};
    book.fire(hot_rule(), change, "pump-2", "roof", 20s);
    change.fired = false;
    book.resolve(change, 21s);
  }
  AlertFilter of;
  of.device = "pump-1";
  CHECK_EQUAL(1U, book.list(of, 30s).size());
  CHECK_EQUAL(1 + AlertBook::kEach, book.entries().size());
  CHECK_EQUAL(20'001U, book.entries().back().alert.id);
}

TEST(Alerts, silences_hide_what_they_match_until_their_time) {
  AlertBook book;
  AlertEngine::Change change{"too-hot", 1, true, 90, false};
  book.fire(hot_rule(), change, "pump-1", "roof", 10s);
  CHECK_EQUAL(1U, book.firing(10s));
  Silence silence;
  silence.group = "roof";
  silence.until = 60s;
  CHECK(book.add_silence(silence, 10s).ok());
  CHECK_EQUAL(0U, book.firing(20s));
  CHECK(book.list({}, 20s)[0].silenced_until == Wall(60s));
  AlertFilter loud;
  loud.silenced = false;
  CHECK(book.list(loud, 20s).empty());
  CHECK_EQUAL(1U, book.firing(61s));
  silence.until = 5s;
  CHECK_FALSE(book.add_silence(silence, 10s).ok());
}
