#include "tests/support/recordings.h"

#include <numeric>
#include <string>

#include "common/kinds/table.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::support;

TEST_GROUP(Recordings){
    static Result<kinds::Table> read_with_labels(std::string_view text){kinds::TableOptions options;
options.labels = true;
return kinds::read_table(as_bytes(text), options);
}
}
;

TEST(Recordings, have_the_asked_number_of_rows_five_channels_and_labels) {
  for (std::size_t rows : {1u, 2u, 7u, 59u, 1000u}) {
    auto table = read_with_labels(generate_recording(5, rows, Dialect::comma));
    CHECK(table.ok());
    UNSIGNED_LONGS_EQUAL(rows, table->rows);
    UNSIGNED_LONGS_EQUAL(5, table->features.size());
    UNSIGNED_LONGS_EQUAL(2, table->labels.size());
  }
}

TEST(Recordings, label_three_episodes_in_the_last_three_fifths) {
  auto table = read_with_labels(generate_recording(6, 1200, Dialect::semicolon));
  const std::vector<double>& anomaly = table->label("anomaly")->values;
  const std::vector<double>& change = table->label("changepoint")->values;
  DOUBLES_EQUAL(300, std::accumulate(anomaly.begin(), anomaly.end(), 0.0), 0);
  DOUBLES_EQUAL(6, std::accumulate(change.begin(), change.end(), 0.0), 0);
  DOUBLES_EQUAL(0, std::accumulate(anomaly.begin(), anomaly.begin() + 480, 0.0), 0);
}

TEST(Recordings, differ_by_seed_and_by_nothing_else) {
  CHECK(generate_recording(1, 50, Dialect::comma) == generate_recording(1, 50, Dialect::comma));
  CHECK(generate_recording(1, 50, Dialect::comma) != generate_recording(2, 50, Dialect::comma));
}

TEST(Recordings, without_rows_are_a_header) {
  STRCMP_EQUAL("datetime,vibration,current,pressure,temperature,flow,anomaly,changepoint\n",
               generate_recording(1, 0, Dialect::comma).c_str());
}
