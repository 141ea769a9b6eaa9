#include "common/kinds/table.h"

#include <string>

#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(Table){static Result<kinds::Table> read(std::string_view text){TableOptions options;
options.labels = true;
return read_table(as_bytes(text), options);
}
static kinds::Table good(std::string_view text) {
  Result<kinds::Table> table = read(text);
  CHECK_TEXT(table.ok(), table ? "" : table.error().message.c_str());
  return std::move(*table);
}
static void refuses(std::string_view text, const char* message) {
  Result<kinds::Table> table = read(text);
  CHECK_TEXT(!table.ok(), message);
  CHECK(table.error().code == Code::invalid_argument);
  STRCMP_EQUAL(message, table.error().message.c_str());
}
}
;

TEST(Table, reads_columns_of_numbers) {
  kinds::Table table = good("a,b\n1,2\n3.5,-4e2\n");
  UNSIGNED_LONGS_EQUAL(2, table.rows);
  STRCMP_EQUAL("b", table.features[1].name.c_str());
  CHECK(table.features[0].values == std::vector<double>({1, 3.5}));
  CHECK(table.features[1].values == std::vector<double>({2, -400}));
}

// Large enough to be read in parts: the parts must not show, neither in values nor in errors.
TEST(Table, reads_much_text_in_parts_as_it_would_in_one) {
  std::string text = "time,a,b\n";
  for (int i = 0; text.size() < 300'000; ++i) {
    text += "13:30:" + std::to_string(i % 60) + "," + std::to_string(i) + ".25," +
            std::to_string(-i) + "\n";
  }
  const std::string rows = text;
  const std::size_t middle = text.find('\n', text.size() / 2) + 1;
  for (std::string change : {"", "1,2\n", "\n", "x,y,z\n", "1,\"2,3\n", " \r\n\r\n", "time,a,b\n",
                             "13:61,1,2\n", "2026-03-01,1,2\n"}) {
    for (std::size_t at : {middle, rows.size()}) {
      text = rows;
      text.insert(at, change);
      const Labels none;
      ThreadedContext context(as_bytes(text), none);
      Result<kinds::Table> parts = read_table(context, TableOptions());
      Result<kinds::Table> whole = read(text);
      CHECK_EQUAL(whole.ok(), parts.ok());
      if (!whole) {
        STRCMP_EQUAL(whole.error().message.c_str(), parts.error().message.c_str());
        continue;
      }
      CHECK_EQUAL(whole->rows, parts->rows);
      CHECK_EQUAL(2u, parts->features.size());
      for (std::size_t i : {0u, 1u}) CHECK(whole->features[i].values == parts->features[i].values);
    }
  }
}

TEST(Table, detects_the_delimiter_from_the_header) {
  UNSIGNED_LONGS_EQUAL(3, good("a;b;c\n1;2;3\n").features.size());
  UNSIGNED_LONGS_EQUAL(2, good("\"a;x;y\",b\n1,2\n").features.size());
  UNSIGNED_LONGS_EQUAL(1, good("a\n1\n").features.size());
}

TEST(Table, skips_time_stamps_by_name_and_by_look) {
  for (const char* name : {"timestamp", "datetime", "Time", "DATE"}) {
    kinds::Table table = good(std::string(name) + ",v\n12,1\n");
    UNSIGNED_LONGS_EQUAL(1, table.features.size());
  }
  STRCMP_EQUAL("v", good("when,v\n2020-02-08 13:30:47,1\n").features[0].name.c_str());
  STRCMP_EQUAL("v", good(",v\n13:30:47,1\n").features[0].name.c_str());
}

TEST(Table, keeps_labels_apart_from_features) {
  kinds::Table table = good("v,anomaly,changepoint\n1,0.0,1\n2,1.0,0\n");
  UNSIGNED_LONGS_EQUAL(1, table.features.size());
  CHECK(table.label("anomaly")->values == std::vector<double>({0, 1}));
  CHECK(table.label("changepoint")->values == std::vector<double>({1, 0}));
  CHECK(table.label("other") == nullptr);
}

TEST(Table, takes_carriage_returns_blanks_quotes_a_byte_order_mark_and_no_last_line_feed) {
  kinds::Table table = good("\xef\xbb\xbf\"a\"\"b\" , c\r\n \"1\" ,\t2\r\n3,4");
  STRCMP_EQUAL("a\"b", table.features[0].name.c_str());
  STRCMP_EQUAL("c", table.features[1].name.c_str());
  CHECK(table.features[1].values == std::vector<double>({2, 4}));
  UNSIGNED_LONGS_EQUAL(1, good("a\n1\n\n \r\n").rows);
}

TEST(Table, leaves_out_a_nameless_column_unless_it_is_named_by_its_place) {
  UNSIGNED_LONGS_EQUAL(1, good("a,\n1,2\n").features.size());
  UNSIGNED_LONGS_EQUAL(2, good("a,,b\n1,x,2\n3,4,5\n").features.size());
  TableOptions options;
  options.columns = {"column 2"};
  Result<kinds::Table> table = read_table(as_bytes("a,\n1,2\n"), options);
  CHECK(table.ok());
  STRCMP_EQUAL("column 2", table->features[0].name.c_str());
  CHECK(table->features[0].values == std::vector<double>({2}));
  refuses("time,\n12:30:00,1\n",
          "line 1: no column holds measurements, only time stamps, record counters and labels; one "
          "without a name is read when it is named as 'column 2'");
}

TEST(Table, refuses_an_empty_input_and_one_without_rows) {
  refuses("", "the input is empty; a CSV with a header is wanted");
  refuses(" \r\n\n", "the input is empty; a CSV with a header is wanted");
  refuses("a,b\n", "the CSV has a header but no rows");
}

TEST(Table, refuses_a_row_that_is_cut_or_too_long_and_names_its_line) {
  refuses(
      "a,b\n1,2\n3\n",
      "line 3, column 2: 1 fields where the header has 2; the row is cut or ragged (column 'b'); "
      "missing=skip or hold goes on without it");
  refuses("a,b\n1,2,,3\n",
          "line 2, column 4: 4 fields where the header has 2; the row is cut or ragged, or the "
          "names stand further down, to where skip= leads");
  refuses("a,b\n\n1\n",
          "line 3, column 2: no row has column 'b'; if the names stand further down, skip= leads "
          "there, else columns= names those to read");
}

TEST(Table, refuses_what_is_no_number_and_names_line_and_column) {
  refuses("a,b\n1,2\n3,x\n",
          "line 3, column 2: 'x' is not a number (column 'b'); nodata=x takes it for a missing "
          "value");
  refuses("a,b\n1,2\n3,\n",
          "line 3, column 2: the value is missing (column 'b'); missing=skip or hold goes on "
          "without it");
  refuses(
      "a;b\n1.5;2,5\n",
      "line 2, column 2: '2,5' is not a number (column 'b'); decimal=comma would refuse others, "
      "such as 1.5; columns= names those to read");
  refuses("a\n1 2\n",
          "line 2, column 1: '1 2' is not a number (column 'a'); marks between thousands are not "
          "read; columns= names others to read");
}

TEST(Table, refuses_numbers_that_are_too_large) {
  refuses("a\n1e999\n", "line 2, column 1: '1e999' is out of range (column 'a')");
  refuses("a\n1e101\n", "line 2, column 1: '1e101' is beyond 1e100 (column 'a')");
}

TEST(Table, refuses_labels_other_than_0_and_1) {
  refuses("v,anomaly\n1,0.5\n", "line 2, column 2: '0.5' is not a label; only 0 and 1 are");
}

TEST(Table, refuses_nul_bytes_huge_fields_and_open_quotes) {
  refuses(std::string_view("a\n1\0\n", 5), "line 2: holds a NUL byte");
  refuses("a,b\n1," + std::string(2000, '1') + "\n",
          "line 2, column 2: a field of 2000 bytes; at most 1024 are allowed");
  refuses("a,b\n1,\"2\n", "line 2, column 2: a quote is never closed");
  refuses("a,b\n1,2\"3\"\n", "line 2, column 2: a quote in the middle of '2\"3\"'");
}

TEST(Table, refuses_a_header_of_numbers_of_twin_labels_or_of_too_many_columns) {
  refuses("1,2\n3,4\n",
          "line 1, column 1: '1' is a number, where this line is to name the columns; skip= passes "
          "over "
          "lines before the names, header=1 takes numbers for names, header=0 says that there are "
          "none");
  refuses("a,anomaly,anomaly\n3,1,1\n", "line 1, column 3: a second column named 'anomaly'");
  refuses("x" + std::string(5000, ',') + "\n1\n", "line 1: has more than 4096 columns");
}

TEST(Table, refuses_a_recording_without_measurements) {
  refuses("timestamp,anomaly\n1,0\n",
          "line 1: no column holds measurements, only time stamps, record counters and labels");
}

TEST(Table, shows_hostile_fields_short_and_printable) {
  refuses("a\n\x1b[31m\n", "line 2, column 1: '?[31m' is not a number (column 'a')");
}

TEST(Table, stops_when_asked) {
  std::stop_source source;
  source.request_stop();
  CHECK(read_table(as_bytes("a\n1\n"), {}, source.get_token()).error().code == Code::cancelled);
}

TEST(Table, keeps_the_features_that_are_selected_in_that_order) {
  TableOptions options;
  options.columns = {"c", "a"};
  Result<kinds::Table> table = read_table(as_bytes("a,b,c\n1,x,3\n"), options);
  CHECK(table.ok());
  STRCMP_EQUAL("c", table->features[0].name.c_str());
  STRCMP_EQUAL("a", table->features[1].name.c_str());
  UNSIGNED_LONGS_EQUAL(2, table->features.size());
}

TEST(Table, refuses_to_select_what_is_not_there_or_twice) {
  auto select = [](std::vector<std::string> columns) {
    TableOptions options;
    options.columns = std::move(columns);
    return read_table(as_bytes("pressure,b,anomaly\n1,2,0\n"), options);
  };
  STRCMP_CONTAINS("did you mean 'pressure'?", select({"presure"}).error().message.c_str());
  CHECK(!select({"b", "b"}).ok());
  CHECK(!select({"anomaly"}).ok());
}
