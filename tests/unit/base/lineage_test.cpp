#include "common/base/lineage.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;

namespace {

constexpr Origin kStore{1};

Lineage told(std::uint64_t number, std::vector<Origin> lives, Origin store = kStore) {
  return {store, number, std::move(lives)};
}

}  // namespace

TEST_GROUP(LineageTest) { KnownLife known{kStore, 5, Origin{50}}; };

TEST(LineageTest, a_store_that_goes_on_from_the_life_that_is_known_has_not_changed) {
  CHECK(compare(known, told(5, {{50}, {40}})) == LifeChange::none);
  CHECK(compare(known, told(6, {{60}, {50}, {40}})) == LifeChange::none);
  // Of some lives nobody heard.
  CHECK(compare(known, told(8, {{80}, {70}, {60}, {50}})) == LifeChange::none);
}

TEST(LineageTest, a_number_that_goes_back_or_comes_again_under_another_name_is_a_copy_put_back) {
  CHECK(compare(known, told(4, {{41}, {30}})) == LifeChange::restored);
  CHECK(compare(known, told(5, {{51}, {40}})) == LifeChange::restored);
  CHECK(compare(known, told(7, {{71}, {61}, {51}, {40}})) == LifeChange::restored);
}

TEST(LineageTest, what_lies_further_back_than_is_told_is_not_judged) {
  CHECK(compare(known, told(9, {{90}, {80}, {70}, {60}})) == LifeChange::none);
}

TEST(LineageTest, another_store_is_told_from_a_copy_of_the_same_one) {
  CHECK(compare(known, told(2, {{7}, {6}}, Origin{6})) == LifeChange::another);
  CHECK(compare(known, told(5, {{50}, {40}}, Origin{6})) == LifeChange::another);
}

TEST(LineageTest, who_knows_nothing_and_who_tells_nothing_change_nothing) {
  CHECK(compare({}, told(5, {{51}})) == LifeChange::none);
  CHECK(compare(known, {}) == LifeChange::none);
  learn(known, {});
  CHECK(known == (KnownLife{kStore, 5, Origin{50}}));
  learn(known, told(6, {{60}, {50}}));
  CHECK(known == (KnownLife{kStore, 6, Origin{60}}));
}
