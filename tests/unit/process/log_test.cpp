#include "common/process/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <thread>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::process;
using namespace std::chrono_literals;

TEST_GROUP(Log) {
  std::FILE* file = std::tmpfile();
  Logger logger{LogTarget{fileno(file), true}};

  void teardown() override { std::fclose(file); }
  std::string written() const {
    std::rewind(file);
    std::string text;
    char part[4096];
    while (const std::size_t size = std::fread(part, 1, sizeof part, file)) text.append(part, size);
    return text;
  }
};

TEST(Log, a_record_is_one_line_of_level_message_and_fields) {
  logger.log(Level::info, "link up", {{"broker", "mqtts://b:8883"}, {"tries", 3}, {"tls", true}});
  STRCMP_EQUAL("<6>INFO link up broker=mqtts://b:8883 tries=3 tls=true\n", written().c_str());
}

TEST(Log, outside_the_journal_a_line_starts_with_the_wall_time) {
  Logger plain(LogTarget{fileno(file), false});
  plain.log(Level::error, "no");
  const std::string line = written();
  LONGS_EQUAL(std::string("2024-01-01T00:00:00.000Z ERROR no\n").size(), line.size());
  STRCMP_EQUAL("Z ERROR no\n", line.c_str() + 23);
  CHECK(line[4] == '-' && line[10] == 'T' && line[19] == '.');
}

TEST(Log, a_level_below_the_threshold_is_not_written) {
  logger.log(Level::debug, "hidden");
  logger.set_level(Level::debug);
  logger.log(Level::debug, "shown");
  STRCMP_EQUAL("<7>DEBUG shown\n", written().c_str());
}

TEST(Log, hostile_text_can_neither_forge_a_line_nor_steer_a_terminal) {
  logger.log(Level::warning, "refused\n<0>ERROR fake",
             {{"topic", std::string_view("a\"b\\\x1b[2J\r\n\0\x9b", 12)}, {"id", "\xe2\x80\xae"}});
  STRCMP_EQUAL(
      "<4>WARN refused\\x0a<0>ERROR fake topic=\"a\\\"b\\\\\\x1b[2J\\x0d\\x0a\\x00\\x9b\" "
      "id=\\xe2\\x80\\xae\n",
      written().c_str());
}

TEST(Log, words_of_people_stay_as_they_are) {
  logger.log(Level::info, "missing 3, 02:10\u201302:35",
             {{"site", "Gr\u00f6\u00dfe"}, {"at", "20 \u00b0C"}});
  STRCMP_EQUAL("<6>INFO missing 3, 02:10\u201302:35 site=Gr\u00f6\u00dfe at=\"20 \u00b0C\"\n",
               written().c_str());
  logger.log(Level::info, "x", {{"steers", "\xc2\x9b[2J"}, {"cut", "\xe2\x80"}});
  STRCMP_CONTAINS("<6>INFO x steers=\\xc2\\x9b[2J cut=\\xe2\\x80\n", written().c_str());
}

TEST(Log, values_that_would_be_ambiguous_are_quoted) {
  logger.log(Level::info, "x", {{"a", ""}, {"b", "p q"}, {"c", "k=v"}});
  STRCMP_EQUAL("<6>INFO x a=\"\" b=\"p q\" c=\"k=v\"\n", written().c_str());
}

TEST(Log, a_long_value_is_cut_and_says_so) {
  logger.log(Level::info, "x", {{"v", std::string(100'000, 'y')}});
  const std::string line = written();
  CHECK(line.size() < Logger::kMaxValue + 64);
  STRCMP_CONTAINS("y...(100000 bytes)\n", line.c_str());
}

TEST(Log, a_cause_is_written_once_and_then_counted) {
  for (int i = 0; i < 215; ++i) {
    logger.log_once(Duration(i * 100ms), Level::warning, "bad-frame", "refused", {{"n", i}});
  }
  STRCMP_EQUAL("<4>WARN refused n=0\n", written().c_str());
  logger.log_once(Duration(60s), Level::warning, "bad-frame", "refused", {{"n", 999}});
  logger.log_once(Duration(61s), Level::warning, "bad-frame", "refused", {{"n", 1000}});
  STRCMP_EQUAL("<4>WARN refused n=0\n<4>WARN refused n=999 repeated=215\n", written().c_str());
}

TEST(Log, causes_are_counted_apart_and_the_rest_is_written_at_the_end) {
  logger.log_once(Duration(0), Level::warning, "a", "first");
  logger.log_once(Duration(0), Level::warning, "b", "second");
  logger.log_once(Duration(1), Level::warning, "b", "second");
  logger.flush_repeats();
  logger.flush_repeats();
  STRCMP_EQUAL("<4>WARN first\n<4>WARN second\n<4>WARN second repeated=1\n", written().c_str());
}

TEST(Log, the_table_of_causes_is_bounded) {
  for (std::size_t i = 0; i < 10 * Logger::kMaxCauses; ++i) {
    logger.log_once(Duration(0), Level::warning, "cause" + std::to_string(i), "m");
  }
  std::istringstream lines(written());
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) ++count;
  LONGS_EQUAL(Logger::kMaxCauses + 1, count);
}

TEST(Log, lines_of_several_threads_stay_whole) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 200; ++i) {
        logger.log(Level::info, "same");
        logger.log_once(Level::info, "cause", "same");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::istringstream lines(written());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    STRCMP_EQUAL("<6>INFO same", line.c_str());
  }
  LONGS_EQUAL(801, count);
}

TEST(Log, the_journal_is_recognised_by_the_file_it_names) {
  struct stat file_of_stderr {};
  fstat(2, &file_of_stderr);
  const std::string right =
      std::to_string(file_of_stderr.st_dev) + ":" + std::to_string(file_of_stderr.st_ino);
  setenv("JOURNAL_STREAM", right.c_str(), 1);
  CHECK(LogTarget::standard_error().journal);
  // Inherited by a process whose standard error was sent elsewhere.
  setenv("JOURNAL_STREAM", "1:1", 1);
  CHECK_FALSE(LogTarget::standard_error().journal);
  unsetenv("JOURNAL_STREAM");
  CHECK_FALSE(LogTarget::standard_error().journal);
}

TEST(Log, the_newest_lines_are_kept_for_whoever_asks_and_no_more_bytes_than_allowed) {
  logger.log(Level::info, "before");
  logger.keep(200);
  STRCMP_EQUAL("", logger.recent(10).c_str());
  for (int i = 0; i < 50; ++i) logger.log(Level::info, "line", {{"n", i}});
  const std::string all = logger.recent(1000), last = logger.recent(1);
  CHECK(all.size() <= 200 && all.size() > 100);
  STRCMP_EQUAL("Z INFO line n=49\n", last.c_str() + 23);
  CHECK(all.ends_with(last));
  CHECK(logger.recent(0).empty());
}
