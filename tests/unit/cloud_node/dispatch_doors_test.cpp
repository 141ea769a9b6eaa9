#include <functional>
#include <vector>

#include "tests/support/own_loop.h"
#include "tests/unit/cloud_node/dispatched_rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP_BASE(DispatchDoors, DispatchedRig){
    // Whether another thread's loop, which has the dispatch, keeps that call out.
    bool keeps_out(const std::function<void(cloud::Dispatch&)>& call){const End end = end_of([&] {
                                                                        Loop loop([this] {
                                                                          dispatch().cycle();
                                                                        });
                                                                        call(dispatch());
                                                                      });
return end.aborted && end.said.starts_with("cloud::Dispatch was called");
}
}
;

#ifndef NDEBUG
TEST(DispatchDoors, what_people_ask_of_tasks_and_groups_is_asked_on_the_loop) {
  const cloud::GroupId group{id(1), 1};
  CHECK(keeps_out([&](auto& dispatch) { dispatch.cancel(group, [](const auto&) {}); }));
  CHECK(keeps_out([&](auto& dispatch) { dispatch.retry(group, [](const auto&) {}); }));
  CHECK(keeps_out([&](auto& dispatch) { dispatch.count(group, [](const auto&) {}); }));
  CHECK(keeps_out([&](auto& dispatch) { dispatch.groups(9, 9, [](const auto&) {}); }));
  CHECK(keeps_out([&](auto& dispatch) { dispatch.cancel(id(1), [](const auto&) {}); }));
  CHECK(keeps_out([&](auto& dispatch) { dispatch.retry(id(1), [](const auto&) {}); }));
}

TEST(DispatchDoors, what_comes_from_devices_comes_on_the_loop) {
  CHECK(keeps_out([](auto& dispatch) { dispatch.on("pump-7", wire::Credits{}); }));
  CHECK(keeps_out([](auto& dispatch) { dispatch.on("pump-7", wire::Accept{}); }));
  CHECK(keeps_out([](auto& dispatch) { dispatch.on("pump-7", wire::Nack{}); }));
  CHECK(keeps_out([](auto& dispatch) { dispatch.on("pump-7", wire::Beat{}); }));
  CHECK(keeps_out([](auto& dispatch) { dispatch.on("pump-7", wire::ResultItem{}); }));
  CHECK(keeps_out([](auto& dispatch) { dispatch.on_barred("pump-7"); }));
  CHECK(keeps_out([](auto& dispatch) { dispatch.on_link_down(); }));
}
#endif
