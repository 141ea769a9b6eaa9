#include "agent/cli/text.h"

#include <string>

#include "agent/cli/json_writer.h"

// Last: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cli;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST_GROUP(Text){static std::string text_of(Duration duration){return duration_text(duration);
}
}
;

TEST(Text, reads_lengths_of_time_with_units) {
  const std::pair<const char*, milliseconds> kGood[] = {
      {"250ms", 250ms}, {"30s", 30s},   {"1.5h", 90min}, {"1h30m", 90min},
      {"7d", 168h},     {"2min", 2min}, {"4m05s", 245s}, {"0.5s", 500ms}};
  for (const auto& [text, expected] : kGood) {
    const Result<milliseconds> read = parse_duration(text);
    CHECK_TEXT(read.ok() && *read == expected, text);
  }
}

TEST(Text, refuses_lengths_of_time_that_are_not) {
  for (const char* text : {"", "5", "s", "5x", "-5s", "5s ", " 5s", "1e3s", "nan", "inf", "5ss",
                           "400d", "99999999999999999999h", "0x10s", "5s,", "1h-5m"}) {
    CHECK_TEXT(!parse_duration(text).ok(), text);
  }
}

TEST(Text, reads_sizes_in_powers_of_1024) {
  const std::pair<const char*, std::uint64_t> kGood[] = {
      {"0", 0}, {"65536", 65536}, {"64K", 65536}, {"64KiB", 65536}, {"1.5G", 1610612736}};
  for (const auto& [text, expected] : kGood) {
    const Result<std::uint64_t> read = parse_size(text);
    CHECK_TEXT(read.ok() && *read == expected, text);
  }
  for (const char* text : {"", "K", "-1", "5X", "5 K", "1e9", "9999999999G"}) {
    CHECK_TEXT(!parse_size(text).ok(), text);
  }
}

TEST(Text, writes_lengths_of_time_as_it_reads_them) {
  STRCMP_EQUAL("0us", text_of(0us).c_str());
  STRCMP_EQUAL("850us", text_of(850us).c_str());
  STRCMP_EQUAL("1.25ms", text_of(1250us).c_str());
  STRCMP_EQUAL("12.3ms", text_of(12300us).c_str());
  STRCMP_EQUAL("340ms", text_of(340ms).c_str());
  STRCMP_EQUAL("2.50s", text_of(2500ms).c_str());
  STRCMP_EQUAL("59.9s", text_of(59940ms).c_str());
  STRCMP_EQUAL("1m00s", text_of(59990ms).c_str());
  STRCMP_EQUAL("4m05s", text_of(245s).c_str());
  STRCMP_EQUAL("3h20m", text_of(200min).c_str());
  STRCMP_EQUAL("2d4h", text_of(52h).c_str());
  STRCMP_EQUAL("-1.00s", text_of(-1s).c_str());
}

TEST(Text, shows_extreme_durations_and_times_without_harm) {
  CHECK(!text_of(Duration::max()).empty());
  CHECK(!text_of(Duration::min()).empty());
  CHECK(!time_text(Duration::max()).empty());
  CHECK(!time_text(Duration::min(), 6).empty());
}

TEST(Text, shows_times_in_utc) {
  STRCMP_EQUAL("1970-01-01T00:00:00Z", time_text(0us).c_str());
  STRCMP_EQUAL("2023-11-14T22:13:20.123Z", time_text(1'700'000'000'123'456us, 3).c_str());
  STRCMP_EQUAL("1969-12-31T23:59:59.999999Z", time_text(-1us, 6).c_str());
}

TEST_GROUP(JsonWriter){};

TEST(JsonWriter, escapes_whatever_could_break_out_of_a_string) {
  JsonWriter json;
  json.begin_object().member("a\"b", "\\ \" \n \t \x01 \x7f </script> \xC3\xA9 \xFF");
  STRCMP_EQUAL("{\"a\\\"b\":\"\\\\ \\\" \\n \\t \\u0001 \\u007f </script> \xC3\xA9 \xEF\xBF\xBD\"}",
               json.end_object().text().c_str());
}

TEST(JsonWriter, writes_numbers_exactly_and_nothing_that_is_not_json) {
  JsonWriter json;
  json.begin_array().value(18'446'744'073'709'551'615ULL).value(-1).value(0.1).value(1.0 / 0.0);
  json.value(true).null().value(12'345'678us).value(-500us).value(Duration::min()).value(3s);
  STRCMP_EQUAL(
      "[18446744073709551615,-1,0.1,null,true,null,12.345678,-0.0005,-9223372036854.775808,3]",
      json.end_array().text().c_str());
}

TEST(JsonWriter, separates_members_and_nested_values) {
  JsonWriter json;
  json.begin_object().key("a").begin_array().begin_object().end_object().begin_array().end_array();
  json.end_array().member("b", 1).key("c").begin_object().member("d", "e").end_object();
  STRCMP_EQUAL("{\"a\":[{},[]],\"b\":1,\"c\":{\"d\":\"e\"}}", json.end_object().text().c_str());
}

TEST(JsonWriter, writes_bytes_in_base64_as_the_standard_has_it) {
  const std::pair<const char*, const char*> kVectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : kVectors) {
    STRCMP_EQUAL(encoded, base64(as_bytes(plain)).c_str());
  }
}
