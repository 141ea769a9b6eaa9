#include "cloud/http/client.h"
#include "cloud/http/event_queue.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway::cloud::http;

TEST_GROUP(EventReader) {
  std::vector<ServerEvent> events;
  bool read(EventReader & reader, std::string_view bytes) {
    return reader.take(bytes, [&](const ServerEvent& event) {
      events.push_back(event);
      return event.name != "stop";
    });
  }
};

TEST(EventReader, puts_events_together_however_they_are_cut) {
  std::string_view text =
      ": hello\n\nid: 7\nevent: delta\ndata: {\"a\":1,\ndata: \"b\":2}\n\r\nevent: x\ndata:y\n\n";
  for (std::size_t cut = 1; cut <= text.size(); ++cut) {
    EventReader reader;
    events.clear();
    for (std::size_t at = 0; at < text.size(); at += cut) CHECK(read(reader, text.substr(at, cut)));
    LONGS_EQUAL(2, events.size());
    STRCMP_EQUAL("7", events[0].id.c_str());
    STRCMP_EQUAL("delta", events[0].name.c_str());
    STRCMP_EQUAL("{\"a\":1,\n\"b\":2}", events[0].data.c_str());
    STRCMP_EQUAL("7", events[1].id.c_str());
    STRCMP_EQUAL("y", events[1].data.c_str());
  }
}

TEST(EventReader, stops_when_told) {
  EventReader reader;
  CHECK(!read(reader, "event: stop\ndata: 1\n\ndata: 2\n\n"));
  LONGS_EQUAL(1, events.size());
}

TEST(EventReader, drops_a_line_without_end) {
  EventReader reader;
  std::string chunk(1024 * 1024, 'x');
  for (int i = 0; i < 20; ++i) CHECK(read(reader, chunk));
  CHECK(read(reader, "\ndata: after\n\n"));
  LONGS_EQUAL(1, events.size());
}

TEST_GROUP(EventQueue){};

TEST(EventQueue, drops_all_and_says_so_when_the_client_falls_behind) {
  EventQueue queue;
  auto frame = std::make_shared<const std::string>("x");
  for (std::size_t i = 0; i < EventQueue::kMaxFrames; ++i) queue.push(frame);
  CHECK(!queue.take_behind());
  queue.push(frame);
  CHECK(!queue.pop());
  CHECK(queue.take_behind());
  CHECK(!queue.take_behind());
}

TEST(EventQueue, keeps_one_frame_of_any_size) {
  EventQueue queue;
  queue.push(std::make_shared<const std::string>(EventQueue::kMaxBytes + 1, 'x'));
  CHECK(queue.pop() != nullptr);
  CHECK(!queue.take_behind());
}
