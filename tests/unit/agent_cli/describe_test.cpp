#include "agent/cli/describe.h"

#include <sstream>

#include "agent/cli/json_views.h"
#include "common/base/grants.h"
#include "tests/unit/agent_cli/sample_views.h"

// Last: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cli;
using namespace std::chrono_literals;

TEST_GROUP(Describe) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Console console{in, out, err};
};

TEST(Describe, lists_tasks_in_columns_and_without_colour_off_a_terminal) {
  print_tasks(console, {sample_task(142, TaskState::running), sample_task(7, TaskState::waiting)});
  STRCMP_EQUAL(
      "ID                    KIND          STATE    WHY      PLACE  BAND    TRIES    AGE\n"
      "7f3a9c21d04b55e6-142  stats.window  running  -        local  normal      1  4.10s\n"
      "7f3a9c21d04b55e6-7    stats.window  waiting  backoff  -      normal      1  4.10s\n",
      out.str().c_str());
}

TEST(Describe, tells_how_often_a_task_was_tried_and_not_how_often_its_store_was_salvaged) {
  TaskView task = sample_task(142, TaskState::running);
  task.epoch = Epoch{2 * kSalvageStep};
  print_tasks(console, {task});
  STRCMP_CONTAINS("local  normal      0  4.10s", out.str().c_str());
  task.epoch.value += 3;
  print_task(console, task);
  STRCMP_CONTAINS("grants      3, of which ", out.str().c_str());
}

TEST(Describe, colours_states_on_a_terminal_without_shifting_columns) {
  console.colour = true;
  print_tasks(console, {sample_task(142, TaskState::failed)});
  STRCMP_CONTAINS("stats.window  \x1b[31mfailed\x1b[0m  -", out.str().c_str());
}

TEST(Describe, says_why_with_reason_next_step_candidates_and_last_events) {
  print_why(console, sample_why());
  STRCMP_EQUAL(
      "7f3a9c21d04b55e6-142  stats.window\n"
      "state  running locally for 3.20s, accepted 4.10s ago\n"
      "why    the cloud would take 1.9 s longer\n"
      "next   it ends, in about 2.10s\n"
      "\n"
      "  PLACE   WAIT  TRANSFER    RUN  DONE IN  AT WORST\n"
      "  local    0us       0us  2.00s    2.00s     2.40s  chosen: sooner\n"
      "  cloud  100ms     2.80s  1.00s    3.90s     5.20s\n"
      "\n"
      "2023-11-14T22:13:20.000Z  7f3a9c21d04b55e6-142  granted locally, epoch 1\n",
      out.str().c_str());
}

TEST(Describe, says_that_nothing_changes_a_finished_task) {
  WhyReport report;
  report.task = sample_task(1, TaskState::succeeded);
  report.dominant = "it ran to its end";
  print_why(console, report);
  STRCMP_CONTAINS("next   nothing: this is final\n", out.str().c_str());
}

TEST(Describe, shows_a_failed_task_with_its_error) {
  print_task(console, finished_task(142, TaskState::failed));
  STRCMP_EQUAL(
      "task        7f3a9c21d04b55e6-142\n"
      "kind        stats.window\n"
      "state       failed for 3.20s\n"
      "accepted    2023-11-14T22:13:20Z, 4.10s ago\n"
      "band        normal\n"
      "grants      1, of which 0 failed and 0 crashed\n"
      "args        window=60\n"
      "input       6B: 1,2,3\\x0a\n"
      "policy      prefer auto, data any, effects pure, at most 3 attempts\n"
      "error       error locally at epoch 1: no such column: 'tmp'\n"
      "placement   locally, predicted 20.0ms, took 25.0ms\n"
      "cost        12.0ms of CPU, 0B up, 0B down\n"
      "\n"
      "2023-11-14T22:13:20.000Z  7f3a9c21d04b55e6-142  granted\n"
      "2023-11-14T22:13:20.000Z  7f3a9c21d04b55e6-142  failed\n",
      out.str().c_str());
}

TEST(Describe, says_that_an_input_is_not_kept) {
  TaskView task = finished_task(1, TaskState::succeeded);
  task.spec->input = {{}, std::nullopt, 2048};
  print_task(console, task);
  STRCMP_CONTAINS("input       2.0KiB, not kept: the task has succeeded\n", out.str().c_str());
  STRCMP_CONTAINS("\"input_not_kept\":2048", json_text(task).c_str());
}

TEST(Describe, says_how_an_attempt_ended_and_no_times_that_nobody_told) {
  const auto at = [](Duration time) { return NodeTime(time); };
  for (const TaskState end : {TaskState::cancelled, TaskState::expired}) {
    // Attempts of this version, with a lost one before, of which nothing was heard; and two that
    // were written before such an end was noted.
    for (const FailureClass failure : {FailureClass::interrupted, FailureClass::none}) {
      out.str("");
      TaskView task = finished_task(1, end);
      Attempt lost{Epoch{1}, kCloudName, FailureClass::lost, {at(774s), at(775s)}};
      Attempt last{Epoch{2}, kHereName, failure, {at(776s), at(777s)}};
      if (failure == FailureClass::interrupted) {
        last.times.run_started = at(778s);
        last.times.run_ended = last.times.accepted = at(780s);
      }
      task.result->attempts = {lost, last};
      print_task(console, task);
      const std::string word(to_string(end));
      const std::string rest =
          failure == FailureClass::none ? "1.00s    -      -\n" : "1.00s  2.00s  4.00s\n";
      STRCMP_CONTAINS(("2  local  " + word + "   ").c_str(), (out.str() + "  ").c_str());
      STRCMP_CONTAINS(rest.c_str(), out.str().c_str());
      STRCMP_CONTAINS("1  cloud  lost ", out.str().c_str());
      CHECK(out.str().find("succeeded") == std::string::npos);
      CHECK(out.str().find("-12m") == std::string::npos);
      STRCMP_CONTAINS("\"input_fetched\":null,\"run_started\":null", json_text(task).c_str());
    }
  }
}

TEST(Describe, of_several_attempts_the_one_that_won_succeeded) {
  TaskView task = finished_task(1, TaskState::succeeded);
  const AttemptTimes times{NodeTime(1s), NodeTime(2s), {}, {}, {}, {}, NodeTime(3s)};
  task.result->attempts = {{Epoch{1}, kCloudName, FailureClass::none, times},
                           {Epoch{2}, kHereName, FailureClass::interrupted, times}};
  print_task(console, task);
  STRCMP_CONTAINS("1  cloud  succeeded  ", out.str().c_str());
  STRCMP_CONTAINS("2  local  interrupted", out.str().c_str());
}

TEST(Describe, lets_no_label_or_message_steer_the_terminal) {
  TaskView task = finished_task(1, TaskState::failed);
  task.kind = "\x1b[2J";
  task.tenant = "\x1b]0;title\x07";
  task.spec->labels = {{"\x1b[31m", "\x9b"}};
  task.result->error->message = "\r\x1b[K";
  task.events[0].detail = "\x1b[1A";
  print_task(console, task);
  print_tasks(console, {task});
  CHECK(out.str().find('\x1b') == std::string::npos);
  CHECK(out.str().find('\r') == std::string::npos);
}

TEST(Describe, shows_what_was_lost) {
  print_losses(console, {});
  STRCMP_EQUAL("nothing was lost\n", out.str().c_str());
  out.str("");
  print_losses(console, {{DataClass::tasks, LossCause::disk_budget, std::chrono::seconds(60),
                          std::chrono::seconds(90), 214, 200}});
  STRCMP_CONTAINS("tasks  disk_budget    214       200  1970-01-01T00:01:00Z", out.str().c_str());
  out.str("");
  print_losses(console, {{DataClass::tasks, LossCause::store, 60s, 90s, 1, 0, true}});
  STRCMP_CONTAINS("tasks  store  at least 1         0  1970-01-01T00:01:00Z", out.str().c_str());
}

TEST(Describe, shows_places_and_the_node) {
  print_places(console, sample_node().places);
  STRCMP_EQUAL(
      "PLACE  NAME    STATE                 WORKERS  RUNNING  FREE  QUEUE     RTT        UP  "
      "MEMORY  TAGS  KINDS\n"
      "local  pump-7  up                          4        2     2      -       -         -       "
      "-  -     echo,stats.window\n"
      "cloud  cloud   connected since 12 s        4        2     2      -  42.0ms  1.4MiB/s  "
      "2.0GiB  gpu   echo,stats.window\n",
      out.str().c_str());
  out.str("");
  print_node(console, sample_node());
  STRCMP_EQUAL(
      "agent     pump-7, version 0.1.0, up 5h00m\n"
      "link      up, 4.9KiB up, 0B down\n"
      "store     fine, 142 tasks accepted\n"
      "disk      3.0MiB of 1.0GiB\n"
      "tasks     0 waiting, 0 ready, 0 leased, 2 running, 140 succeeded, 0 failed, 0 cancelled, 0 "
      "expired\n"
      "since up  100 done locally, 40 in the cloud, 0 there now, 0 accepted while the link was "
      "down\n"
      "refused   0 repeated results, 0 malformed messages\n",
      out.str().c_str());
}

TEST_GROUP(JsonViews){};

TEST(JsonViews, give_a_listed_task_without_the_parts_that_only_show_has) {
  STRCMP_EQUAL(
      "{\"id\":\"7f3a9c21d04b55e6-142\",\"kind\":\"stats.window\",\"tenant\":\"\",\"state\":"
      "\"running\",\"reason\":\"none\",\"place\":\"local\",\"band\":\"normal\",\"epoch\":1,"
      "\"grants\":1,\"attempts\":0,\"crashes\":0,\"age_s\":4.1,\"in_state_s\":3.2,\"created\":"
      "\"2023-11-14T22:"
      "13:20.000000Z\",\"deadline_in_s\":null}",
      json_text(sample_task(142, TaskState::running)).c_str());
}

TEST(JsonViews, give_a_value_as_text_or_in_base64) {
  STRCMP_CONTAINS("\"value\":\"{\\\"mean\\\":2}\"",
                  json_text(finished_task(1, TaskState::succeeded, "{\"mean\":2}")).c_str());
  STRCMP_CONTAINS(
      "\"value_base64\":\"/wA=\"",
      json_text(finished_task(1, TaskState::succeeded, std::string_view("\xFF\0", 2))).c_str());
}

TEST(JsonViews, give_an_error_with_class_place_and_epoch) {
  STRCMP_CONTAINS(
      "\"error\":{\"class\":\"error\",\"code\":\"internal\",\"message\":\"no such column: 'tmp'\","
      "\"place\":\"local\",\"epoch\":1}",
      json_text(finished_task(1, TaskState::failed)).c_str());
}

TEST(JsonViews, give_candidates_and_node) {
  STRCMP_CONTAINS(
      "{\"place\":\"cloud\",\"eligible\":true,\"reason\":\"\",\"wait_s\":0.1,\"transfer_s\":2.8,"
      "\"run_s\":1,\"pessimistic_s\":5.2,\"score\":4}",
      json_text(sample_why()).c_str());
  STRCMP_CONTAINS("\"origin\":\"7f3a9c21d04b55e6\",\"uptime_s\":18000,\"draining\":false",
                  json_text(sample_node()).c_str());
}
