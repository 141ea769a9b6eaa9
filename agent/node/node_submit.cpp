#include <algorithm>
#include <utility>

#include "agent/node/node.h"
#include "common/base/trace_context.h"
#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

constexpr Duration kRetryRelease = std::chrono::seconds(1);
// The count of what a disk refuses that cannot be written, or not any more today.
constexpr Duration kRefusedMayWait = std::chrono::minutes(1);

void name_once(std::vector<TaskId>& tasks) {
  std::sort(tasks.begin(), tasks.end());
  tasks.erase(std::unique(tasks.begin(), tasks.end()), tasks.end());
}

// Whether both ask for the same; where they come from is no part of it. Of an input that was not
// kept its size is known.
bool same_wish(TaskSpec one, TaskSpec other) {
  one.trace = other.trace = {};
  name_once(one.after);
  name_once(other.after);
  if (other.input.not_kept > 0) one.input = {{}, std::nullopt, one.input.bytes.size()};
  return one == other;
}

}  // namespace

// One SubmitRequest: answered when each of its specs is durable or refused.
struct Node::Submission {
  wire::Submitted answer;
  std::size_t open = 0;
  Reply reply;

  void settle(std::size_t index, wire::Submitted::One one) {
    answer.each[index] = std::move(one);
    if (--open == 0) reply(std::move(answer));
  }
  void refuse(std::size_t index, Error error) { settle(index, {{}, false, std::move(error)}); }
};

void Node::submit(wire::SubmitRequest request, Reply reply) {
  auto all = std::make_shared<Submission>();
  all->reply = std::move(reply);
  all->open = request.specs.size();
  all->answer.each.resize(request.specs.size());
  if (request.specs.empty()) return all->reply(fail(Code::invalid_argument, "no task to submit"));
  for (std::size_t i = 0; i < request.specs.size(); ++i) {
    submit_one(all, i, std::move(request.specs[i]));
  }
}

void Node::submit_one(std::shared_ptr<Submission> all, std::size_t index, Bytes encoded) {
  Result<TaskSpec> spec = admit(encoded);
  if (!spec) return all->refuse(index, spec.error());
  if (!spec->idempotency_key.empty()) {
    return check_key(std::move(all), index, *std::move(spec), std::move(encoded));
  }
  check_dependencies(std::move(all), index, *std::move(spec), std::move(encoded), 0, {});
}

void Node::look_at_budget() {
  admission_.look(now(), window_.bytes(), owner_.unfinished());
  // While the machine waits for memory, what runs last waits on disk.
  const bool short_of_memory = admission_.machine_stalled();
  window_.set_room(options_.budget.memory / (short_of_memory ? 8 : 2));
}

std::optional<store::Refusal> Node::refusal(Band band, std::size_t spec_bytes) {
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

// The answer waits until the refusal is counted on disk, like any other (P23); but not for a disk
// that cannot be written, or whose budget of writing is what ran out.
void Node::turn_away(const std::shared_ptr<Submission>& all, std::size_t index,
                     const store::Refusal& refusal) {
  const bool at_once = refusal.cause == LossCause::store || refusal.cause == LossCause::flash;
  const Duration may_wait = at_once ? kRefusedMayWait : Duration::zero();
  journal().lose({DataClass::tasks, refusal.cause, now(), 1}, may_wait);
  if (at_once) {
    all->refuse(index, to_error(refusal));
  } else {
    journal().after([all, index, error = to_error(refusal)] { all->refuse(index, error); });
  }
  parts_.wake();
}

Result<TaskSpec> Node::admit(ByteView encoded) const {
  Result<TaskSpec> spec = wire::decode_spec(encoded);
  if (!spec) return spec;
  if (spec->input.blob) {
    return fail(Code::unsupported, "input: blobs are not supported yet; send up to " +
                                       std::to_string(kInlineLimit) +
                                       " bytes inline, or split the input into several tasks");
  }
  if (spec->input.not_kept > 0) {
    return fail(Code::invalid_argument, "input: its " + std::to_string(spec->input.not_kept) +
                                            " bytes are not there; send them");
  }
  if (Status trace = check_trace(spec->trace); !trace) return trace.error();
  bool cloud_runs_it = std::binary_search(cloud_.kinds.begin(), cloud_.kinds.end(), spec->kind);
  if (!cloud_runs_it) {
    if (auto kind = kinds::require_kind(*parts_.kinds, spec->kind); !kind) return kind.error();
  }
  // A kind that only the cloud has is left to the cloud.
  if (const Kind* kind = parts_.kinds->find(spec->kind)) {
    if (Status good = kinds::check_args(*kind, spec->args); !good) return good.error();
  }
  // One that is named twice is waited for once: it ends once.
  name_once(spec->after);
  for (TaskId parent : spec->after) {
    if (!owner_.own(parent)) {
      return fail(Code::not_found, "after: there is no task " + to_string(parent) + " here");
    }
  }
  return spec;
}

void Node::check_key(std::shared_ptr<Submission> all, std::size_t index, TaskSpec spec,
                     Bytes encoded) {
  std::string key = spec.idempotency_key;
  if (auto pending = pending_keys_.find(key); pending != pending_keys_.end()) {
    if (pending->second.seq == 0) {
      pending->second.others.push_back(
          [this, all, index, spec = std::move(spec), encoded = std::move(encoded)] {
            check_key(all, index, spec, encoded);
          });
      return;
    }
    // The first one is about to be durable; this answer is true only once it is.
    const std::uint64_t seq = pending->second.seq;
    return journal().after(seq,
                           [this, all, index, spec = std::move(spec), seq](const Error* refused) {
                             if (refused) return all->refuse(index, *refused);
                             answer_known(all, index, spec, seq);
                           });
  }
  pending_keys_[key];
  parts_.store->find_idempotent(
      key, now(),
      gate_.pass([this, all, index, spec = std::move(spec), encoded = std::move(encoded)](
                     const Result<std::optional<std::uint64_t>>& found) mutable {
        if (!found || *found) release_key(spec.idempotency_key);
        if (!found) return all->refuse(index, found.error());
        if (*found) return answer_known(all, index, spec, **found);
        check_dependencies(std::move(all), index, std::move(spec), std::move(encoded), 0, {});
      }));
}

// A key stands for one wish: it names the task that was made of it, and no other one.
void Node::answer_known(const std::shared_ptr<Submission>& all, std::size_t index,
                        const TaskSpec& spec, std::uint64_t seq) {
  parts_.store->find(
      seq, gate_.pass([all, index, spec, id = id_of(seq)](const Result<store::TaskDetail>& found) {
        const bool gone = !found && found.error().code == Code::not_found;
        if (!found && !gone) return all->refuse(index, found.error());
        Result<TaskSpec> known = gone ? spec : wire::decode_spec(*found->row.spec);
        if (!known) return all->refuse(index, known.error());
        if (same_wish(spec, *known)) return all->settle(index, {id, true, std::nullopt});
        all->refuse(index, fail(Code::conflict, "idempotency_key: '" + spec.idempotency_key +
                                                    "' stands for task " + to_string(id) +
                                                    ", which is another one; take another key"));
      }));
}

// The one that had the key was not accepted: the next one with it has its turn.
void Node::release_key(const std::string& key) {
  auto pending = pending_keys_.extract(key);
  if (pending.empty()) return;
  for (auto& other : pending.mapped().others) other();
}

void Node::check_dependencies(std::shared_ptr<Submission> all, std::size_t index, TaskSpec spec,
                              Bytes encoded, std::size_t next,
                              std::vector<std::uint64_t> unfinished) {
  for (; next < spec.after.size(); ++next) {
    std::uint64_t parent = spec.after[next].seq;
    if (owner::OwnedTask* live = owner_.find(parent); live && !is_terminal(live->state.state)) {
      unfinished.push_back(parent);
      continue;
    }
    // While the disk is asked, parents found unfinished before may end and release whom they know.
    if (looking_up_++ == 0) ended_.clear();
    return parts_.store->find(
        parent, gate_.pass([this, all, index, spec = std::move(spec), encoded = std::move(encoded),
                            next, unfinished = std::move(unfinished),
                            parent](const Result<store::TaskDetail>& found) mutable {
          looking_up_ -= 1;
          if (!found) {
            release_key(spec.idempotency_key);
            return all->refuse(index, found.error());
          }
          bool missed = std::any_of(unfinished.begin(), unfinished.end(),
                                    [this](std::uint64_t seq) { return ended_.contains(seq); });
          if (missed) {
            return check_dependencies(std::move(all), index, std::move(spec), std::move(encoded), 0,
                                      {});
          }
          TaskState state = found->row.task.state;
          if (owner::OwnedTask* live = owner_.find(parent)) state = live->state.state;
          if (is_terminal(state) && state != TaskState::succeeded) {
            release_key(spec.idempotency_key);
            return all->refuse(
                index, fail(Code::conflict, "after: task " + to_string(id_of(parent)) + " is " +
                                                std::string(to_string(state))));
          }
          if (!is_terminal(state)) unfinished.push_back(parent);
          check_dependencies(std::move(all), index, std::move(spec), std::move(encoded), next + 1,
                             std::move(unfinished));
        }));
  }
  accept(all, index, std::move(spec), std::move(encoded), std::move(unfinished));
}

void Node::accept(const std::shared_ptr<Submission>& all, std::size_t index, TaskSpec spec,
                  Bytes encoded, std::vector<std::uint64_t> unfinished) {
  // Only here: a key that is known is answered even when nothing new is accepted.
  if (auto why = refusal(spec.band, encoded.size())) {
    release_key(spec.idempotency_key);
    return turn_away(all, index, *why);
  }
  const std::uint64_t seq = owner_.next_seq();
  store::NewTask row;
  row.row.band = spec.band;
  row.row.created = now();
  row.row.task = lifecycle::first_state(spec, std::uint32_t(unfinished.size()), now());
  // Never waits longer than tasks are kept; it expires then, and its submitter is told.
  const Duration age = options_.budget.of(DataClass::tasks).age;
  if (age < kLongestAge) row.row.task.deadline = std::min(row.row.task.deadline, now() + age);
  row.row.spec = std::make_shared<const Bytes>(std::move(encoded));
  row.kind = spec.kind;
  row.tenant = spec.tenant;
  row.idempotency_key = spec.idempotency_key;
  row.idempotency_until = now() + spec.idempotency_window;
  if (!unfinished.empty()) dependencies_ = true;
  row.after = std::move(unfinished);

  PendingKey key;
  if (!spec.idempotency_key.empty()) {
    key = std::exchange(pending_keys_[spec.idempotency_key], PendingKey{seq, {}});
  }
  counters_.accepted += 1;
  if (session_ && !there_.online()) counters_.buffered += 1;
  const std::size_t bytes = row.row.spec->size();
  admission_.let_in(bytes);
  const auto shared = std::make_shared<const TaskSpec>(std::move(spec));
  owner_.insert(std::move(row), shared);
  journal().after(
      seq, [this, all, index, seq, bytes, name = shared->idempotency_key](const Error* refused) {
        admission_.settle(bytes);
        if (!name.empty()) pending_keys_.erase(name);
        if (refused) return all->refuse(index, *refused);
        if (!listeners_.empty()) {
          emit(view_of(store::EventRow{seq, now(), store::EventKind::accepted, {}, {}, {}, {}}));
        }
        all->settle(index, {id_of(seq), false, std::nullopt});
      });
  for (auto& other : key.others) other();
  parts_.wake();
}

// A stop may have come between the commit of a task's end and that of who waited for it.
void Node::release_ended(std::uint64_t after) {
  parts_.store->ended_parent(after, gate_.pass([this](const Result<store::EndedParent>& ended) {
    if (!ended) return release_later();
    asked_who_waits_ = true;
    dependencies_ = dependencies_ || ended->anyone_waits;
    if (ended->seq == 0) return;
    release_dependents(ended->seq, ended->succeeded);
    release_ended(ended->seq);
  }));
}

// The disk did not say who waits: whoever does is found by asking for all that ended.
void Node::release_later() {
  retry_release_ = now() + kRetryRelease;
  parts_.wake();
}

void Node::release_dependents(std::uint64_t seq, bool succeeded) {
  // Released twice, a task would start before the others it waits for.
  if (!releasing_.insert(seq).second) return;
  parts_.store->dependents(
      seq, gate_.pass([this, seq, succeeded](const Result<std::vector<store::TaskRow>>& rows) {
        if (!rows) {
          releasing_.erase(seq);
          return release_later();
        }
        journal().after([this, seq] { releasing_.erase(seq); });
        if (rows->empty()) return parts_.wake();
        // In one batch with the steps of those who waited, so that a restart finds all or nothing.
        journal().dependencies_done(seq);
        for (const store::TaskRow& row : *rows) {
          owner::OwnedTask* live = owner_.find(row.seq);
          owner::OwnedTask& task = live ? *live : *owner_.adopt(row);
          owner_.apply(task, lifecycle::on_dependency(task.state, succeeded, owner_.tick()),
                       {"a task it came after did not succeed", Code::conflict});
          owner_.settle(row.seq);
        }
      }));
}

}  // namespace spillway::agent
