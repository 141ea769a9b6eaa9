#include "common/base/gate.h"

#include <memory>

#include <CppUTest/TestHarness.h>

using spillway::Gate;

TEST_GROUP(Gate) { int calls = 0; };

TEST(Gate, lets_an_answer_in_while_it_is_there) {
  Gate gate;
  auto then = gate.pass([this](int by) { calls += by; });
  then(2);
  then(3);
  CHECK_EQUAL(5, calls);
}

TEST(Gate, lets_nothing_in_once_it_is_gone) {
  auto gate = std::make_unique<Gate>();
  auto then = gate->pass([this](int by) { calls += by; });
  gate.reset();
  then(2);
  CHECK_EQUAL(0, calls);
}

TEST(Gate, calls_the_other_one_once_it_is_gone) {
  auto gate = std::make_unique<Gate>();
  int refused = 0;
  auto then = gate->pass([this](int by) { calls += by; }, [&](int by) { refused += by; });
  then(2);
  gate.reset();
  then(3);
  CHECK_EQUAL(2, calls);
  CHECK_EQUAL(3, refused);
}

TEST(Gate, hands_over_what_can_only_be_moved) {
  Gate gate;
  auto then = gate.pass([this](std::unique_ptr<int> by) { calls += *by; });
  then(std::make_unique<int>(4));
  CHECK_EQUAL(4, calls);
}
