#include "common/base/few.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;

TEST_GROUP(Few){static Few<int, 3> of(int a, int b){Few<int, 3> made;
made.push_back(a);
made.push_back(b);
return made;
}
}
;

TEST(Few, keeps_the_order_in_which_values_came) {
  const Few<int, 3> two = of(7, 5);
  LONGS_EQUAL(2, two.size());
  LONGS_EQUAL(7, two[0]);
  LONGS_EQUAL(5, two.back());
}

TEST(Few, refuses_more_than_it_has_room_for) {
  Few<int, 3> all = of(1, 2);
  CHECK_TRUE(all.push_back(3));
  CHECK_TRUE(all.full());
  CHECK_FALSE(all.push_back(4));
  LONGS_EQUAL(3, all.back());
}

TEST(Few, closes_the_gap_that_an_erased_value_leaves) {
  Few<int, 3> values = of(1, 2);
  values.push_back(3);
  values.erase(values.begin() + 1);
  LONGS_EQUAL(2, values.size());
  LONGS_EQUAL(1, values[0]);
  LONGS_EQUAL(3, values[1]);
}

TEST(Few, is_equal_by_what_it_holds_not_by_what_it_held) {
  Few<int, 3> values = of(1, 2);
  values.erase(values.begin());
  Few<int, 3> one;
  one.push_back(2);
  CHECK_TRUE(values == one);
  values.clear();
  CHECK_TRUE(values == (Few<int, 3>{}));
}
