#include "common/base/places.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;

TEST_GROUP(Places) { Places places; };

TEST(Places, a_node_knows_its_own_pool_and_a_cloud) {
  CHECK_TRUE(places.find("local") == kHere);
  CHECK_TRUE(places.find("cloud") == kCloud);
  STRCMP_EQUAL("local", places.name_of(kHere).c_str());
  STRCMP_EQUAL("cloud", places.name_of(kCloud).c_str());
  STRCMP_EQUAL("", places.name_of(kNowhere).c_str());
  CHECK_TRUE(places.find("") == kNowhere);
}

TEST(Places, a_name_has_one_number_and_a_number_one_name) {
  const PlaceId pump = places.of("pump-7");
  const PlaceId fan = places.of("fan-1");
  CHECK_TRUE(pump != fan && pump != kHere && pump != kCloud && pump != kNowhere);
  CHECK_TRUE(places.of("pump-7") == pump);
  CHECK_TRUE(places.find("pump-7") == pump);
  STRCMP_EQUAL("pump-7", places.name_of(pump).c_str());
}

TEST(Places, what_was_only_asked_after_gets_no_number) {
  CHECK_TRUE(places.find("pump-7") == kNowhere);
  STRCMP_EQUAL("", places.name_of(PlaceId{3}).c_str());
  CHECK_TRUE(places.of("fan-1") == PlaceId{3});
}

TEST(Places, no_name_is_empty_or_longer_than_a_name) {
  CHECK_TRUE(places.of("") == kNowhere);
  CHECK_TRUE(places.of(std::string(Places::kLongestName + 1, 'p')) == kNowhere);
  CHECK_TRUE(places.of(std::string(Places::kLongestName, 'p')) != kNowhere);
}

TEST(Places, come_back_under_their_numbers_and_new_ones_follow) {
  places.restore(PlaceId{9}, "pump-7");
  CHECK_TRUE(places.of("pump-7") == PlaceId{9});
  CHECK_TRUE(places.of("fan-1") == PlaceId{10});
}

TEST(Places, what_no_store_was_told_to_keep_is_not_restored) {
  places.restore(kNowhere, "nowhere");
  places.restore(kHere, "elsewhere");
  places.restore(PlaceId{5}, "local");
  places.restore(PlaceId{6}, "");
  places.restore(PlaceId{Places::kMost + 1}, "far");
  places.restore(PlaceId{7}, "pump-7");
  places.restore(PlaceId{8}, "pump-7");
  CHECK_TRUE(places.find("local") == kHere);
  CHECK_TRUE(places.find("pump-7") == PlaceId{7});
  for (const std::uint32_t number : {5U, 6U, 8U, Places::kMost + 1}) {
    STRCMP_EQUAL("", places.name_of(PlaceId{number}).c_str());
  }
}

TEST(Places, there_are_no_more_than_so_many) {
  places.restore(PlaceId{Places::kMost - 1}, "pump-7");
  CHECK_TRUE(places.of("the-last") == PlaceId{Places::kMost});
  CHECK_TRUE(places.of("one-more") == kNowhere);
  CHECK_TRUE(places.of("pump-7") == PlaceId{Places::kMost - 1});
}

TEST(Places, a_name_has_to_be_kept_once_and_those_that_every_version_knows_never) {
  const PlaceId pump = places.of("pump-7");
  CHECK_TRUE(places.must_keep(pump));
  CHECK_FALSE(places.must_keep(pump));
  places.restore(PlaceId{9}, "fan-1");
  for (const PlaceId place : {kNowhere, kHere, kCloud, PlaceId{9}, PlaceId{77}}) {
    CHECK_FALSE(places.must_keep(place));
  }
}

TEST(Places, are_a_nodes_own_pool_clouds_or_devices) {
  CHECK_TRUE(class_of("") == PlaceClass::nowhere);
  CHECK_TRUE(class_of("local") == PlaceClass::here);
  for (const char* cloud : {"cloud", "cloud:eu"}) CHECK_TRUE(class_of(cloud) == PlaceClass::cloud);
  for (const char* device : {"pump-7", "cloud-7", "clouds", "clou", "local-1"}) {
    CHECK_TRUE(class_of(device) == PlaceClass::device);
  }
}

TEST(Places, are_shown_by_name) {
  CHECK_TRUE(shown_place("") == "none");
  CHECK_TRUE(shown_place("pump-7") == "pump-7");
}
