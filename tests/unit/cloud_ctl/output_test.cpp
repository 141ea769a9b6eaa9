#include "cloud/ctl/output.h"

#include <boost/json.hpp>
#include <sstream>

// last
#include <CppUTest/TestHarness.h>

using namespace spillway::ctl;

TEST_GROUP(CtlOutput) {
  std::ostringstream out, err;
  Console console{out, err, Format::table, 1'700'000'100};
  std::vector<Column> columns = {{"NAME", "name"},
                                 {"RATIO", "a.b", As::percent},
                                 {"SEEN", "seen", As::age},
                                 {"LIST", "list", As::list, true}};
  json::value item = json::parse(
      R"({"name":"pump-1","a":{"b":0.42},"seen":"2023-11-14T22:13:20.000Z","list":["x","y"]})");

  void print(Format format, const std::vector<json::value>& items) {
    console.format = format;
    Listing listing(console, columns);
    for (const json::value& each : items) listing.add(each);
    listing.end();
  }
};

TEST(CtlOutput, a_table_has_a_header_and_columns_as_wide_as_they_need) {
  print(Format::table, {item, json::parse(R"({"name":"a-longer-name"})")});
  STRCMP_EQUAL(
      "NAME           RATIO  SEEN\n"
      "pump-1         42%    1m40s\n"
      "a-longer-name  -      -\n",
      out.str().c_str());
}

TEST(CtlOutput, wide_has_more_columns) {
  print(Format::wide, {item});
  STRCMP_EQUAL("NAME    RATIO  SEEN   LIST\npump-1  42%    1m40s  x,y\n", out.str().c_str());
}

TEST(CtlOutput, bytes_are_written_in_the_unit_that_leaves_few_digits) {
  const Column size{"SIZE", "size", As::bytes};
  const auto said = [&](double bytes) { return text_of(json::object{{"size", bytes}}, size, 0); };
  STRCMP_EQUAL("0B", said(0).c_str());
  STRCMP_EQUAL("1023B", said(1023).c_str());
  STRCMP_EQUAL("1KiB", said(1024).c_str());
  STRCMP_EQUAL("5.34GiB", said(5.73e9).c_str());
  STRCMP_EQUAL("1KiB", said(1023.9).c_str());
  STRCMP_EQUAL("200MiB", said(210e6).c_str());
}

TEST(CtlOutput, an_empty_table_says_so_to_people_and_nothing_to_programs) {
  print(Format::table, {});
  STRCMP_EQUAL("", out.str().c_str());
  STRCMP_EQUAL("nothing matches\n", err.str().c_str());
  print(Format::json, {});
  STRCMP_EQUAL("[]\n", out.str().c_str());
}

TEST(CtlOutput, json_is_one_array_and_ndjson_a_line_each) {
  print(Format::json, {item, item});
  CHECK(json::parse(out.str()).as_array().size() == 2);
  out.str("");
  print(Format::ndjson, {item, item});
  std::istringstream lines(out.str());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) CHECK(json::parse(line) == item);
  CHECK_EQUAL(2, count);
}

TEST(CtlOutput, csv_quotes_what_needs_it_and_keeps_values_as_they_came) {
  print(Format::csv, {json::parse(R"({"name":"say \"hi\", twice","a":{"b":0.42},"list":[1,2]})"),
                      json::parse(R"({"name":"x","list":[]})")});
  STRCMP_EQUAL("name,a.b,seen,list\r\n\"say \"\"hi\"\", twice\",4.2E-1,,\"1,2\"\r\nx,,,\r\n",
               out.str().c_str());
}

TEST(CtlOutput, csv_has_no_formulas_of_devices_and_keeps_numbers) {
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "\\tx", "\\rx"}) {
    out.str("");
    print(Format::csv, {json::parse(std::string(R"({"name":")") + text + R"(","a":{"b":-0.5}})")});
    const std::string line = out.str().substr(out.str().find("\r\n") + 2);
    CHECK(line.starts_with("'") || line.starts_with("\"'"));
    CHECK(line.find(",-5E-1,") != std::string::npos);
  }
  out.str("");
  print(Format::csv, {json::parse(R"({"name":"x","list":["=1+1"]})")});
  CHECK(out.str().find(",'=1+1") != std::string::npos);
}

TEST(CtlOutput, a_device_cannot_steer_the_terminal) {
  print(Format::table, {json::parse(R"({"name":"\u001b[2Jgone"})")});
  CHECK(out.str().find('\x1b') == std::string::npos);
  CHECK(out.str().find("\\x1b[2Jgone") != std::string::npos);
}

TEST(CtlOutput, durations_are_short) {
  STRCMP_EQUAL("12.3ms", duration_text(0.0123).c_str());
  STRCMP_EQUAL("4m05s", duration_text(245).c_str());
  STRCMP_EQUAL("3h07m", duration_text(3 * 3600 + 7 * 60 + 1).c_str());
  STRCMP_EQUAL("2d4h", duration_text(2 * 86400 + 4 * 3600).c_str());
}
