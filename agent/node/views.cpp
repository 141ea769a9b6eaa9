#include "agent/node/views.h"

#include "common/owner/new_task.h"
#include "common/wire/codec.h"

namespace spillway::agent {

TaskView Views::view_of(const store::TaskRow& row, const std::string& kind,
                        const std::string& tenant) const {
  const lifecycle::OwnerTask& task = row.task;
  TaskView view;
  owner::tell(view, row, task);
  view.id = owner_.id_of(row.seq);
  view.kind = kind;
  view.tenant = tenant;
  view.place = owner_.places().name_of(task.place());
  view.age = owner_.now() - row.created;
  view.in_state = owner_.now() - task.since;
  view.wall_created = clock_.wall_of(row.created);
  if (task.deadline != kNever) view.deadline_in = task.deadline - owner_.now();
  return view;
}

TaskView Views::view_of(const owner::OwnedTask& task) const {
  store::TaskRow row;
  row.seq = task.seq;
  row.band = task.spec->band;
  row.created = task.created;
  row.task = task.state;
  return view_of(row, task.spec->kind.name, task.spec->tenant);
}

TaskView Views::view_of(const store::TaskDetail& detail) const {
  TaskView view = view_of(detail.row, detail.kind, detail.tenant);
  view.waits_for = detail.waits_for;
  if (detail.row.spec) {
    if (auto spec = wire::decode_spec(*detail.row.spec)) view.spec = *std::move(spec);
  }
  if (detail.row.result && is_terminal(view.state)) {
    if (auto result = wire::decode_result(*detail.row.result)) view.result = *std::move(result);
  }
  view.events.push_back(view_of(store::EventRow{
      detail.row.seq, detail.row.created, store::EventKind::accepted, {}, {}, {}, {}}));
  for (const store::EventRow& event : detail.events) view.events.push_back(view_of(event));
  if (view.state == TaskState::succeeded && view.result) {
    const PlaceId place = owner_.places().find(view.result->placement.chosen);
    view.events.push_back(view_of(store::EventRow{detail.row.seq,
                                                  detail.row.task.since,
                                                  store::EventKind::succeeded,
                                                  detail.row.task.epoch,
                                                  place,
                                                  {},
                                                  {}}));
  }
  return view;
}

EventView Views::view_of(const store::EventRow& row) const {
  EventView view{row.seq,
                 owner_.id_of(row.seq),
                 row.at,
                 clock_.wall_of(row.at),
                 std::string(store::to_string(row.kind)),
                 row.epoch,
                 owner_.places().name_of(row.place),
                 row.failure,
                 {}};
  if (row.kind == store::EventKind::granted) {
    auto explanation = wire::decode_explanation(row.detail);
    view.detail = explanation ? explanation->dominant : "";
  } else {
    view.detail = std::string(as_text(row.detail));
  }
  return view;
}

}  // namespace spillway::agent
