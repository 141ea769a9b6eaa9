#include <cmath>
#include <limits>

#include "common/wire/api.h"
#include "common/wire/codec.h"
#include "tests/unit/wire/samples.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::wire;

namespace {

constexpr auto kYear = std::chrono::hours(366 * 24);

template <class T>
bool corrupt(const Result<T>& result, std::string_view part = "") {
  return !result && result.error().code == Code::corrupt &&
         result.error().message.find(part) != std::string::npos &&
         result.error().message.size() < 200;
}

Result<Message> sent(Item item) {
  return decode_message(encode(Message{1, 1, {}, "", {std::move(item)}}));
}

Offer offer(TaskId id, Epoch epoch, Duration remaining, Duration lease, Bytes spec) {
  return {id, epoch, remaining, lease, Epoch{0}, std::move(spec)};
}

TaskSpec echo_spec() {
  TaskSpec spec;
  spec.kind.name = "echo";
  return spec;
}

TaskResult success() {
  TaskResult result;
  result.id = {Origin{1}, 1};
  return result;
}

const TaskId kId{Origin{1}, 1};
const TaskId kNoOrigin{Origin{0}, 1};
const TaskId kNoSeq{Origin{1}, 0};
const Bytes kSpec{1};
constexpr Duration kLease = std::chrono::seconds(30);

}  // namespace

TEST_GROUP(Limits){};

TEST(Limits, nothing_and_noise_are_refused_by_every_decoder) {
  Samples samples(1);
  for (std::size_t size : {0u, 1u, 3u, 4u, 7u, 8u, 9u, 15u, 64u, 1000u}) {
    Bytes bytes = samples.bytes(1000);
    bytes.resize(size);
    CHECK(corrupt(decode_spec(bytes), "task spec"));
    CHECK(corrupt(decode_result(bytes), "task result"));
    CHECK(corrupt(decode_explanation(bytes), "explanation"));
    CHECK(corrupt(decode_message(bytes), "message"));
    CHECK(corrupt(decode_presence(bytes), "presence"));
    CHECK(corrupt(decode_request(bytes), "request"));
    CHECK(corrupt(decode_answer(bytes), "answer"));
  }
}

TEST(Limits, another_identifier_is_refused) {
  Bytes bytes = encode(echo_spec());
  bytes[7] = 'A';
  CHECK(corrupt(decode_spec(bytes), "SPW1"));
  bytes = encode(Request{1, StatusRequest{}});
  bytes[7] = '1';
  CHECK(corrupt(decode_request(bytes), "SPWA"));
}

TEST(Limits, buffers_need_no_alignment) {
  Samples samples(2);
  Message message = samples.message();
  Bytes bytes = encode(message).copy();
  for (std::size_t shift = 0; shift < 8; ++shift) {
    Bytes shifted(shift, 0);
    shifted.insert(shifted.end(), bytes.begin(), bytes.end());
    Result<Message> decoded = decode_message(ByteView(shifted).subspan(shift));
    CHECK(decoded.ok());
    CHECK(*decoded == message);
  }
}

TEST(Limits, a_spec_over_a_limit_gets_the_error_that_its_sender_understands) {
  TaskSpec spec = echo_spec();
  spec.input.bytes = Bytes(kInlineLimit + 1);
  CHECK(decode_spec(encode(spec)).error().code == Code::invalid_argument);
  STRCMP_EQUAL(validate(spec).error().message.c_str(),
               decode_spec(encode(spec)).error().message.c_str());
  spec = echo_spec();
  spec.deadline = std::chrono::milliseconds::max();
  STRCMP_EQUAL(validate(spec).error().message.c_str(),
               decode_spec(encode(spec)).error().message.c_str());
  spec = echo_spec();
  spec.work = std::nan("");
  STRCMP_EQUAL(validate(spec).error().message.c_str(),
               decode_spec(encode(spec)).error().message.c_str());
  spec = TaskSpec{};
  STRCMP_EQUAL(validate(spec).error().message.c_str(),
               decode_spec(encode(spec)).error().message.c_str());
}

TEST(Limits, a_spec_at_every_limit_passes_and_fits_a_message) {
  TaskSpec spec = echo_spec();
  spec.kind.name = std::string(64, 'k');
  spec.input.bytes = Bytes(kInlineLimit);
  for (int i = 0; i < 32; ++i) {
    std::string key = std::to_string(100 + i) + std::string(61, 'x');
    spec.args[key] = spec.labels[key] = std::string(256, 'v');
    spec.needs.tags.push_back(key);
  }
  spec.after.assign(64, kId);
  spec.idempotency_key = spec.tenant = spec.trace = std::string(256, 't');
  spec.deadline = spec.not_before = spec.run_timeout = spec.queue_timeout = kYear;
  CHECK(*decode_spec(encode(spec)) == spec);
  Result<Message> message = sent(offer(kId, Epoch{1}, kYear, kLease, encode(spec)));
  CHECK(message.ok());
  CHECK(std::get<Offer>(message->items[0]).spec == encode(spec));
}

TEST(Limits, unknown_choices_in_a_spec_are_refused) {
  TaskSpec spec = echo_spec();
  spec.band = static_cast<Band>(4);
  CHECK(corrupt(decode_spec(encode(spec)), "band"));
  spec = echo_spec();
  spec.prefer = static_cast<Prefer>(3);
  CHECK(corrupt(decode_spec(encode(spec)), "prefer"));
  spec = echo_spec();
  spec.data = static_cast<DataScope>(2);
  CHECK(corrupt(decode_spec(encode(spec)), "data"));
  spec = echo_spec();
  spec.effects = static_cast<Effects>(255);
  CHECK(corrupt(decode_spec(encode(spec)), "effects"));
  spec = echo_spec();
  spec.on_disconnect = static_cast<OnDisconnect>(3);
  CHECK(corrupt(decode_spec(encode(spec)), "on_disconnect"));
}

TEST(Limits, an_input_is_inline_or_a_blob) {
  TaskSpec spec = echo_spec();
  spec.input = {{{1}, BlobRef{}}, std::nullopt, 0};
  CHECK(corrupt(decode_spec(encode(spec)), "input"));
}

TEST(Limits, tasks_that_come_before_need_ids) {
  TaskSpec spec = echo_spec();
  spec.after = {kNoSeq};
  CHECK(corrupt(decode_spec(encode(spec)), "id"));
}

TEST(Limits, items_without_id_or_epoch_are_refused) {
  for (TaskId id : {kNoOrigin, kNoSeq}) {
    CHECK(corrupt(sent(offer(id, Epoch{1}, kLease, kLease, kSpec)), "id"));
    CHECK(corrupt(sent(Accept{id, Epoch{1}}), "id"));
    CHECK(corrupt(sent(Nack{id, Epoch{1}}), "id"));
    CHECK(corrupt(sent(Beat{id, Epoch{1}}), "id"));
    CHECK(corrupt(sent(BeatAck{id, Epoch{1}}), "id"));
    CHECK(corrupt(sent(ResultItem{id, Epoch{1}}), "id"));
    CHECK(corrupt(sent(ResultAck{id, Epoch{1}}), "id"));
    CHECK(corrupt(sent(Cancel{id, Epoch{1}}), "id"));
  }
  CHECK(corrupt(sent(offer(kId, Epoch{0}, kLease, kLease, kSpec)), "epoch"));
  CHECK(corrupt(sent(Accept{kId, Epoch{0}}), "epoch"));
  CHECK(corrupt(sent(Nack{kId, Epoch{0}}), "epoch"));
  CHECK(corrupt(sent(Beat{kId, Epoch{0}}), "epoch"));
  CHECK(corrupt(sent(BeatAck{kId, Epoch{0}}), "epoch"));
  CHECK(corrupt(sent(ResultItem{kId, Epoch{0}}), "epoch"));
  CHECK(corrupt(sent(ResultAck{kId, Epoch{0}}), "epoch"));
  CHECK(corrupt(sent(Cancel{kId, Epoch{0}}), "epoch"));
}

TEST(Limits, unknown_choices_in_items_are_refused) {
  CHECK(corrupt(sent(Nack{kId, Epoch{1}, static_cast<lifecycle::NackReason>(9)}), "nack.reason"));
  CHECK(corrupt(sent(Beat{kId, Epoch{1}, static_cast<lifecycle::LeaseState>(4)}), "beat.state"));
  CHECK(corrupt(sent(ResultAck{kId, Epoch{1}, static_cast<ResultVerdict>(3)}), "verdict"));
  CHECK(corrupt(sent(ResultItem{kId, Epoch{1}, static_cast<FailureClass>(10)}), "failure"));
  CHECK(
      corrupt(sent(ResultItem{kId, Epoch{1}, FailureClass::error, static_cast<Code>(13)}), "code"));
  CHECK(
      corrupt(sent(ResultItem{kId, Epoch{1}, FailureClass::error, static_cast<Code>(0)}), "code"));
}

TEST(Limits, a_lessee_cannot_draw_the_owners_conclusions) {
  for (FailureClass failure : {FailureClass::lost, FailureClass::refused, FailureClass::poison,
                               FailureClass::dependency, FailureClass::disconnected}) {
    CHECK(corrupt(sent(ResultItem{kId, Epoch{1}, failure}), "result.failure"));
  }
}

TEST(Limits, an_offer_needs_a_lease_and_a_spec) {
  CHECK(corrupt(sent(offer(kId, Epoch{1}, kLease, Duration(0), kSpec)), "lease"));
  CHECK(corrupt(sent(offer(kId, Epoch{1}, kLease, kLease, {})), "spec"));
  CHECK(sent(offer(kId, Epoch{1}, Duration(0), Duration(1), kSpec)).ok());
}

TEST(Limits, an_offer_settles_only_epochs_before_its_own) {
  Offer sample = offer(kId, Epoch{5}, kLease, kLease, kSpec);
  sample.settled = Epoch{4};
  CHECK(sent(sample).ok());
  sample.settled = Epoch{5};
  CHECK(corrupt(sent(sample), "settled"));
}

TEST(Limits, a_value_over_the_inline_limit_is_refused) {
  ResultItem result{kId, Epoch{1}};
  result.value.bytes = Bytes(kInlineLimit);
  CHECK(sent(result).ok());
  result.value.bytes = Bytes(kInlineLimit + 1);
  CHECK(corrupt(sent(result), "result.value"));
}

TEST(Limits, messages_have_a_session_and_a_sequence) {
  Item item = Accept{kId, Epoch{1}};
  CHECK(corrupt(decode_message(encode(Message{0, 1, {}, "", {item}})), "session"));
  CHECK(corrupt(decode_message(encode(Message{1, 0, {}, "", {item}})), "seq"));
  CHECK(corrupt(decode_message(encode(Message{1, 1, {}, std::string(257, 't'), {item}})), "trace"));
}

TEST(Limits, a_message_over_128_KiB_is_refused_before_it_is_looked_at) {
  Echo echo;
  echo.padding.resize(kMaxMessage - 100);
  CHECK(sent(echo).ok());
  echo.padding.resize(kMaxMessage);
  CHECK(corrupt(sent(echo), "131072"));
}

TEST(Limits, a_message_of_64_items_passes) {
  Message message{1, 1, {}, "", std::vector<Item>(kMaxItems, Accept{kId, Epoch{1}})};
  CHECK(*decode_message(encode(message)) == message);
}

TEST(Limits, estimates_are_clamped_and_texts_for_people_are_cut) {
  Message credits = *sent(Credits{1, Duration::max(), 1, 1});
  CHECK(std::get<Credits>(credits.items[0]).queue_delay == kYear);
  Message nack = *sent(Nack{kId, Epoch{1}, lifecycle::NackReason::busy, Duration(-5)});
  CHECK(std::get<Nack>(nack.items[0]).retry_after == Duration(0));

  ResultItem result{kId, Epoch{1}, FailureClass::error};
  result.message = std::string(1'000'000, 'x');
  Message message = *sent(result);
  CHECK(std::get<ResultItem>(message.items[0]).message == std::string(4096, 'x'));
}

TEST(Limits, texts_are_cut_between_characters) {
  ResultItem result{kId, Epoch{1}, FailureClass::error};
  for (std::string_view character : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (std::size_t lead = 0; lead < 4; ++lead) {
      result.message.assign(lead, 'x');
      while (result.message.size() < 5000) result.message += character;
      Message message = *sent(result);
      const std::string& text = std::get<ResultItem>(message.items[0]).message;
      CHECK(text.size() > 4092 && text.size() <= 4096);
      UNSIGNED_LONGS_EQUAL(0, (text.size() - lead) % character.size());
    }
  }
  result.message = std::string(5000, '\x80');
  CHECK(sent(result).ok());
}

TEST(Limits, the_size_hints_of_a_messages_items_cover_its_encoding) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Samples samples(seed);
    Message message = samples.message();
    message.trace = std::string(256, 't');
    for (std::size_t size = message.items.size(); size > 0; size /= 2) {
      message.items.resize(size);
      std::size_t hint = 0;
      for (const Item& item : message.items) hint += encoded_size_hint(item);
      CHECK(encode(message).size() <= hint);
    }
  }
}

TEST(Limits, a_result_is_of_a_terminal_state) {
  TaskResult result = success();
  for (auto state : {TaskState::waiting, TaskState::ready, TaskState::leased, TaskState::running,
                     static_cast<TaskState>(8)}) {
    result.outcome = state;
    CHECK(corrupt(decode_result(encode(result)), "outcome"));
  }
}

TEST(Limits, a_result_is_of_a_task_and_its_choices_and_names_make_sense) {
  TaskResult result;
  CHECK(corrupt(decode_result(encode(result)), "id"));
  result = success();
  result.value.bytes = Bytes(kInlineLimit + 1);
  CHECK(corrupt(decode_result(encode(result)), "value"));
  result = success();
  result.placement.chosen = std::string(65, 'p');
  CHECK(corrupt(decode_result(encode(result)), "placement.chosen"));
  result = success();
  result.error = TaskError{FailureClass::error, static_cast<Code>(0)};
  CHECK(corrupt(decode_result(encode(result)), "error.code"));
  result = success();
  result.attempts = {Attempt{Epoch{1}, std::string(65, 'p')}};
  CHECK(corrupt(decode_result(encode(result)), "attempts.place"));
  result.attempts = {Attempt{Epoch{1}, "a\x1b[2J"}};
  STRCMP_EQUAL("a?[2J", decode_result(encode(result))->attempts[0].place.c_str());
}

TEST(Limits, only_the_last_attempts_are_kept) {
  TaskResult result = success();
  for (std::uint32_t i = 1; i <= kMaxAttemptsKept + 5; ++i) {
    result.attempts.push_back({Epoch{i}});
  }
  Result<TaskResult> kept = decode_result(encode(result));
  UNSIGNED_LONGS_EQUAL(kMaxAttemptsKept, kept->attempts.size());
  CHECK(kept->attempts.back() == result.attempts.back());
}

TEST(Limits, an_explanation_has_numbers_for_scores_and_a_few_candidates) {
  Explanation explanation;
  explanation.candidates = {Candidate{}};
  explanation.candidates[0].score = std::numeric_limits<double>::infinity();
  CHECK(decode_explanation(encode(explanation)).ok());
  explanation.candidates[0].score = std::nan("");
  CHECK(corrupt(decode_explanation(encode(explanation)), "score"));
  explanation.candidates.assign(65, Candidate{});
  CHECK(corrupt(decode_explanation(encode(explanation))));
}

TEST(Limits, a_presence_has_a_session_and_short_lists_of_names) {
  Presence presence;
  CHECK(corrupt(decode_presence(encode(presence)), "session"));
  presence.session = 1;
  CHECK(decode_presence(encode(presence)).ok());
  presence.tags.assign(33, "tag");
  CHECK(corrupt(decode_presence(encode(presence)), "tags"));
  presence.tags = {""};
  CHECK(corrupt(decode_presence(encode(presence)), "tags"));
  presence.tags = {std::string(65, 'x')};
  CHECK(corrupt(decode_presence(encode(presence)), "tags"));
  presence.tags.clear();
  presence.kinds.assign(257, KindInfo{"echo", 1});
  CHECK(corrupt(decode_presence(encode(presence))));
  presence.kinds = {KindInfo{"", 1}};
  CHECK(corrupt(decode_presence(encode(presence)), "kinds"));
}

TEST(Limits, a_submit_carries_1_to_64_specs) {
  CHECK(corrupt(decode_request(encode(Request{1, SubmitRequest{}})), "specs"));
  CHECK(decode_request(encode(Request{1, SubmitRequest{std::vector<Bytes>(64, kSpec)}})).ok());
  CHECK(corrupt(decode_request(encode(Request{1, SubmitRequest{std::vector<Bytes>(65, kSpec)}}))));
}

TEST(Limits, requests_name_a_task_a_known_state_and_a_page) {
  CHECK(corrupt(decode_request(encode(Request{1, TaskRequest{TaskOp::cancel, 0}})), "seq"));
  CHECK(corrupt(decode_request(encode(Request{1, TaskRequest{static_cast<TaskOp>(4), 1}})), "op"));
  CHECK(corrupt(decode_request(encode(Request{1, ShowRequest{0}})), "seq"));
  CHECK(corrupt(decode_request(encode(Request{1, WhyRequest{0}})), "seq"));
  CHECK(corrupt(decode_request(encode(Request{1, WaitRequest{0}})), "seq"));
  CHECK(corrupt(decode_request(encode(Request{1, EventsRequest{0}})), "seq"));
  ListRequest list;
  for (std::uint32_t limit : {0u, kMaxListed + 1}) {
    list.limit = limit;
    CHECK(corrupt(decode_request(encode(Request{1, list})), "limit"));
  }
  list.limit = kMaxListed;
  CHECK(decode_request(encode(Request{1, list})).ok());
  list.state = static_cast<TaskState>(8);
  CHECK(corrupt(decode_request(encode(Request{1, list})), "state"));
}

TEST(Limits, a_frame_over_256_KiB_is_refused) {
  SubmitRequest submit{{Bytes(kMaxFrame)}};
  CHECK(corrupt(decode_request(encode(Request{1, submit})), "262144"));
}

TEST(Limits, a_full_list_of_tasks_fits_a_frame) {
  Tasks tasks;
  TaskView task;
  task.id = {Origin{~0ULL}, 12345678};
  task.kind = "stats.window";
  task.epoch = Epoch{1};
  task.age = task.in_state = task.wall_created = std::chrono::hours(1000);
  task.deadline_in = std::chrono::hours(1);
  tasks.tasks.assign(kMaxListed, task);
  Result<Answer> answer = decode_answer(encode(Answer{1, tasks}));
  CHECK(answer.ok());
  CHECK(std::get<Tasks>(answer->body).tasks == tasks.tasks);
}

TEST(Limits, a_view_shows_only_specs_that_could_have_been_submitted) {
  TaskView task;
  task.id = kId;
  task.spec = TaskSpec{};
  CHECK(corrupt(decode_answer(encode(Answer{1, task})), "kind"));
}

TEST(Limits, what_a_node_says_of_itself_is_fit_to_be_shown) {
  Presence presence;
  presence.session = 1;
  presence.version = "1.2\x1b[2J\xff";
  presence.machine = "arm\nv7";
  presence.tags = {
      "a\xc2\x9b"
      "b"};
  presence.kinds = {{"echo\r", 1, false}};
  const Presence heard = *decode_presence(encode(presence));
  STRCMP_EQUAL("1.2?[2J?", heard.version.c_str());
  STRCMP_EQUAL("arm v7", heard.machine.c_str());
  STRCMP_EQUAL("a?b", heard.tags.at(0).c_str());
  STRCMP_EQUAL("echo ", heard.kinds.at(0).name.c_str());
  ResultItem failed;
  failed.id = TaskId{Origin{1}, 1};
  failed.epoch = Epoch{1};
  failed.failure = FailureClass::error;
  failed.message = "line\n\x07";
  const Message message = *sent(failed);
  STRCMP_EQUAL("line\n?", std::get<ResultItem>(message.items.at(0)).message.c_str());
}

TEST(Limits, what_a_node_tells_of_its_tasks_is_fit_to_be_shown) {
  TaskStory story;
  story.id = TaskId{Origin{1}, 1};
  story.kind = "echo\x1b";
  story.trace = "\xff";
  const Message message = *sent(story);
  STRCMP_EQUAL("echo?", std::get<TaskStory>(message.items.at(0)).kind.c_str());
  STRCMP_EQUAL("?", std::get<TaskStory>(message.items.at(0)).trace.c_str());
  TaskResult history;
  history.id = story.id;
  history.outcome = TaskState::failed;
  history.error = TaskError{FailureClass::error, Code::internal, "a\nb\x07"};
  STRCMP_EQUAL("a\nb?", decode_result(encode(history))->error->message.c_str());
  Explanation why;
  why.dominant = "slow\x1b[2J";
  why.candidates = {Candidate{kCloudName, false, "no\xc2\x9b"}};
  const Explanation told = *decode_explanation(encode(why));
  STRCMP_EQUAL("slow?[2J", told.dominant.c_str());
  STRCMP_EQUAL("no?", told.candidates.at(0).reason.c_str());
}
