#include "agent/node/submissions.h"

#include <algorithm>
#include <utility>

#include "common/base/trace_context.h"
#include "common/owner/new_task.h"
#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

// The count of what a disk refuses that cannot be written, or not any more today.
constexpr Duration kRefusedMayWait = std::chrono::minutes(1);

void name_once(std::vector<TaskId>& tasks) {
  std::sort(tasks.begin(), tasks.end());
  tasks.erase(std::unique(tasks.begin(), tasks.end()), tasks.end());
}

// The digest of what is asked for, whoever asks; the spec names each parent once.
Digest digest_of_wish(TaskSpec spec) {
  const SharedBytes input = std::exchange(spec.input.bytes, {});
  return owner::KeyBook::wish_of(std::move(spec), input);
}

}  // namespace

struct Submissions::Request {
  wire::Submitted answer;
  std::size_t open = 0;
  Reply reply;
};

struct Submissions::Wish {
  std::shared_ptr<Request> of;
  std::size_t index = 0;
  std::shared_ptr<const TaskSpec> spec;
  std::shared_ptr<const Bytes> encoded;
  Digest digest{};  // with a key

  void settle(wire::Submitted::One one) const {
    of->answer.each[index] = std::move(one);
    if (--of->open == 0) of->reply(std::move(of->answer));
  }
  void refuse(Error error) const { settle({{}, false, std::move(error)}); }
  const std::string& key() const { return spec->idempotency_key; }
  // The wish's key has been given to a task: a key stands for one wish, and names the task that was
  // made of it. A key from a version that did not keep what it stands for is taken at its word.
  void answer(TaskId known, const std::optional<Digest>& stands_for) const {
    if (stands_for.value_or(digest) == digest) return settle({known, true, std::nullopt});
    refuse(fail(Code::conflict, "idempotency_key: '" + key() + "' stands for task " +
                                    to_string(known) + ", which is another one; take another key"));
  }
};

Submissions::Submissions(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
                         CloudPlace& cloud, Backlog& backlog, Dependents& dependents,
                         Watchers& watchers)
    : options_(options),
      parts_(parts),
      owner_(owner),
      cloud_(cloud),
      backlog_(backlog),
      dependents_(dependents),
      watchers_(watchers),
      keys_(*parts.store, owner.timeline()),
      admission_(options.budget, {.machine = parts.machine,
                                  .store = [store = parts.store] { return store->use(); },
                                  .report = parts.report}) {
  look_at_budget();
}

// Each wish goes its own way: admit(), check_key(), check_dependencies(), accept(), of which the
// middle two may ask the disk. The request is answered once, when all its wishes have settled.
void Submissions::submit(wire::SubmitRequest request, Reply reply) {
  if (request.specs.empty()) return reply(fail(Code::invalid_argument, "no task to submit"));
  const auto all = std::make_shared<Request>();
  all->reply = std::move(reply);
  all->open = request.specs.size();
  all->answer.each.resize(request.specs.size());
  for (std::size_t i = 0; i < request.specs.size(); ++i) {
    const auto wish = std::make_shared<Wish>(
        Wish{all, i, nullptr, std::make_shared<const Bytes>(std::move(request.specs[i]))});
    Result<TaskSpec> spec = admit(wish->encoded);
    if (!spec) {
      wish->refuse(spec.error());
      continue;
    }
    wish->spec = std::make_shared<const TaskSpec>(*std::move(spec));
    if (wish->key().empty()) {
      check_dependencies(wish);
    } else {
      wish->digest = digest_of_wish(*wish->spec);
      check_key(wish);
    }
  }
}

void Submissions::look_at_budget() {
  admission_.look(owner_.now(), backlog_.window().bytes(), owner_.unfinished());
  // While the machine waits for memory, what runs last waits on disk.
  const bool short_of_memory = admission_.machine_stalled();
  backlog_.window().set_room(options_.budget.memory / (short_of_memory ? 8 : 2));
}

std::optional<store::Refusal> Submissions::refusal(Band band, std::size_t spec_bytes) {
  using namespace std::chrono_literals;
  if (draining_) {
    return store::Refusal{LossCause::draining, 5s, "the agent is draining and accepts nothing new"};
  }
  if (!owner_.store_problem().empty()) {
    return store::Refusal{LossCause::store, 1s,
                          "the store cannot write: " + owner_.store_problem()};
  }
  look_at_budget();
  return admission_.refuse(band, spec_bytes);
}

// The spec is on disk already, and takes no more room.
Status Submissions::has_room_for(const TaskSpec& spec) {
  if (const auto why = refusal(spec.band, 0)) return to_error(*why);
  return {};
}

// The answer waits until the refusal is counted on disk, like any other (P23); but not for a disk
// that cannot be written, or whose budget of writing is what ran out.
void Submissions::turn_away(const OneWish& wish, const store::Refusal& refusal) {
  const bool at_once = refusal.cause == LossCause::store || refusal.cause == LossCause::flash;
  const Duration may_wait = at_once ? kRefusedMayWait : Duration::zero();
  owner_.journal().lose({DataClass::tasks, refusal.cause, owner_.now(), 1}, may_wait);
  if (at_once) {
    wish->refuse(to_error(refusal));
  } else {
    owner_.journal().after([wish, error = to_error(refusal)] { wish->refuse(error); });
  }
  parts_.wake();
}

Result<TaskSpec> Submissions::admit(const std::shared_ptr<const Bytes>& encoded) const {
  Result<TaskSpec> spec = wire::decode_spec_in_place(encoded);
  if (!spec) return spec;
  if (spec->input.blob) {
    return fail(Code::unsupported, "input: blobs are not supported yet; send up to " +
                                       std::to_string(kInlineLimit) +
                                       " bytes inline, or split the input into several tasks");
  }
  if (spec->input.result) {
    return fail(Code::unsupported,
                "input: another task's value is not supported yet; fetch it, and send its bytes");
  }
  if (spec->input.not_kept > 0) {
    return fail(Code::invalid_argument, "input: its " + std::to_string(spec->input.not_kept) +
                                            " bytes are not there; send them");
  }
  if (Status trace = check_trace(spec->trace); !trace) return trace.error();
  if (!cloud_.runs(spec->kind)) {
    if (auto kind = kinds::require_kind(*parts_.kinds, spec->kind); !kind) return kind.error();
  }
  // A kind that only the cloud has is left to the cloud.
  if (const Kind* kind = parts_.kinds->find(spec->kind)) {
    if (Status good = kinds::check_args(*kind, spec->args); !good) return good.error();
  }
  // A parent that is named twice is waited for once: it ends once.
  name_once(spec->after);
  for (TaskId parent : spec->after) {
    if (!owner_.own(parent)) {
      return fail(Code::not_found, "after: there is no task " + to_string(parent) + " here");
    }
  }
  return spec;
}

// One wish with a key at a time goes on; the others are told of its task once that is durable.
void Submissions::check_key(const OneWish& wish) {
  keys_.take(wish->key(), [this, wish](const Result<std::optional<store::KnownKey>>& known) {
    if (!known) return wish->refuse(known.error());
    if (*known) return wish->answer(owner_.id_of((*known)->seq), (*known)->wish);
    check_dependencies(wish);
  });
}

void Submissions::check_dependencies(const OneWish& wish) {
  dependents_.unfinished(wish->spec->after, [this, wish](Result<Dependents::Unfinished> found) {
    if (found) return accept(wish, *std::move(found));
    keys_.settle(wish->key(), std::nullopt);
    wish->refuse(found.error());
  });
}

// The last step: the key is this wish's alone, and the parents are as they are now. A refusal is
// counted (P23), and the next wish with the key has its turn. Else the task is in memory and in the
// journal on return; the client is told after the commit, and so are those that wait with the same
// key.
void Submissions::accept(const OneWish& wish, Dependents::Unfinished unfinished) {
  const TaskSpec& spec = *wish->spec;
  // Room is asked for only here: a known key is answered even when nothing new is accepted.
  if (auto why = refusal(spec.band, wish->encoded->size())) {
    keys_.settle(wish->key(), std::nullopt);
    return turn_away(wish, *why);
  }
  const NodeTime now = owner_.now();
  const std::uint64_t seq = owner_.next_seq();
  const std::size_t bytes = wish->encoded->size();
  store::NewTask row = owner::new_task(spec, wish->encoded, std::uint32_t(unfinished.size()), now);
  // Never waits longer than tasks are kept; it expires then, and its submitter is told.
  const Duration age = options_.budget.of(DataClass::tasks).age;
  if (age < kLongestAge) row.row.task.deadline = std::min(row.row.task.deadline, now + age);
  if (!wish->key().empty()) owner::name_by(row, spec, wish->key(), wish->digest);
  if (!unfinished.empty()) dependents_.on_waiting();
  row.after = std::move(unfinished);

  counts_.accepted += 1;
  if (cloud_.exists() && !cloud_.online()) counts_.buffered += 1;
  admission_.let_in(bytes);
  owner_.insert(std::move(row), wish->spec);
  owner_.journal().after(seq, [this, wish, seq, bytes](const Error* refused) {
    admission_.settle(bytes);
    if (refused) {
      keys_.settle(wish->key(), std::nullopt);
      return wish->refuse(*refused);
    }
    watchers_.tell(store::EventRow{seq, owner_.now(), store::EventKind::accepted, {}, {}, {}, {}});
    wish->settle({owner_.id_of(seq), false, std::nullopt});
    keys_.settle(wish->key(), store::KnownKey{seq, wish->digest});
  });
  parts_.wake();
}

}  // namespace spillway::agent
