#include "common/kinds/anomaly_model.h"

#include <string>

#include "tests/support/recordings.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(AnomalyScore) {
  Kind kind = anomaly_score_kind();
  std::string run(std::string_view csv, const Labels& args = {}) {
    return run_text(kind, csv, args);
  }
  // Rows that alternate between -1 and 1, and one that does not.
  static std::string alternating(std::size_t rows, std::size_t outlier, const char* value) {
    std::string csv = "a\n";
    for (std::size_t i = 0; i < rows; ++i) {
      csv += i == outlier ? std::string(value) + "\n" : i % 2 == 0 ? "-1\n" : "1\n";
    }
    return csv;
  }
};

TEST(AnomalyScore, agrees_with_a_computation_by_hand) {
  // Training on 20 rows of -1 and 1: mean 0, s^2 = 20/19, so z = 1/s and the variance of z is
  // 19/20; shrunk by 0.5: 0.975. Score of an ordinary row: sqrt((19/20)/0.975), of 9: nine times
  // that.
  std::string value = run(alternating(40, 30, "9"), {{"train", "0.5"},
                                                     {"smooth", "1"},
                                                     {"shrinkage", "0.5"},
                                                     {"quantile", "1"},
                                                     {"scores", "all"}});
  std::vector<double> scores = json_numbers(value, "scores");
  UNSIGNED_LONGS_EQUAL(40, scores.size());
  DOUBLES_EQUAL(0.987096, scores[0], 1e-5);
  DOUBLES_EQUAL(9 * 0.987096, scores[30], 1e-4);
  DOUBLES_EQUAL(0.987096, *json_number(value, "threshold"), 1e-5);
  CHECK(json_number(value, "train_rows") == 20);
  STRCMP_CONTAINS("\"anomalies\":[{\"from\":30,\"to\":30,\"peak\":30,", value.c_str());
}

TEST(AnomalyScore, sees_a_broken_relation_between_columns_that_stay_in_range) {
  std::string csv = "a,b\n";
  for (int i = 0; i < 200; ++i) {
    int a = (i * 7) % 20 - 10;
    int b = i == 151 ? -a : a;
    csv += std::to_string(a) + "," + std::to_string(b) + "\n";
  }
  std::string value = run(csv, {{"smooth", "1"}});
  CHECK(json_number(value, "row") == 151);
  CHECK(*json_number(value, "score") > 3 * *json_number(value, "threshold"));
}

TEST(AnomalyScore, does_not_learn_from_labels) {
  std::string plain = run(alternating(60, 50, "9"));
  std::string csv = "a,anomaly\n";
  for (std::size_t i = 0; i < 60; ++i) {
    csv += std::string(i == 50 ? "9" : i % 2 == 0 ? "-1" : "1") + (i % 3 == 0 ? ",1\n" : ",0\n");
  }
  std::string labelled = run(csv);
  CHECK(json_number(labelled, "threshold") == json_number(plain, "threshold"));
  CHECK(json_number(labelled, "flagged") == json_number(plain, "flagged"));
}

TEST(AnomalyScore, reports_precision_and_recall_of_the_rows_after_training) {
  std::string csv = "a,anomaly\n";
  for (std::size_t i = 0; i < 40; ++i) {
    // Labelled: rows 5 (in training, so not counted), 30 (found) and 35 (looks ordinary). Row 25
    // is odd without a label.
    bool odd = i == 30 || i == 25;
    bool label = i == 5 || i == 30 || i == 35;
    csv += std::string(odd ? "9" : i % 2 == 0 ? "-1" : "1") + (label ? ",1\n" : ",0\n");
  }
  std::string value = run(csv, {{"train", "0.5"}, {"smooth", "1"}, {"quantile", "1"}});
  STRCMP_CONTAINS(R"("labels":{"positive":2,"precision":0.5,"recall":0.5,"f1":0.5})",
                  value.c_str());
}

TEST(AnomalyScore, has_no_ratio_where_nothing_is_labelled_or_flagged) {
  std::string csv = "a,anomaly\n";
  for (std::size_t i = 0; i < 40; ++i) csv += i % 2 == 0 ? "-1,0\n" : "1,0\n";
  STRCMP_CONTAINS(R"("precision":null,"recall":null,"f1":null)",
                  run(csv, {{"quantile", "1"}}).c_str());
}

TEST(AnomalyScore, flags_a_column_that_never_moved_once_it_does) {
  std::string csv = "a\n";
  for (std::size_t i = 0; i < 40; ++i) csv += i == 30 ? "33\n" : "32\n";
  std::string value = run(csv, {{"smooth", "1"}});
  CHECK(json_number(value, "flagged") == 1);
  CHECK(json_number(value, "row") == 30);
}

TEST(AnomalyScore, forgets_outliers_in_training_when_it_refits) {
  std::string csv = "a\n";
  for (std::size_t i = 0; i < 200; ++i) {
    csv += i == 10 ? "60\n" : i == 150 ? "9\n" : i % 2 == 0 ? "-1\n" : "1\n";
  }
  auto score_of_outlier = [&](const char* refits) {
    Labels args = {{"smooth", "1"}, {"scores", "all"}, {"refits", refits}};
    return json_numbers(run(csv, args), "scores").at(150);
  };
  CHECK(score_of_outlier("3") > 2 * score_of_outlier("0"));
}

TEST(AnomalyScore, limits_the_list_and_counts_what_it_leaves_out) {
  std::string csv = "a\n";
  for (std::size_t i = 0; i < 100; ++i) {
    csv += i >= 50 && i % 10 == 0 ? "9\n" : i % 2 == 0 ? "-1\n" : "1\n";
  }
  std::string value = run(csv, {{"smooth", "1"}, {"limit", "2"}});
  CHECK(json_number(value, "flagged") == 5);
  CHECK(json_number(value, "omitted") == 3);
}

TEST(AnomalyScore, finds_most_of_what_was_put_into_made_up_recordings) {
  for (std::uint64_t seed : {1u, 2u, 3u}) {
    std::string value = run(support::generate_recording(seed, 1200, support::Dialect::semicolon));
    CHECK(*json_number(value, "precision") > 0.8);
    CHECK(*json_number(value, "recall") > 0.85);
  }
}

TEST(AnomalyScore, stays_finite_whatever_the_scale) {
  std::string csv = "a,b,c\n";
  for (int i = 0; i < 60; ++i) {
    csv += (i % 2 ? "1e100" : "-1e100") + std::string(i == 40 ? ",1e100" : ",0") +
           (i == 50 ? ",1"
            : i % 2 ? ",1e-320"
                    : ",2e-320") +
           "\n";
  }
  std::string value = run(csv, {{"scores", "all"}});
  CHECK(is_json(value));
  CHECK(value.find("null") == std::string::npos);
}

TEST(AnomalyScore, refuses_too_few_rows_too_many_columns_and_bad_args) {
  STRCMP_CONTAINS("at least 10 rows; arg train gives it 9 of 28",
                  run(alternating(28, 99, "")).c_str());
  std::string names = "c0", row = "1";
  for (int i = 1; i < 65; ++i) {
    names += ",c" + std::to_string(i);
    row += ",1";
  }
  STRCMP_CONTAINS("more than 64 columns", run(names + "\n" + row + "\n").c_str());
  STRCMP_CONTAINS("arg scores: 'some' is not flagged or all",
                  run("a\n1\n", {{"scores", "some"}}).c_str());
  STRCMP_CONTAINS("arg train", run("a\n1\n", {{"train", "0"}}).c_str());
}
