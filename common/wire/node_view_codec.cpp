#include <algorithm>
#include <iterator>

#include "common/wire/value_codec.h"
#include "common/wire/view_codec.h"
#include "view_generated.h"

namespace spillway::wire {
namespace {

constexpr std::size_t kMaxPlaces = 64;
constexpr std::size_t kMaxKinds = 256;
constexpr std::size_t kMaxShortages = 16;
constexpr std::size_t kMaxLosses = 1024;
constexpr std::size_t kMaxTerms = 64;

Offset<fb::PlaceView> write_place(Builder& fbb, const PlaceView& place) {
  auto name = write_text(fbb, place.name);
  auto state = write_prose(fbb, place.state);
  auto tags = write_texts(fbb, place.tags);
  auto kinds = write_texts(fbb, place.kinds);
  auto place_name = write_place_name(fbb, place.place);
  return fb::CreatePlaceView(fbb, known_place(place.place), name, place.reachable, state,
                             place.workers, place.memory, place.running, place.credits,
                             place.queue_delay.count(), place.rtt.count(), place.bandwidth_up, tags,
                             kinds, place_name);
}

PlaceView read_place(Reader& reader, const fb::PlaceView& raw) {
  return {read_place(reader, raw.place(), raw.place_name(), "place.place"),
          reader.text(raw.name(), "place.name"),
          raw.reachable(),
          reader.text(raw.state(), "place.state", kMaxProse),
          raw.workers(),
          raw.memory(),
          raw.running(),
          raw.credits(),
          Duration(raw.queue_delay_us()),
          Duration(raw.rtt_us()),
          reader.number(raw.bandwidth_up(), "place.bandwidth_up"),
          reader.names(raw.tags(), "place.tags"),
          reader.names(raw.kinds(), "place.kinds", kMaxKinds)};
}

static_assert(static_cast<int>(fb::DataClass::MAX) + 1 == static_cast<int>(kDataClasses));
static_assert(static_cast<int>(fb::LossCause::MAX) + 1 == static_cast<int>(kLossCauses));

Offset<fb::LossView> write_loss(Builder& fbb, const LossView& loss) {
  return fb::CreateLossView(fbb, static_cast<fb::DataClass>(loss.data),
                            static_cast<fb::LossCause>(loss.cause), loss.first.count(),
                            loss.last.count(), loss.count, loss.reported, loss.at_least);
}

LossView read_loss(Reader& reader, const fb::LossView& raw) {
  return {reader.choice<DataClass>(raw.data(), "loss.data"),
          reader.choice<LossCause>(raw.cause(), "loss.cause"),
          Duration(raw.first_us()),
          Duration(raw.last_us()),
          raw.count(),
          raw.reported(),
          raw.at_least()};
}

// What a node has, what is short of it and what was given up.
struct BudgetOffsets {
  VectorOffset<flatbuffers::String> shortages;
  Offset<flatbuffers::Vector<std::uint64_t>> produced;
  VectorOffset<fb::LossView> losses;
};

BudgetOffsets write_budget(Builder& fbb, const NodeView& node) {
  std::vector<Offset<fb::LossView>> losses;
  for (const LossView& loss : node.losses) losses.push_back(write_loss(fbb, loss));
  return {write_texts(fbb, node.shortages),
          fbb.CreateVector(node.produced, std::size(node.produced)),
          losses.empty() ? VectorOffset<fb::LossView>() : fbb.CreateVector(losses)};
}

void read_budget(Reader& reader, const fb::NodeView& raw, NodeView& node) {
  const auto shortages = reader.count(raw.shortages(), "node.shortages", kMaxShortages);
  for (flatbuffers::uoffset_t i = 0; i < shortages && reader.ok(); ++i) {
    node.shortages.push_back(reader.text(raw.shortages()->Get(i), "node.shortages"));
  }
  node.disk_bytes = raw.disk_bytes();
  node.disk_budget = raw.disk_budget();
  copy_numbers(raw.produced(), reader.count(raw.produced(), "node.produced", kDataClasses),
               node.produced);
  const auto losses = reader.count(raw.losses(), "node.losses", kMaxLosses);
  for (flatbuffers::uoffset_t i = 0; i < losses && reader.ok(); ++i) {
    node.losses.push_back(read_loss(reader, *raw.losses()->Get(i)));
  }
  node.clock_problem = reader.text(raw.clock_problem(), "node.clock_problem", kMaxProse);
}

VectorOffset<fb::BrokerTerm> write_terms(Builder& fbb, const NodeView& node) {
  std::vector<Offset<fb::BrokerTerm>> terms;
  for (const BrokerTerm& term : node.broker_terms) {
    auto what = write_text(fbb, term.what);
    terms.push_back(fb::CreateBrokerTerm(fbb, what, write_text(fbb, term.hurts)));
  }
  return terms.empty() ? VectorOffset<fb::BrokerTerm>() : fbb.CreateVector(terms);
}

void read_terms(Reader& reader, const fb::NodeView& raw, NodeView& node) {
  const auto terms = reader.count(raw.broker_terms(), "node.broker_terms", kMaxTerms);
  for (flatbuffers::uoffset_t i = 0; i < terms && reader.ok(); ++i) {
    const fb::BrokerTerm& term = *raw.broker_terms()->Get(i);
    node.broker_terms.push_back({reader.text(term.what(), "broker_term.what"),
                                 reader.text(term.hurts(), "broker_term.hurts")});
  }
}

void add_counters(fb::NodeViewBuilder& table, const NodeView& node) {
  table.add_accepted(node.accepted);
  table.add_done_local(node.done_local);
  table.add_done_cloud(node.done_cloud);
  table.add_in_cloud(node.in_cloud);
  table.add_buffered(node.buffered);
  table.add_duplicates(node.duplicates);
  table.add_refused_messages(node.refused_messages);
  table.add_bytes_up(node.bytes_up);
  table.add_bytes_down(node.bytes_down);
}

void read_counters(Reader& reader, const fb::NodeView& raw, NodeView& node) {
  node.accepted = raw.accepted();
  node.done_local = raw.done_local();
  node.done_cloud = raw.done_cloud();
  node.in_cloud = raw.in_cloud();
  node.buffered = raw.buffered();
  node.duplicates = raw.duplicates();
  node.refused_messages = raw.refused_messages();
  node.bytes_up = raw.bytes_up();
  node.bytes_down = raw.bytes_down();
  copy_numbers(raw.by_state(), reader.count(raw.by_state(), "by_state", std::size(node.by_state)),
               node.by_state);
}

}  // namespace

Offset<fb::NodeView> write_view(Builder& fbb, const NodeView& node) {
  std::vector<Offset<fb::PlaceView>> offsets;
  offsets.reserve(node.places.size());
  for (const PlaceView& place : node.places) offsets.push_back(write_place(fbb, place));
  auto places = offsets.empty() ? VectorOffset<fb::PlaceView>() : fbb.CreateVector(offsets);
  auto device = write_text(fbb, node.device);
  auto version = write_text(fbb, node.version);
  auto store_problem = write_prose(fbb, node.store_problem);
  auto by_state = fbb.CreateVector(node.by_state, std::size(node.by_state));
  BudgetOffsets budget = write_budget(fbb, node);
  auto clock_problem = write_prose(fbb, node.clock_problem);
  auto life_problem = write_prose(fbb, node.life_problem);
  auto terms = write_terms(fbb, node);
  fb::NodeViewBuilder table(fbb);
  table.add_origin(node.origin.value);
  table.add_uptime_us(node.uptime.count());
  add_counters(table, node);
  table.add_device(device);
  table.add_version(version);
  table.add_store_problem(store_problem);
  table.add_by_state(by_state);
  table.add_places(places);
  table.add_shortages(budget.shortages);
  table.add_produced(budget.produced);
  table.add_losses(budget.losses);
  table.add_disk_bytes(node.disk_bytes);
  table.add_disk_budget(node.disk_budget);
  table.add_clock_problem(clock_problem);
  table.add_life_problem(life_problem);
  table.add_broker_terms(terms);
  table.add_draining(node.draining);
  table.add_link_up(node.link_up);
  return table.Finish();
}

NodeView read_view(Reader& reader, const fb::NodeView& raw) {
  NodeView node;
  node.device = reader.text(raw.device(), "node.device");
  node.version = reader.text(raw.version(), "node.version");
  node.origin = Origin{raw.origin()};
  node.uptime = Duration(raw.uptime_us());
  node.draining = raw.draining();
  node.link_up = raw.link_up();
  node.store_problem = reader.text(raw.store_problem(), "node.store_problem", kMaxProse);
  node.life_problem = reader.text(raw.life_problem(), "node.life_problem", kMaxProse);
  read_budget(reader, raw, node);
  read_counters(reader, raw, node);
  read_terms(reader, raw, node);
  flatbuffers::uoffset_t size = reader.count(raw.places(), "places", kMaxPlaces);
  node.places.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    node.places.push_back(read_place(reader, *raw.places()->Get(i)));
  }
  return node;
}

}  // namespace spillway::wire
