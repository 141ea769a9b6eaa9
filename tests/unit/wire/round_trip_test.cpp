#include "common/wire/api.h"
#include "common/wire/codec.h"
#include "tests/unit/wire/samples.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::wire;

namespace {

constexpr std::uint64_t kSeeds = 200;

// Calls check(samples) for many seeds, so that a failure names the seed.
template <class Check>
void for_many_seeds(Check check) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Samples samples(seed);
    CHECK_TEXT(check(samples), ("seed " + std::to_string(seed)).c_str());
  }
}

constexpr char kStoredSpec[] =
    "1c0000005350573100001200220010000c00080000000000070014001200000000000001200000002c0000005800"
    "0000404b4c000000000000000000000006000800040006000000040000000300000001020300010000000c000000"
    "08000c000400080008000000100000000400000002000000363000000600000077696e646f7700000c0000007374"
    "6174732e77696e646f7700000000";

template <class T>
bool survives(const Result<T>& decoded, const T& value) {
  return decoded.ok() && *decoded == value;
}

}  // namespace

TEST_GROUP(RoundTrip){};

TEST(RoundTrip, a_spec_with_every_field_survives) {
  for_many_seeds([](Samples& samples) {
    TaskSpec spec = samples.spec();
    return survives(decode_spec(encode(spec)), spec);
  });
}

TEST(RoundTrip, a_spec_of_only_a_kind_survives_and_is_small) {
  TaskSpec spec;
  spec.kind.name = "echo";
  CHECK(survives(decode_spec(encode(spec)), spec));
  CHECK(encode(spec).size() < 64);
}

TEST(RoundTrip, equal_specs_have_equal_bytes_whatever_was_encoded_before) {
  for_many_seeds([](Samples& samples) {
    TaskSpec spec = samples.spec();
    Bytes first = encode(spec);
    encode(samples.message());
    return encode(*decode_spec(first)) == first && encode(TaskSpec(spec)) == first;
  });
}

TEST(RoundTrip, the_encoding_of_a_spec_never_changes) {
  // Digests of these bytes are stored; a change here makes old submissions look like new ones.
  TaskSpec spec;
  spec.kind.name = "stats.window";
  spec.args = {{"window", "60"}};
  spec.input.bytes = {1, 2, 3};
  spec.deadline = std::chrono::seconds(5);
  spec.band = Band::high;
  Bytes bytes = encode(spec);
  STRCMP_EQUAL(kStoredSpec, to_hex(bytes).c_str());
}

TEST(RoundTrip, a_result_with_every_field_survives) {
  for_many_seeds([](Samples& samples) {
    TaskResult result = samples.result();
    return survives(decode_result(encode(result)), result);
  });
}

TEST(RoundTrip, an_explanation_survives) {
  for_many_seeds([](Samples& samples) {
    Explanation explanation = samples.explanation();
    return survives(decode_explanation(encode(explanation)), explanation);
  });
}

TEST(RoundTrip, what_decided_is_there_once) {
  Explanation explanation;
  explanation.chosen = kHereName;
  explanation.dominant = std::string(100, 'd');
  explanation.candidates = {{kHereName, true, explanation.dominant, {}, {}, {}, {}, 0},
                            {kCloudName, true, "", {}, {}, {}, {}, 0}};
  CHECK(encode(explanation).size() < 300);
  CHECK(survives(decode_explanation(encode(explanation)), explanation));
  explanation.candidates.front().reason = "another";
  CHECK(survives(decode_explanation(encode(explanation)), explanation));
  explanation.candidates.front().reason = "";
  CHECK(survives(decode_explanation(encode(explanation)), explanation));
}

TEST(RoundTrip, a_place_that_every_reader_knows_is_told_by_number_and_any_other_by_name) {
  const auto told = [](const std::string& place) {
    TaskResult result;
    result.id = {Origin{1}, 1};
    result.attempts = {Attempt{Epoch{1}, place, FailureClass::none, {}}};
    result.error = TaskError{FailureClass::error, Code::internal, "", place, Epoch{1}};
    result.placement.chosen = place;
    const Bytes bytes = encode(result);
    CHECK(survives(decode_result(bytes), result));
    return std::string(bytes.begin(), bytes.end());
  };
  for (const char* known : {kHereName, kCloudName}) {
    CHECK(told(known).find(known) == std::string::npos);
    UNSIGNED_LONGS_EQUAL(told(kHereName).size(), told(known).size());
  }
  for (const char* other : {"pump-7", "cloud:eu"}) {
    CHECK(told(other).find(other) != std::string::npos);
  }
}

TEST(RoundTrip, a_presence_survives) {
  for_many_seeds([](Samples& samples) {
    Presence presence = samples.presence();
    return survives(decode_presence(encode(presence)), presence);
  });
}

TEST(RoundTrip, a_message_of_each_single_item_survives) {
  for_many_seeds([](Samples& samples) {
    for (std::size_t type = 0; type < std::variant_size_v<Item>; ++type) {
      Message message{1, 1, {}, "", {samples.item(type)}};
      if (message.items[0].index() != type) return false;
      if (!survives(decode_message(encode(message)), message)) return false;
    }
    return true;
  });
}

TEST(RoundTrip, a_message_of_many_items_survives_in_order) {
  for_many_seeds([](Samples& samples) {
    Message message = samples.message();
    return survives(decode_message(encode(message)), message);
  });
}

TEST(RoundTrip, an_offer_without_deadline_has_none_at_the_other_end) {
  Samples samples(7);
  auto offer = std::get<Offer>(samples.item(0));
  offer.remaining = Duration::max();
  Message message{1, 1, {}, "", {offer}};
  CHECK(std::get<Offer>(decode_message(encode(message))->items[0]).remaining == Duration::max());
}

// Requests and answers have no operator==: one that decodes and encodes to the same bytes again
// has lost nothing that encoding writes, and the spot checks below cover what encoding writes.
TEST(RoundTrip, each_request_survives) {
  for_many_seeds([](Samples& samples) {
    for (std::size_t type = 0; type < std::variant_size_v<RequestBody>; ++type) {
      Request request{samples.number(0, ~0ULL), samples.request_body(type)};
      Bytes bytes = encode(request);
      Result<Request> decoded = decode_request(bytes);
      if (!decoded || decoded->token != request.token || decoded->body.index() != type ||
          encode(*decoded) != bytes) {
        return false;
      }
    }
    return true;
  });
}

TEST(RoundTrip, each_answer_survives) {
  for_many_seeds([](Samples& samples) {
    for (std::size_t type = 0; type < std::variant_size_v<AnswerBody>; ++type) {
      Answer answer{samples.number(0, ~0ULL), samples.answer_body(type)};
      Bytes bytes = encode(answer);
      Result<Answer> decoded = decode_answer(bytes);
      if (!decoded || decoded->token != answer.token || decoded->body.index() != type ||
          encode(*decoded) != bytes) {
        return false;
      }
    }
    return true;
  });
}

TEST(RoundTrip, requests_keep_what_they_ask_for) {
  ListRequest list{TaskState::failed, "echo", "acme", 17, 5};
  auto got = std::get<ListRequest>(decode_request(encode(Request{9, list}))->body);
  CHECK(got.state == list.state && got.kind == "echo" && got.tenant == "acme");
  CHECK(got.before == 17 && got.limit == 5);

  auto op =
      std::get<TaskRequest>(decode_request(encode(Request{9, TaskRequest{TaskOp::hold, 4}}))->body);
  CHECK(op.op == TaskOp::hold && op.seq == 4);

  SubmitRequest submit{{Bytes{1, 2}, Bytes{3}}};
  CHECK(std::get<SubmitRequest>(decode_request(encode(Request{9, submit}))->body).specs ==
        submit.specs);

  CHECK(!std::get<DrainRequest>(decode_request(encode(Request{9, DrainRequest{false}}))->body).on);
  CHECK(!std::get<EventsRequest>(decode_request(encode(Request{9, EventsRequest{}}))->body).seq);
  CHECK(std::get<EventsRequest>(decode_request(encode(Request{9, EventsRequest{3}}))->body).seq ==
        3);
}

TEST(RoundTrip, answers_keep_what_they_say) {
  Samples samples(3);
  WhyReport why = samples.why();
  CHECK(std::get<WhyReport>(decode_answer(encode(Answer{1, why}))->body) == why);
  EventView event = samples.event();
  CHECK(std::get<EventView>(decode_answer(encode(Answer{1, event}))->body) == event);
  NodeView node = samples.node();
  CHECK(std::get<NodeView>(decode_answer(encode(Answer{1, node}))->body) == node);
  Trace trace{"{\"traceEvents\":[]}"};
  CHECK(std::get<Trace>(decode_answer(encode(Answer{1, trace}))->body).json == trace.json);
  TaskView task = samples.task();
  CHECK(std::get<TaskView>(decode_answer(encode(Answer{1, task}))->body) == task);

  Error error = fail(Code::busy, "the store is full");
  error.retry_after = std::chrono::milliseconds(1500);
  Error got = std::get<Error>(decode_answer(encode(Answer{1, error}))->body);
  CHECK(got.code == Code::busy && got.message == error.message);
  CHECK(got.retry_after == error.retry_after);

  Submitted submitted{{{TaskId{Origin{1}, 2}, true, std::nullopt}, {{}, false, error}}};
  auto each = std::get<Submitted>(decode_answer(encode(Answer{1, submitted}))->body).each;
  CHECK(each.at(0).id == submitted.each[0].id && each[0].existing && !each[0].error);
  CHECK(each.at(1).error && each[1].error->code == Code::busy);
}
