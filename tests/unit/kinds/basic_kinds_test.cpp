#include <string>

#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(BasicKinds) {
  std::stop_source source;
  Code code_when_stopped(const Kind& kind, std::string_view input, const Labels& args = {}) {
    source.request_stop();
    InlineContext context(as_bytes(input), args, source.get_token());
    Result<Bytes> value = run_kind(kind, context);
    CHECK(!value.ok());
    return value.error().code;
  }
};

TEST(BasicKinds, echo_gives_every_byte_back) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  CHECK(run_text(echo_kind(), all) == all);
  CHECK(run_text(echo_kind(), "").empty());
}

TEST(BasicKinds, hash_agrees_with_the_standard_vector) {
  STRCMP_EQUAL(
      R"({"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","bytes":3})",
      run_text(hash_sha256_kind(), "abc").c_str());
}

TEST(BasicKinds, hash_covers_inputs_of_many_pieces) {
  STRCMP_CONTAINS("6f850bc94ae6f7de14297c01616c36d712d22864497b28a63b81d776b035e656",
                  run_text(hash_sha256_kind(), std::string(3 << 20, 'a')).c_str());
}

TEST(BasicKinds, spin_depends_on_input_iterations_and_chunks_and_on_nothing_else) {
  Kind spin = spin_kind();
  std::string first = run_text(spin, "a", {{"iterations", "1000"}});
  STRCMP_EQUAL(first.c_str(), run_text(spin, "a", {{"iterations", "1000"}}).c_str());
  CHECK(first != run_text(spin, "b", {{"iterations", "1000"}}));
  CHECK(first != run_text(spin, "a", {{"iterations", "1001"}}));
  CHECK(first != run_text(spin, "a", {{"iterations", "1000"}, {"chunks", "2"}}));
}

TEST(BasicKinds, spin_has_work_in_proportion_to_its_iterations) {
  Kind spin = spin_kind();
  DOUBLES_EQUAL(5000, work_of(spin, 0, {{"iterations", "5000"}}), 0);
  CHECK(work_of(spin, 0, {{"iterations", "rubbish"}}) > 0);
}

TEST(BasicKinds, refuse_args_they_do_not_take) {
  STRCMP_EQUAL("invalid_argument: unknown arg 'x'; it takes none",
               run_text(echo_kind(), "", {{"x", "1"}}).c_str());
  STRCMP_CONTAINS("unknown arg", run_text(hash_sha256_kind(), "", {{"x", "1"}}).c_str());
  STRCMP_CONTAINS("did you mean 'iterations'?",
                  run_text(spin_kind(), "", {{"iteration", "1"}}).c_str());
  STRCMP_CONTAINS("arg iterations: '0'", run_text(spin_kind(), "", {{"iterations", "0"}}).c_str());
}

TEST(BasicKinds, stop_when_asked) {
  CHECK(code_when_stopped(spin_kind(), "", {{"iterations", "1000000000000"}}) == Code::cancelled);
  CHECK(code_when_stopped(hash_sha256_kind(), "abc") == Code::cancelled);
}
